// What is taken away is gone on every node: at once where it was taken, within a second elsewhere. Two
// programs on one database; the second is asked again and again until it refuses.
import { expect } from 'bun:test';
import { newSigningKey } from '../../src/access/tokens/signing-keys.ts';
import { SYSTEM as actor } from '../../src/metadata/audit.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addAccessToken, addUser, basic, grant } from '../support/people.ts';
import { onBothEngines } from './engines.ts';

const PASSWORD = 'a good long one';

interface Somebody {
  readonly id: number;
  readonly name: string;
  readonly grant: number;
  readonly token: { readonly id: number; readonly secret: string };
}

/** What they can show, each of which must end with what it was made from. */
interface Shown {
  readonly password: string;
  readonly accessToken: string;
  /** Bearer tokens, made with the password and with the access token. */
  readonly bearerOfPassword: string;
  readonly bearerOfToken: string;
}
type Kind = keyof Shown;

const ALL: readonly Kind[] = ['password', 'accessToken', 'bearerOfPassword', 'bearerOfToken'];

/** What is done, and what it ends; the rest goes on. */
const ENDS: readonly (readonly [
  string,
  readonly Kind[],
  (registry: TestRegistry, who: Somebody) => Promise<unknown>,
])[] = [
  [
    'an access token that is revoked',
    ['accessToken', 'bearerOfToken'],
    ({ program }, { token }) => program.commands.run('revokeAccessToken', { id: token.id, actor }),
  ],
  [
    'a user who is disabled',
    ALL,
    ({ program }, { id }) => program.commands.run('disableUser', { id, actor }),
  ],
  [
    'a password that is changed',
    ['password', 'bearerOfPassword'],
    async ({ program }, { id }) => {
      const passwordHash = await program.access.signIn.passwords.hash('another good one');
      return program.commands.run('setUserPassword', { id, passwordHash, actor });
    },
  ],
  [
    'a grant that is removed',
    ALL,
    ({ program }, { grant: id }) => program.commands.run('removeGrant', { id, actor }),
  ],
  [
    'a signing key that has leaked',
    ['bearerOfPassword', 'bearerOfToken'],
    async ({ program }) => {
      const key = newSigningKey(program.access.seal);
      return program.commands.run('replaceSigningKeys', { key, actor });
    },
  ],
];

onBothEngines(
  'what is taken away',
  ({ test, registry }) => {
    let made = 0;

    async function somebody(path: string): Promise<Somebody> {
      made += 1;
      const name = `leaver${made}`;
      const id = await addUser(registry(), { name, password: PASSWORD });
      const to = { kind: 'user', id } as const;
      const token = await addAccessToken(registry(), { owner: to });
      return { id, name, token, grant: await grant(registry(), { to, role: 'writer', path }) };
    }

    async function show(who: Somebody, path: string): Promise<Shown> {
      const bearer = async (authorization: string) => {
        const query = `scope=repository:${path}:pull,push`;
        const headers = { Authorization: authorization };
        const response = await fetch(`${registry().url}/token?${query}`, { headers });
        return `Bearer ${((await response.json()) as { token: string }).token}`;
      };
      const password = basic(who.name, PASSWORD);
      const accessToken = basic(who.name, who.token.secret);
      return {
        password,
        accessToken,
        bearerOfPassword: await bearer(password),
        bearerOfToken: await bearer(accessToken),
      };
    }

    /** May they begin a push? */
    async function may(node: TestRegistry, path: string, authorization: string): Promise<boolean> {
      const headers = { Authorization: authorization };
      const at = `${node.url}/v2/${path}/blobs/uploads/`;
      return (await fetch(at, { method: 'POST', headers })).status === 202;
    }

    for (const [what, ended, take] of ENDS) {
      test(`${what} ends on every node`, async () => {
        const other = await startTestRegistry({
          isPrivate: true,
          directory: registry().directory,
          database: registry().database,
        });
        try {
          const path = `team${made}/app`;
          const who = await somebody(path);
          const shown = await show(who, path);
          for (const kind of ALL) {
            for (const node of [registry(), other]) {
              expect([kind, await may(node, path, shown[kind])]).toEqual([kind, true]);
            }
          }
          await take(registry(), who);
          registry().program.access.standings.changed();
          for (const kind of ALL) {
            const isEnded = ended.includes(kind);
            expect([kind, await may(registry(), path, shown[kind])]).toEqual([kind, !isEnded]);
          }
          for (const kind of ended) {
            // Ends with the limit of the test when it never happens.
            while (await may(other, path, shown[kind])) await Bun.sleep(20);
          }
          for (const kind of ALL.filter((one) => !ended.includes(one))) {
            expect([kind, await may(other, path, shown[kind])]).toEqual([kind, true]);
          }
        } finally {
          await other.stop();
        }
      });
    }
  },
  { isPrivate: true },
);
