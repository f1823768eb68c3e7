// The whole way, from a provider and a directory to users in a database: signing in, linking, and what is
// asked again between two sign-ins.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  type Directory,
  GROUPS,
  plantTree,
  putGroup,
  putPerson,
} from '../../../test/support/directory.ts';
import { startLdapjs } from '../../../test/support/ldapjs-directory.ts';
import { CLIENT_ID, OidcServer, signInAtProvider } from '../../../test/support/oidc-server.ts';
import { SYSTEM } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import type { Sql } from '../../metadata/sql.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { teamsOf } from '../../metadata/teams.ts';
import { identitiesOf } from '../../metadata/user-identities.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type AccessCommands, accessCommands } from '../commands.ts';
import { sealWith } from '../seal.ts';
import { ExternalAccounts } from './external-accounts.ts';
import { ldapSettings } from './ldap.suite.ts';
import { LdapSignIn } from './ldap.ts';
import { OidcSignIn } from './oidc.ts';

const BACK = 'https://registry.example.com/back';
const ACTOR = { ...SYSTEM, name: 'anonymous' };
const MINUTE_MS = 60_000;
const ALICE = { preferred_username: 'alice', name: 'Alice', groups: ['core'] };
const TEAMS = [{ group: 'core', team: 'acme/core' }];
const RULES = { allowSignUp: true, linkByEmail: false, emailDomains: [] };

let now = 0;
let sql: Sql;
let commands: Commands<AccessCommands>;
let provider: OidcServer;
let directory: Directory;
let oidc: OidcSignIn;
let accounts: ExternalAccounts;
let close: () => Promise<void>;

beforeEach(async () => {
  now = Date.now();
  const connection = openSqliteWriter(':memory:', () => now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: accessCommands() });
  sql = connection;
  commands = commit as unknown as Commands<AccessCommands>;
  provider = await OidcServer.start({ redirectUri: BACK });
  provider.people.set('a-1', ALICE);
  directory = await startLdapjs();
  await plantTree(directory);
  const seal = sealWith(new Uint8Array(32).fill(1));
  const claims = {
    name: 'preferred_username',
    email: 'email',
    displayName: 'name',
    groups: 'groups',
  };
  const company = {
    name: 'company',
    label: '',
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: undefined,
    scopes: ['profile'],
    claims,
    teams: TEAMS,
    rules: RULES,
    offline: true,
  };
  oidc = new OidcSignIn({ providers: [company], seal, now: () => now });
  const ldap = new LdapSignIn(ldapSettings(directory.url, { teams: TEAMS, rules: RULES }));
  accounts = new ExternalAccounts({ sql, commands, seal, oidc, ldap });
  close = () => commit.close();
  await plantTeam();
});
afterEach(async () => {
  await provider.stop().catch(() => {});
  await directory.stop();
  await close();
});

async function localUser(name: string): Promise<number> {
  const user = { name, displayName: '', email: null, passwordHash: 'x', adoptsNamespace: false };
  return commands.run('createUser', { ...user, actor: ACTOR });
}

async function plantTeam(): Promise<void> {
  const owner = await localUser('olga');
  const named = { name: 'acme', displayName: '', adoptsNamespace: false };
  const organisation = await commands.run('createOrganisation', { ...named, owner, actor: ACTOR });
  await commands.run('createTeam', { organisation, name: 'core', actor: ACTOR });
}

async function teamsNow(user: number): Promise<string[]> {
  return (await teamsOf(sql, user)).map(({ name, source }) => `${name} by ${source}`);
}

async function signIn({ linkTo, signedIn }: { linkTo?: number; signedIn?: number } = {}) {
  const begun = await oidc.begin('company', { redirectUri: BACK, returnTo: '/x', linkTo });
  const { search: query } = await signInAtProvider(begun.redirectTo, 'a-1');
  const answer = { query, state: begun.state, signedIn, actor: ACTOR };
  return accounts.finishOidc('company', answer);
}

function refresh(user: number, method: string): Promise<'kept' | 'ended'> {
  now += MINUTE_MS;
  return accounts.refresh({ user, method, actor: ACTOR });
}

