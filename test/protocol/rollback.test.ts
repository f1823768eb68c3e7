// Tags that go back: to a digest, a place in their history, an instant; from the trash; against rules.
import { expect } from 'bun:test';
import { addAccessToken, addUser, grant } from '../support/people.ts';
import { ADMIN, type ApiAnswer, askApi, bearer } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import { newName, pushImage } from './push.ts';

function asking(registry: ProtocolSuite['registry']) {
  const ask = (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = ADMIN,
  ): Promise<ApiAnswer> => askApi(registry().url, { method, path, body, headers });
  const tagPath = (name: string, rest = '') =>
    `/repositories/${encodeURIComponent(name)}/tags/v1${rest}`;
  const back = (name: string, body: object = {}, headers = ADMIN) =>
    ask('POST', tagPath(name, '/rollback'), body, headers);
  const pulled = async (name: string, reference = 'v1') => {
    const response = await fetch(`${registry().url}/v2/${name}/manifests/${reference}`, {
      method: 'HEAD',
      headers: ADMIN,
    });
    return response.status === 200 ? response.headers.get('docker-content-digest') : null;
  };
  const pushFive = async (name: string): Promise<string[]> => {
    const digests: string[] = [];
    for (const seed of ['1', '2', '3', '4', '5']) {
      const { digest } = await pushImage(registry().url, name, { reference: 'v1', seed });
      digests.push(digest);
    }
    return digests;
  };
  return { ask, tagPath, back, pulled, pushFive };
}

const messageOf = ({ body }: ApiAnswer) =>
  (body.errors as unknown as { message: string }[])[0]?.message ?? '';

