// Which user an account of elsewhere is, on every engine: found, linked, made or refused; and its teams.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { readAccessState } from '../../metadata/access-facts.ts';
import { type Actor, SYSTEM } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Sql } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { teamsOf } from '../../metadata/teams.ts';
import { identitiesOf } from '../../metadata/user-identities.ts';
import { findUser } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { AccessCommands } from '../commands.ts';
import type { Entry } from './external-account.command.ts';
import type { EntryRules, ExternalAccount } from './external-account.ts';

export interface OpenedAccounts {
  readonly sql: Sql;
  readonly commands: Commands<AccessCommands>;
  close(): Promise<void>;
}

const actsOn = statement<{ target: string }>()((q, p) =>
  q.selectFrom('audit_events').select('action').where('target', '=', p.target).orderBy('id'),
);

const CLOSED: EntryRules = { allowSignUp: false, linkByEmail: false, emailDomains: [] };
const OPEN: EntryRules = { ...CLOSED, allowSignUp: true };
const BY_EMAIL: EntryRules = { ...CLOSED, linkByEmail: true };
const ACTOR: Actor = { ...SYSTEM, name: 'anonymous', principal: 'anonymous' };

let count = 0;

/** An account that no other case uses. */
function freshAccount(change: Partial<ExternalAccount> = {}): ExternalAccount {
  count += 1;
  return {
    provider: 'oidc:company',
    subject: `subject-${count}`,
    name: `Person${count}`,
    displayName: `Person ${count}`,
    email: `person${count}@example.com`,
    isEmailVerified: true,
    teams: [],
    ...change,
  };
}

class World {
  opened: OpenedAccounts | undefined;
  get sql(): Sql {
    return this.#open.sql;
  }
  get commands(): Commands<AccessCommands> {
    return this.#open.commands;
  }
  get #open(): OpenedAccounts {
    if (this.opened === undefined) throw new Error('the database is not open');
    return this.opened;
  }

  enter(account: ExternalAccount, change: Partial<Entry> = {}) {
    const entry = { account, rules: OPEN, refreshToken: null, linkTo: null, actor: ACTOR };
    return this.commands.run('enterExternalAccount', { ...entry, ...change });
  }

  async localUser(change: { email?: string } = {}): Promise<{ id: number; name: string }> {
    count += 1;
    const name = `local${count}`;
    const email = change.email ?? null;
    const user = { name, displayName: '', email, passwordHash: 'x', adoptsNamespace: false };
    return { name, id: await this.commands.run('createUser', { ...user, actor: ACTOR }) };
  }

  /** An organisation with the teams `core` and `web`. */
  async organisation(): Promise<string> {
    const owner = await this.localUser();
    const name = `org${count}`;
    const organisation = await this.commands.run('createOrganisation', {
      name,
      displayName: '',
      owner: owner.id,
      adoptsNamespace: false,
      actor: ACTOR,
    });
    for (const team of ['core', 'web']) {
      await this.commands.run('createTeam', { organisation, name: team, actor: ACTOR });
    }
    return name;
  }

  async teams(user: number): Promise<string[]> {
    return (await teamsOf(this.sql, user)).map(({ name, source }) => `${name} by ${source}`);
  }

  async revision(): Promise<number> {
    return (await readAccessState(this.sql)).revision;
  }

  async acts(target: string): Promise<string[]> {
    return (await this.sql.all(actsOn, { target })).map(({ action }) => action);
  }
}

async function turnOnTotp({ commands }: World, userId: number): Promise<void> {
  const change = { userId, actor: ACTOR, sealed: 'sealed' };
  await commands.run('beginTotp', change);
  await commands.run('confirmTotp', { ...change, step: 1, codes: [] });
}

async function addPasskey({ commands }: World, userId: number): Promise<void> {
  await commands.run('addPasskey', {
    userId,
    actor: ACTOR,
    codes: [],
    most: 10,
    passkey: {
      user: userId,
      credentialId: Uint8Array.from([userId]),
      publicKey: Uint8Array.from([1]),
      counter: 0,
      transports: '[]',
      name: 'key',
    },
  });
}

