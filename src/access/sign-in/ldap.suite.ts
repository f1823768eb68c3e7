// What signing in by a directory promises, whichever server that is.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  ADMIN,
  type Directory,
  GROUPS,
  PEOPLE,
  plantTree,
  putGroup,
  putPerson,
  SUFFIX,
} from '../../../test/support/directory.ts';
import { RegistryError } from '../../oci/errors.ts';
import { LdapSignIn } from './ldap.ts';
import type { LdapSettings } from './ldap-settings.ts';

export function ldapSettings(url: string, change: Partial<LdapSettings> = {}): LdapSettings {
  return {
    url,
    startTls: false,
    ca: undefined,
    bindDn: ADMIN.dn,
    bindPassword: ADMIN.password,
    base: PEOPLE,
    filter: '(uid={name})',
    attributes: { id: undefined, name: 'uid', email: 'mail', displayName: 'cn' },
    groups: undefined,
    teams: [
      { group: 'core', team: 'acme/core' },
      { group: `cn=web,${GROUPS}`, team: 'acme/web' },
    ],
    rules: { allowSignUp: true, linkByEmail: false, emailDomains: [] },
    ...change,
  };
}

export async function ldapRefusal(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(
    (value) => `no refusal but ${JSON.stringify(value)}`,
    (reason: unknown) => reason,
  );
  if (error instanceof RegistryError) return error;
  throw new Error(`expected a refusal, and it was ${String(error)}`);
}

export function describeLdap<D extends Directory>(
  title: string,
  start: () => Promise<D>,
  more: (directory: () => D) => void = () => {},
): void {
  describe(title, () => {
    let started: D | undefined;
    const directory = (): D => {
      if (started === undefined) throw new Error('the directory is not there');
      return started;
    };
    const ldap = (change: Partial<LdapSettings> = {}) =>
      new LdapSignIn(ldapSettings(directory().url, change));

    beforeAll(async () => {
      started = await start();
      await plantTree(started);
      const people = [
        await putPerson(started, {
          uid: 'alice',
          password: 'right',
          cn: 'Alice A.',
          mail: 'alice@example.com',
        }),
        await putPerson(started, { uid: 'bob', password: 'bob’s' }),
      ];
      await putPerson(started, { uid: 'carol' });
      await putPerson(started, { uid: 'dave', password: 'right', mail: 'nowhere' });
      await putGroup(started, { cn: 'core', members: people });
      await putGroup(started, { cn: 'web', members: people.slice(0, 1) });
    }, 60_000);
    afterAll(() => started?.stop());

    passwords(ldap);
    injections(ldap);
    groups(ldap, directory);
    faults(ldap);
    more(directory);
  });
}

type Open = (change?: Partial<LdapSettings>) => LdapSignIn;

function passwords(ldap: Open): void {
  test('the right password gives the account', async () => {
    const account = await ldap().signIn({ name: 'alice', password: 'right' });
    expect(account).toEqual({
      provider: 'ldap',
      subject: expect.stringMatching(/^entryUUID:[0-9a-f-]{36}$/),
      name: 'alice',
      displayName: 'Alice A.',
      email: 'alice@example.com',
      isEmailVerified: true,
      teams: ['acme/core', 'acme/web'],
    });
    // By any spelling that the directory takes, it is the same one.
    const again = await ldap().signIn({ name: 'ALICE', password: 'right' });
    if (again !== undefined) expect(again).toEqual(account as never);
    const bob = await ldap().signIn({ name: 'bob', password: 'bob’s' });
    expect(bob).toMatchObject({ email: undefined, isEmailVerified: false, teams: ['acme/core'] });
    const dave = await ldap().signIn({ name: 'dave', password: 'right' });
    expect(dave).toMatchObject({ email: undefined, isEmailVerified: false });
  });

  test.each([
    ['wrong', { name: 'alice', password: 'wrong' }],
    ['empty', { name: 'alice', password: '' }],
    ['of somebody else', { name: 'bob', password: 'right' }],
    ['of nobody', { name: 'nobody', password: 'right' }],
    ['without a name', { name: '', password: 'right' }],
    ['of somebody who has none', { name: 'carol', password: 'right' }],
    ['empty, of somebody who has none', { name: 'carol', password: '' }],
    ['for a name without an end', { name: 'a'.repeat(5_000), password: 'right' }],
  ])('a password that is %s gives nobody', async (_, given) => {
    expect(await ldap().signIn(given)).toBeUndefined();
  });

  test('the attributes are those of the settings', async () => {
    const attributes = { id: 'uid', name: 'mail', email: 'mail', displayName: 'sn' };
    const account = await ldap({ attributes }).signIn({ name: 'alice', password: 'right' });
    expect(account).toMatchObject({
      subject: 'uid:alice',
      name: 'alice@example.com',
      displayName: 'alice',
    });
  });
}