describe('a provider', () => {
  test('signs in, and its token lies in the database sealed', async () => {
    const user = await signIn();
    expect(user).toEqual({
      id: expect.any(Number),
      name: 'alice',
      epoch: 1,
      method: 'oidc:company',
      returnTo: '/x',
      isLink: false,
    });
    expect(await teamsNow(user.id)).toEqual(['acme/core by oidc:company']);
    const [identity] = await identitiesOf(sql, user.id);
    expect(identity?.refreshToken).toStartWith('v1.');
  });

  test('links for who is signed in, and nobody else', async () => {
    const bob = await localUser('bob');
    const eve = await localUser('eve');
    for (const signedIn of [eve, undefined]) {
      const refused = signIn({ linkTo: bob, ...(signedIn !== undefined && { signedIn }) });
      const error = await refused.catch((reason: RegistryError) => reason);
      expect(error).toMatchObject({ code: 'DENIED' });
    }
    expect(await signIn({ linkTo: bob, signedIn: bob })).toMatchObject({ id: bob, isLink: true });
    expect(await signIn()).toMatchObject({ id: bob, isLink: false });
  });

  test('tells of changed groups when a session is rotated, and is asked once a minute', async () => {
    const { id, method } = await signIn();
    provider.people.set('a-1', { ...ALICE, groups: [] });
    expect(await accounts.refresh({ user: id, method, actor: ACTOR })).toBe('kept');
    expect(await teamsNow(id)).toEqual(['acme/core by oidc:company']);
    expect(await refresh(id, method)).toBe('kept');
    expect(await teamsNow(id)).toEqual([]);
    provider.people.set('a-1', ALICE);
    expect(await refresh(id, 'password')).toBe('kept');
    expect(await teamsNow(id)).toEqual(['acme/core by oidc:company']);
  });

  test('that is away changes nothing', async () => {
    const { id, method } = await signIn();
    await provider.stop();
    expect(await refresh(id, method)).toBe('kept');
    expect(await refresh(id, method)).toBe('kept');
    expect(await teamsNow(id)).toEqual(['acme/core by oidc:company']);
  });

  test('that knows somebody no more ends what they signed in with there, until they do again', async () => {
    const { id, method } = await signIn();
    provider.people.delete('a-1');
    expect(await refresh(id, 'password')).toBe('kept');
    expect(await refresh(id, method)).toBe('ended');
    expect(await accounts.refresh({ user: id, method, actor: ACTOR })).toBe('ended');
    provider.people.set('a-1', ALICE);
    await signIn();
    expect(await refresh(id, method)).toBe('kept');
  });

  test('whose account was unlinked ends it too', async () => {
    const { id, method } = await signIn();
    const unlink = { provider: 'oidc:company', subject: 'a-1', user: id, actor: ACTOR };
    await commands.run('unlinkExternalAccount', unlink);
    expect(await refresh(id, method)).toBe('ended');
    expect(await refresh(id, 'password')).toBe('kept');
  });
});

describe('the directory', () => {
  const given = { name: 'dora', password: 'right', actor: ACTOR };
  const core = `cn=core,${GROUPS}`;

  test('signs in, and its groups follow between sign-ins', async () => {
    const dora = await putPerson(directory, { uid: 'dora', password: 'right' });
    await putGroup(directory, { cn: 'core', members: [dora] });
    expect(await accounts.signInWithLdap({ ...given, password: 'wrong' })).toBeUndefined();
    const user = await accounts.signInWithLdap(given);
    expect(user).toMatchObject({ name: 'dora', method: 'ldap' });
    const { id = 0 } = user ?? {};
    expect(await teamsNow(id)).toEqual(['acme/core by ldap']);
    await directory.remove(core);
    expect(await refresh(id, 'ldap')).toBe('kept');
    expect(await teamsNow(id)).toEqual([]);
    await putGroup(directory, { cn: 'core', members: [dora] });
    expect(await refresh(id, 'ldap')).toBe('kept');
    expect(await teamsNow(id)).toEqual(['acme/core by ldap']);
    await directory.remove(dora);
    expect(await refresh(id, 'ldap')).toBe('ended');
    expect(await teamsNow(id)).toEqual([]);
    // A newcomer of that name is not her.
    await putPerson(directory, { uid: 'dora', password: 'right' });
    const error = await accounts.signInWithLdap(given).catch((reason: RegistryError) => reason);
    expect(error).toMatchObject({ code: 'CONFLICT' });
  });

  test('opens no account of a local user of the same name', async () => {
    await localUser('dora');
    await putPerson(directory, { uid: 'dora', password: 'right' });
    const error = await accounts.signInWithLdap(given).catch((reason: RegistryError) => reason);
    expect(error).toBeInstanceOf(RegistryError);
    expect(error).toMatchObject({ code: 'CONFLICT' });
  });
});
