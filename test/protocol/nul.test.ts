// A NUL in whatever somebody writes: one of the two databases takes none, and that must be no fault.
import { expect } from 'bun:test';
import { addUser, basic } from '../support/people.ts';
import { onBothEngines } from './engines.ts';

const NUL = '\0';
const cursorOf = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');

const ADDRESSES = [
  'organisations/%00',
  'organisations/a%00b/teams',
  'grants?path=alice/%00',
  'grants?path=alice&below=true&cursor=',
  'robots?path=alice/%00',
  'declaration?path=alice/%00',
  'audit?path=alice&actor=%00',
  'explain?action=pull&repository=alice&subject=robot:%00:x',
  `repositories?cursor=${cursorOf(NUL)}`,
  `grants?path=alice&below=true&cursor=${cursorOf({ path: NUL, id: 1 })}`,
];

const BODIES: readonly (readonly [string, string, object])[] = [
  ['POST', 'grants', { subject: { kind: 'user', name: NUL }, path: 'alice', role: 'reader' }],
  ['POST', 'grants', { subject: { kind: 'anyone' }, path: 'alice', role: `a${NUL}b` }],
  ['POST', 'account/identities/unlink', { provider: NUL, subject: NUL }],
  ['POST', 'session', { name: NUL, password: NUL }],
  ['PUT', 'declaration', { path: 'alice', grants: [{ role: NUL, to: 'anyone', on: 'alice' }] }],
];

onBothEngines(
  'a NUL character',
  ({ test, registry }) => {
    test('is refused by the management API, and leaves the token service as it is', async () => {
      const { url } = registry();
      await addUser(registry(), { name: 'alice', password: 'a good long one' });
      const headers = {
        Authorization: basic('alice', 'a good long one'),
        'Content-Type': 'application/json',
      };
      const statusOf = async (address: string, init: RequestInit = {}) =>
        (await fetch(`${url}/${address}`, { headers, ...init })).status;
      for (const address of ADDRESSES) {
        expect([address, await statusOf(`api/v1/${address}`)]).toEqual([address, 400]);
      }
      for (const [method, address, body] of BODIES) {
        const sent = { method, body: JSON.stringify(body) };
        expect([address, await statusOf(`api/v1/${address}`, sent)]).toEqual([address, 400]);
      }
      expect(await statusOf('token?offline_token=true&client_id=%00&scope=%00')).toBe(200);
      expect(await statusOf('v2/_catalog?last=%00')).toBe(200);
    });
  },
  { isPrivate: true },
);