async function refusal(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RegistryError) return error;
  throw new Error(`expected a refusal, and it was ${String(error)}`);
}

export function describeExternalAccounts(name: string, open: () => Promise<OpenedAccounts>): void {
  describe(name, () => {
    const world = new World();
    beforeAll(async () => {
      world.opened = await open();
    }, 60_000);
    afterAll(() => world.opened?.close());
    firstSignIns(world);
    links(world);
    endings(world);
    groups(world);
  });
}

function firstSignIns(world: World): void {
  describe('a first sign-in', () => {
    test('makes a user when that is allowed, and the next one finds the same', async () => {
      const account = freshAccount({ name: 'Zoë.Müller@example.com' });
      const user = await world.enter(account);
      expect(user).toMatchObject({ name: 'zoe.muller', epoch: 1 });
      const { email, displayName, hasPassword } = (await findUser(world.sql, user.name)) ?? {};
      expect({ email, displayName, hasPassword }).toEqual({
        email: account.email ?? null,
        displayName: account.displayName,
        hasPassword: false,
      });
      // Who has an account needs no leave to make one; and names may change at the provider.
      expect(await world.enter({ ...account, name: 'other' }, { rules: CLOSED })).toEqual(user);
      expect(await world.acts('user zoe.muller')).toEqual(['user.create', 'identity.link']);
    });

    test('is refused when it is not allowed, and nothing is made', async () => {
      const account = freshAccount();
      const { code, message } = await refusal(world.enter(account, { rules: CLOSED }));
      expect([code, message]).toEqual(['DENIED', expect.stringContaining(account.name)]);
      expect(await findUser(world.sql, account.name.toLowerCase())).toBeUndefined();
    });

    test('two at once make one user', async () => {
      const account = freshAccount();
      const all = await Promise.all(Array.from({ length: 4 }, () => world.enter(account)));
      expect(new Set(all.map(({ id }) => id)).size).toBe(1);
      expect(await world.acts(`user ${account.name.toLowerCase()}`)).toEqual([
        'user.create',
        'identity.link',
      ]);
    });

    test('the same subject at another provider is somebody else', async () => {
      const account = freshAccount();
      await world.enter(account);
      const other = { ...account, provider: 'oidc:other' as const };
      expect((await refusal(world.enter(other))).code).toBe('CONFLICT');
      const named = await world.enter({ ...other, name: `${account.name}-2` });
      expect(named.name).toBe(`${account.name}-2`.toLowerCase());
    });

    test.each([
      ['a user', async () => (await world.localUser()).name],
      ['an organisation', () => world.organisation()],
      ['the reserved names', async () => 'Admin'],
      ['nothing that a name can be', async () => '***'],
    ])('a name of %s is refused, with what to do, and never changed', async (_, taken) => {
      const { code, message } = await refusal(world.enter(freshAccount({ name: await taken() })));
      expect(code).toBe('CONFLICT');
      expect(message).toContain('sign in another way and link this account');
    });

    test('an e-mail that nobody has checked is not kept', async () => {
      const user = await world.enter(freshAccount({ isEmailVerified: false }));
      expect((await findUser(world.sql, user.name))?.email).toBeNull();
    });

    test.each([
      [{ email: 'eve@other.example' }],
      [{ email: 'eve@example.com.other.example' }],
      [{ email: 'example.com' }],
      [{ email: '@example.com' }],
      [{ isEmailVerified: false }],
      [{ email: undefined }],
    ] as [Partial<ExternalAccount>][])(
      'outside of the domains that may come: %j',
      async (change) => {
        const rules = { ...OPEN, emailDomains: ['example.com'] };
        const { message } = await refusal(world.enter(freshAccount(change), { rules }));
        expect(message).toContain('verified e-mail of example.com');
      },
    );

    test('the domains hold at every sign-in', async () => {
      const account = freshAccount();
      await world.enter(account);
      const rules = { ...OPEN, emailDomains: ['example.org'] };
      expect((await refusal(world.enter(account, { rules }))).code).toBe('DENIED');
    });
  });
}

