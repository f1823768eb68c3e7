// Lists of the management API: page by page each entry comes once, and a cursor is one of its own list.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi, basic, PASSWORD, World } from './api-world.ts';
import { onBothEngines } from './engines.ts';

/** Pages of a list in a test at most. */
const PAGES = 100;

onBothEngines(
  'lists',
  ({ test, registry }) => {
    const get = (path: string, headers: Record<string, string>): Promise<ApiAnswer> =>
      askApi(registry().url, { method: 'GET', path, headers });

    async function pages(path: string, headers: Record<string, string>): Promise<unknown[]> {
      const found: unknown[] = [];
      let cursor = '';
      for (let page = 0; page < PAGES; page += 1) {
        const { body } = await get(`${path}&limit=2${cursor}`, headers);
        const items = body.items as unknown as unknown[];
        expect(items.length).toBeLessThanOrEqual(2);
        found.push(...items);
        if (body.next === undefined) return found;
        cursor = `&cursor=${encodeURIComponent(String(body.next))}`;
      }
      throw new Error(`${path} does not end`);
    }

    async function fill(world: World): Promise<void> {
      for (let i = 0; i < 5; i += 1) {
        await world.newMember();
        await world.newTeam();
        await world.newRobot();
        await world.newToken();
        await world.newPolicy();
        await world.newInvitation();
        await world.newOrganisation();
        await world.newGrant();
        const path = `acme/app-${i}`;
        await world.admin('PATCH', `/paths?path=${path}`, { visibility: 'public' });
        await world.admin('POST', '/repositories', { name: path });
        await world.admin('PUT', `/policies/trash?path=${path}`, { days: 7 });
        await world.admin('PUT', `/policies/quota?path=${path}`, { tags: { soft: 7 } });
        await world.admin('PUT', `/leases/lease-${i}`, { ttlSeconds: 3_600, items: [] });
      }
      const { items } = await world.admin('GET', '/organisations/acme/members');
      const team = await world.newTeam();
      for (const { name } of items as { name: string }[]) {
        await world.admin('PUT', `/organisations/acme/teams/${team}/members/${name}`);
      }
      lists.push([`/organisations/acme/teams/${team}/members?`, ADMIN]);
    }

    const alice = basic('alice', PASSWORD);
    const lists: [string, Record<string, string>][] = [
      ['/users?', ADMIN],
      ['/users?search=user', ADMIN],
      ['/invitations?', ADMIN],
      ['/organisations?', ADMIN],
      ['/organisations/acme/members?', alice],
      ['/organisations/acme/teams?', alice],
      ['/robots?path=acme', alice],
      ['/trust-policies?path=acme', alice],
      ['/grants?path=acme&below=true', alice],
      ['/grants?path=&below=true', ADMIN],
      ['/paths/below?path=acme', alice],
      ['/policies/below?path=acme', alice],
      ['/leases?', ADMIN],
      ['/tokens?owner=robot:1', alice],
      ['/repositories?', alice],
      ['/audit?order=oldest-first&until=2000-01-01T00:00:00Z', ADMIN],
    ];

    test('give each entry once, whatever the size of a page', async () => {
      const world = await World.make(registry().url);
      await fill(world);
      for (const [path, headers] of lists) {
        const whole = (await get(`${path}&limit=1000`, headers)).body;
        expect([path, whole.next]).toEqual([path, undefined]);
        expect([path, await pages(path, headers)]).toEqual([path, whole.items as never]);
        if (!path.startsWith('/audit')) {
          expect((whole.items as unknown as unknown[]).length).toBeGreaterThan(4);
        }
      }
    });

    test('by half pages of the audit log nothing is lost either', async () => {
      const { items } = (await get('/audit?limit=1000&order=oldest-first', ADMIN)).body;
      const all = items as unknown as { id: number }[];
      const until = `&order=oldest-first&from=2000-01-01T00:00:00Z`;
      const found: number[] = [];
      let cursor = '';
      for (let page = 0; page < PAGES && found.length < all.length; page += 1) {
        const { body } = await get(`/audit?limit=7${until}${cursor}`, ADMIN);
        found.push(...(body.items as unknown as { id: number }[]).map(({ id }) => id));
        cursor = `&cursor=${String(body.next)}`;
      }
      expect(found.slice(0, all.length)).toEqual(all.map(({ id }) => id));
    });

    test('refuse what is no cursor of theirs and no size of a page', async () => {
      const wrong = [
        'cursor=x',
        'cursor=W10',
        'limit=0',
        'limit=1001',
        'limit=two',
        'limit=',
        'n=5',
      ];
      for (const query of wrong) {
        const answer = await get(`/users?${query}`, ADMIN);
        expect([query, answer.status]).toEqual([query, 400]);
        expect(answer.text).toContain('"field":');
      }
      const robots = String((await get('/robots?path=&limit=1', ADMIN)).body.next);
      expect((await get(`/users?cursor=${robots}`, ADMIN)).status).toBe(400);
    });
  },
  { isPrivate: true },
);