onBothEngines('rolling back', ({ test, registry }) => {
  const { ask, tagPath, back, pulled, pushFive } = asking(registry);

  test('by default a tag goes to where it was before its last move, and back again', async () => {
    const name = newName();
    const [, , , four, five] = await pushFive(name);
    const first = await back(name);
    expect(first.body).toMatchObject({ from: five, to: four, sequence: 6, isChanged: true });
    expect(await pulled(name)).toBe(four as string);
    expect((await back(name)).body).toMatchObject({ from: four, to: five, sequence: 7 });
    expect(await pulled(name)).toBe(five as string);
    const history = await ask('GET', tagPath(name, '/history?limit=2'));
    expect(history.body.items).toMatchObject([{ cause: 'rollback' }, { cause: 'rollback' }]);
  });

  test('it goes to a digest, a move, steps back and a time', async () => {
    const name = newName();
    const digests = await pushFive(name);
    const { body } = await ask('GET', tagPath(name, '/history'));
    const times = (body.items as unknown as { at: string }[]).map(({ at }) => at).reverse();
    const cases: [unknown, string | undefined][] = [
      [digests[0], digests[0]],
      [3, digests[2]],
      [-2, digests[4]],
    ];
    // Several pushes may fall into one millisecond: then the last of them holds.
    const second = digests[times.lastIndexOf(times[1] as string)];
    cases.push([times[1], second]);
    for (const [to, wanted] of cases) {
      const answer = await back(name, { to });
      expect([to, answer.status, answer.body.to]).toEqual([to, 200, wanted as never]);
      expect(await pulled(name)).toBe(wanted as string);
    }
  });

  test('a rehearsal changes nothing, and to where it is already neither', async () => {
    const name = newName();
    const [one, , , , five] = await pushFive(name);
    const dry = await back(name, { to: 1, dryRun: true });
    expect(dry.body).toMatchObject({ from: five, to: one, isChanged: true, sequence: 5 });
    expect(await pulled(name)).toBe(five as string);
    expect((await back(name, { to: five })).body).toMatchObject({ isChanged: false, sequence: 5 });
  });

  test('a deleted tag comes back, and before the first move there was none', async () => {
    const name = newName();
    const [, , , , five] = await pushFive(name);
    expect((await ask('DELETE', tagPath(name))).status).toBe(204);
    expect(await pulled(name)).toBeNull();
    expect((await ask('DELETE', tagPath(name))).status).toBe(404);
    expect((await back(name)).body).toMatchObject({ from: null, to: five });
    expect(await pulled(name)).toBe(five as string);
    const none = await back(name, { to: -7 });
    expect([none.status, messageOf(none)]).toEqual([
      409,
      expect.stringContaining('delete the tag'),
    ]);
    const away = await back(name, { to: 6 });
    expect(away.status).toBe(409);
  });

  test('what is in the trash is restored first, or by the way', async () => {
    const name = newName();
    const [one] = await pushFive(name);
    const gone = `${registry().url}/v2/${name}/manifests/${one}`;
    expect((await fetch(gone, { method: 'DELETE', headers: ADMIN })).status).toBe(202);
    const refused = await back(name, { to: one });
    expect([refused.status, messageOf(refused)]).toEqual([
      409,
      expect.stringContaining('in the trash'),
    ]);
    expect((await back(name, { to: one, restore: true })).status).toBe(200);
    expect(await pulled(name)).toBe(one as string);
    expect(await pulled(name, one as string)).toBe(one as string);
  });

  test('what has lost a part is refused, and the part is named', async () => {
    const { url } = registry();
    const name = newName();
    const first = await pushImage(url, name, { reference: 'v1', seed: 'lost' });
    await pushImage(url, name, { reference: 'v1', seed: 'next' });
    await fetch(`${url}/v2/${name}/manifests/${first.digest}`, {
      method: 'DELETE',
      headers: ADMIN,
    });
    const layer = `${url}/v2/${name}/blobs/${first.layer.digest}`;
    expect((await fetch(layer, { method: 'DELETE', headers: ADMIN })).status).toBe(202);
    const refused = await back(name, { restore: true });
    expect([refused.status, messageOf(refused)]).toEqual([
      409,
      expect.stringContaining(first.layer.digest),
    ]);
    expect(await pulled(name, first.digest)).toBeNull();
  });

  test('what its history does not have is said', async () => {
    const name = newName();
    await pushFive(name);
    const other = `sha256:${'0'.repeat(64)}`;
    for (const [to, status] of [
      [other, 404],
      [99, 404],
      ['yesterday', 400],
      [0, 400],
    ] as const) {
      expect([to, (await back(name, { to })).status]).toEqual([to, status]);
    }
    const path = `/repositories/${encodeURIComponent(name)}/tags/never/rollback`;
    expect((await ask('POST', path, {})).status).toBe(404);
    expect((await back(newName())).status).toBe(404);
  });

  test('an immutable tag goes back only by who overrides the rule', async () => {
    const name = newName();
    const [, , , four] = await pushFive(name);
    const policy = { rules: [{ tags: ['v*'] }] };
    const set = await ask('PUT', `/policies/immutability?path=${name}`, policy);
    expect(set.status).toBeLessThan(300);
    expect((await back(name)).status).toBe(403);
    expect((await back(name, { override: true })).body).toMatchObject({ to: four });
  });

  test('a tag is pointed at a digest of the repository', async () => {
    const name = newName();
    const [one] = await pushFive(name);
    const set = await ask('PUT', tagPath(name), { digest: one });
    expect(set.body).toMatchObject({ to: one, isChanged: true });
    const path = `/repositories/${encodeURIComponent(name)}/tags/new`;
    expect((await ask('PUT', path, { digest: one })).body).toMatchObject({ from: null, to: one });
    expect(await pulled(name, 'new')).toBe(one as string);
    const unknown = `sha256:${'1'.repeat(64)}`;
    expect((await ask('PUT', path, { digest: unknown })).status).toBe(409);
  });
});

onBothEngines(
  'rights to roll back',
  ({ test, registry }) => {
    const { back, pushFive } = asking(registry);

    test('it wants the right to push and to delete that tag; overriding, to manage', async () => {
      const name = newName();
      const everybody = { kind: 'anyone', id: 0 } as const;
      await grant(registry(), { to: everybody, path: name, role: 'writer' });
      await pushFive(name);
      const bearers: Record<string, Record<string, string>> = {};
      for (const role of ['reader', 'writer', 'maintainer', 'owner']) {
        const id = await addUser(registry(), { name: `${role}-of-${name}`.replaceAll('/', '-') });
        const owner = { kind: 'user', id } as const;
        await grant(registry(), { to: owner, path: name, role });
        bearers[role] = bearer((await addAccessToken(registry(), { owner })).secret);
      }
      const statuses = async (body: object) => {
        const found: number[] = [];
        for (const headers of Object.values(bearers)) {
          found.push((await back(name, body, headers as typeof ADMIN)).status);
        }
        return found;
      };
      expect(await statuses({})).toEqual([403, 403, 200, 200]);
      expect(await statuses({ override: true })).toEqual([403, 403, 403, 200]);
    });
  },
  { isPrivate: true },
);