function links(world: World): void {
  describe('a link', () => {
    test('by a verified e-mail, in any case of letters, when that is allowed', async () => {
      const account = freshAccount();
      const local = await world.localUser({ email: account.email?.toUpperCase() ?? '' });
      expect((await refusal(world.enter(account, { rules: CLOSED }))).code).toBe('DENIED');
      const unverified = { ...account, isEmailVerified: false };
      expect((await refusal(world.enter(unverified, { rules: BY_EMAIL }))).code).toBe('DENIED');
      expect(await world.enter(account, { rules: BY_EMAIL })).toMatchObject(local);
      // It is theirs from now on.
      expect(await world.enter(unverified, { rules: CLOSED })).toMatchObject(local);
    });

    test('by e-mail is refused when two users have it', async () => {
      const account = freshAccount();
      const email = account.email ?? '';
      await world.localUser({ email });
      await world.localUser({ email });
      const { message } = await refusal(world.enter(account, { rules: BY_EMAIL }));
      expect(message).toContain('Sign in as that user, then link');
    });

    test('by e-mail never opens who wrote that address down themselves', async () => {
      const account = freshAccount();
      const email = account.email ?? '';
      const mallory = await world.localUser({ email: 'mallory@example.com' });
      const own = { ...ACTOR, principal: `user:${mallory.id}` };
      await world.commands.run('updateUser', { id: mallory.id, email, actor: own });
      const hash = new TextEncoder().encode(`invitation for ${email}`);
      const open = { email: null, organisation: null, expiresAt: Date.now() + 60_000 };
      await world.commands.run('createInvitation', { ...open, hash, actor: ACTOR });
      const invited = { name: `${mallory.name}-too`, displayName: '', passwordHash: 'x' };
      await world.commands.run('acceptInvitation', { ...invited, hash, email, actor: ACTOR });
      expect((await refusal(world.enter(account, { rules: BY_EMAIL }))).code).toBe('DENIED');
      // What an administrator says of an address is more than that.
      await world.commands.run('updateUser', { id: mallory.id, email: null, actor: ACTOR });
      await world.commands.run('updateUser', { id: mallory.id, email, actor: ACTOR });
      expect(await world.enter(account, { rules: BY_EMAIL })).toMatchObject(mallory);
    });

    test('by e-mail never opens an administrator', async () => {
      const account = freshAccount();
      const local = await world.localUser({ email: account.email ?? '' });
      const subject = { kind: 'user', id: local.id } as const;
      const grant = { subject, path: '', role: 'administrator', actor: ACTOR };
      await world.commands.run('addGrant', grant);
      const rules = { ...BY_EMAIL, allowSignUp: true };
      expect((await refusal(world.enter(account, { rules }))).code).toBe('DENIED');
    });

    test('by e-mail never opens who asks for a second factor', async () => {
      for (const turnOn of [turnOnTotp, addPasskey]) {
        const account = freshAccount();
        const local = await world.localUser({ email: account.email ?? '' });
        await turnOn(world, local.id);
        const { message } = await refusal(world.enter(account, { rules: BY_EMAIL }));
        expect(message).toContain('Sign in as that user, then link');
      }
    });

    test('by who is signed in, whatever the rules say', async () => {
      const account = freshAccount();
      const local = await world.localUser();
      const linked = world.enter(account, { rules: CLOSED, linkTo: local.id });
      expect(await linked).toMatchObject(local);
      expect(await world.enter(account, { rules: CLOSED })).toMatchObject(local);
    });

    test('of an account that is somebody else’s is refused', async () => {
      const account = freshAccount();
      await world.enter(account);
      const local = await world.localUser();
      const { code } = await refusal(world.enter(account, { linkTo: local.id }));
      expect(code).toBe('CONFLICT');
      expect(await identitiesOf(world.sql, local.id)).toEqual([]);
    });

    test('that is taken away signs nobody in, and ends what was signed in', async () => {
      const account = freshAccount();
      const user = await world.enter(account);
      const { provider, subject } = account;
      const before = await world.revision();
      const unlink = { provider, subject, user: user.id, actor: ACTOR };
      const other = await world.localUser();
      const stranger = world.commands.run('unlinkExternalAccount', { ...unlink, user: other.id });
      expect((await refusal(stranger)).code).toBe('NOT_FOUND');
      await world.commands.run('unlinkExternalAccount', unlink);
      expect((await findUser(world.sql, user.name))?.epoch).toBe(user.epoch + 1);
      expect(await world.revision()).toBeGreaterThan(before);
      // The name is taken now, by the user that it was.
      expect((await refusal(world.enter(account))).code).toBe('CONFLICT');
    });
  });
}