function injections(ldap: Open): void {
  test.each([
    ['*'],
    ['a*'],
    ['*)(uid=*'],
    ['alice)(uid=alice'],
    ['alice)(|(uid=*'],
    ['x)(|(uid=alice'],
    ['alice\u0000'],
    ['alice\\2a'],
    ['\\61lice'],
    ['(uid=alice)'],
    [`uid=alice,${PEOPLE}`],
  ])('%j is a name, and nothing of a filter', async (name) => {
    expect(await ldap().signIn({ name, password: 'right' })).toBeUndefined();
    const either = ldap({ filter: '(|(uid={name})(mail={name}))' });
    expect(await either.signIn({ name, password: 'right' })).toBeUndefined();
  });

  test('two entries of one name are nobody', async () => {
    const filter = '(|(uid={name})(objectClass=inetOrgPerson))';
    expect(await ldap({ filter }).signIn({ name: 'alice', password: 'right' })).toBeUndefined();
  });

  test('the filter says who may come in', async () => {
    const filter = '(&(uid={name})(mail=*))';
    expect(await ldap({ filter }).signIn({ name: 'bob', password: 'bob’s' })).toBeUndefined();
    expect(await ldap({ filter }).signIn({ name: 'alice', password: 'right' })).toBeDefined();
  });
}

function groups(ldap: Open, directory: () => Directory): void {
  test('are looked for where the settings say, as the account that searches', async () => {
    const given = { name: 'alice', password: 'right' };
    for (const filter of ['(member={dn})', `(&(objectClass=groupOfNames)(member={dn}))`]) {
      const account = await ldap({ groups: { base: GROUPS, filter } }).signIn(given);
      expect(account?.teams).toEqual(['acme/core', 'acme/web']);
    }
    const byName = { base: SUFFIX, filter: '(cn={name})' };
    expect((await ldap({ groups: byName }).signIn(given))?.teams).toEqual([]);
    const elsewhere = { base: `ou=none,${SUFFIX}`, filter: '(member={dn})' };
    expect((await ldap({ groups: elsewhere }).signIn(given))?.teams).toEqual([]);
  });

  test('that are given and taken away show at the next look', async () => {
    const dn = await putPerson(directory(), { uid: 'erin', password: 'right' });
    const bob = `uid=bob,${PEOPLE}`;
    const ops = `cn=ops,${GROUPS}`;
    const search = { groups: { base: GROUPS, filter: '(member={dn})' } };
    const teams = [{ group: 'ops', team: 'acme/ops' }];
    const byEntry = ldap({ teams });
    const bySearch = ldap({ ...search, teams });
    const subject = (await byEntry.signIn({ name: 'erin', password: 'right' }))?.subject ?? '';
    const teamsNow = async () => [
      (await byEntry.signIn({ name: 'erin', password: 'right' }))?.teams,
      (await byEntry.lookUp(subject))?.teams,
      (await bySearch.lookUp(subject))?.teams,
    ];
    expect(await teamsNow()).toEqual([[], [], []]);
    await putGroup(directory(), { cn: 'ops', members: [dn, bob] });
    expect(await teamsNow()).toEqual([['acme/ops'], ['acme/ops'], ['acme/ops']]);
    await directory().remove(ops);
    await putGroup(directory(), { cn: 'ops', members: [bob] });
    expect(await teamsNow()).toEqual([[], [], []]);
    await directory().remove(dn);
    expect(await teamsNow()).toEqual([undefined, undefined, undefined]);
    // Another person of the same name is not the one who left.
    await putPerson(directory(), { uid: 'erin', password: 'right' });
    expect(await byEntry.lookUp(subject)).toBeUndefined();
    await directory().remove(ops);
    await directory().remove(dn);
  });

  test('of an entry without a number are found by its place', async () => {
    const subject = `dn:uid=alice,${PEOPLE}`;
    expect(await ldap().lookUp(subject)).toBeUndefined();
    expect(await ldap().lookUp(`dn:uid=none,${PEOPLE}`)).toBeUndefined();
    const attributes = { id: 'uid', name: 'uid', email: 'mail', displayName: 'cn' };
    expect(await ldap({ attributes }).lookUp('uid:alice')).toMatchObject({ name: 'alice' });
    const filter = '(&(uid={name})(!(uid=alice)))';
    expect(await ldap({ attributes, filter }).lookUp('uid:alice')).toBeUndefined();
  });
}

function faults(ldap: Open): void {
  const given = { name: 'alice', password: 'right' };

  test('a wrong password of the registry’s own account is a fault, and not one of who signs in', async () => {
    const error = await ldapRefusal(ldap({ bindPassword: 'hunter2' }).signIn(given));
    expect(error.code).toBe('UNAVAILABLE');
    expect(String(error.cause)).toContain('ldap.bind-dn');
    expect(`${error.message} ${error.cause}`).not.toContain('hunter2');
  });

  test('a search that nobody may make is a fault or finds nobody', async () => {
    const anonymous = ldap({ bindDn: undefined, bindPassword: undefined });
    const outcome = await anonymous.signIn(given).catch((error: RegistryError) => error.code);
    expect([undefined, 'UNAVAILABLE']).toContain(outcome as never);
  });

  test('an entry without its number is a fault', async () => {
    const attributes = { id: 'employeeNumber', name: 'uid', email: 'mail', displayName: 'cn' };
    const error = await ldapRefusal(ldap({ attributes }).signIn(given));
    expect(String(error.cause)).toContain('has no employeeNumber');
  });
}