function endings(world: World): void {
  test.each(['disableUser', 'deleteUser'] as const)('after %s nobody signs in', async (command) => {
    const account = freshAccount();
    const { id } = await world.enter(account);
    await world.commands.run(command, { id, actor: ACTOR });
    const { code, message } = await refusal(world.enter(account));
    expect([code, message]).toEqual(['DENIED', expect.stringContaining('is d')]);
  });

  test('an e-mail does not open what is disabled or deleted', async () => {
    for (const command of ['disableUser', 'deleteUser'] as const) {
      const account = freshAccount();
      const { id } = await world.localUser({ email: account.email ?? '' });
      await world.commands.run(command, { id, actor: ACTOR });
      expect((await refusal(world.enter(account, { rules: BY_EMAIL }))).code).toBe('DENIED');
      expect(await identitiesOf(world.sql, id)).toEqual([]);
    }
  });
}

function groups(world: World): void {
  describe('teams', () => {
    let organisation = '';
    beforeEach(async () => {
      organisation = await world.organisation();
    });

    test('follow the groups at each sign-in, and the revision only when they change', async () => {
      const [core, web] = [`${organisation}/core`, `${organisation}/web`];
      const account = freshAccount({ teams: [core, `${organisation}/none`, 'nobody/none'] });
      const { id } = await world.enter(account);
      expect(await world.teams(id)).toEqual([`${core} by oidc:company`]);
      const before = await world.revision();
      await world.enter(account);
      expect(await world.revision()).toBe(before);
      await world.enter({ ...account, teams: [web] });
      expect(await world.teams(id)).toEqual([`${web} by oidc:company`]);
      expect(await world.revision()).toBe(before + 1);
      await world.enter({ ...account, teams: [] });
      expect(await world.teams(id)).toEqual([]);
      expect(await world.revision()).toBe(before + 2);
    });

    test('of one provider leave those of another alone', async () => {
      const core = `${organisation}/core`;
      const account = freshAccount({ teams: [core] });
      const { id } = await world.enter(account);
      const directory = freshAccount({ provider: 'ldap', teams: [core] });
      await world.enter(directory, { linkTo: id });
      await world.enter({ ...account, teams: [] });
      expect(await world.teams(id)).toEqual([`${core} by ldap`]);
    });

    test('go with the link', async () => {
      const account = freshAccount({ teams: [`${organisation}/core`] });
      const { id } = await world.enter(account);
      const { provider, subject } = account;
      await world.commands.run('unlinkExternalAccount', {
        provider,
        subject,
        user: id,
        actor: ACTOR,
      });
      expect(await world.teams(id)).toEqual([]);
    });

    test('change between two sign-ins, at most once in a while, with a new token', async () => {
      const core = `${organisation}/core`;
      const account = freshAccount();
      const { id } = await world.enter(account, { refreshToken: 'sealed-1' });
      const { provider, subject } = account;
      const take = { provider, subject, restMs: 3_600_000 };
      // The sign-in itself has just asked.
      expect(await world.commands.run('takeExternalRefresh', take)).toBe(false);
      const due = { ...take, restMs: 0 };
      expect(await world.commands.run('takeExternalRefresh', due)).toBe(true);
      const fresh = { provider, subject, teams: [core], refreshToken: 'sealed-2', actor: ACTOR };
      await world.commands.run('refreshExternalAccount', fresh);
      expect(await world.teams(id)).toEqual([`${core} by oidc:company`]);
      const [identity] = await identitiesOf(world.sql, id);
      expect(identity?.refreshToken).toBe('sealed-2');
      // Nothing was said of groups.
      const silent = { ...fresh, teams: null, refreshToken: '' };
      await world.commands.run('refreshExternalAccount', silent);
      expect(await world.teams(id)).toEqual([`${core} by oidc:company`]);
    });
  });
}
