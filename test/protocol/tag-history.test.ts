// Tags as the management API shows them: the list, the history of one, and the tags of a manifest.
import { expect } from 'bun:test';
import { addAccessToken, addUser, grant, setVisibility } from '../support/people.ts';
import { ADMIN, type ApiAnswer, askApi, bearer } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import { newName, pushImage, putManifest } from './push.ts';

type Row = Record<string, unknown>;

function asking(registry: ProtocolSuite['registry']) {
  const get = (path: string, headers: Record<string, string> = ADMIN): Promise<ApiAnswer> =>
    askApi(registry().url, { method: 'GET', path, headers });
  const inRepository = (name: string, rest: string, headers = ADMIN) =>
    get(`/repositories/${encodeURIComponent(name)}/${rest}`, headers);
  const rows = async (name: string, rest: string, headers = ADMIN): Promise<Row[]> => {
    const answer = await inRepository(name, rest, headers);
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body.items as unknown as Row[];
  };
  return { get, inRepository, rows };
}

/** Pushes three images as `v1`, deletes the tag, and brings back the first. @returns their digests. */
async function moveAround(url: string, name: string): Promise<[string, string, string]> {
  const digests: string[] = [];
  let first = '';
  for (const seed of ['one', 'two', 'three']) {
    const { digest, manifest } = await pushImage(url, name, { seed });
    first ||= manifest;
    await putManifest(url, name, { reference: 'v1', manifest, headers: ADMIN });
    digests.push(digest);
  }
  const gone = await fetch(`${url}/v2/${name}/manifests/v1`, { method: 'DELETE', headers: ADMIN });
  expect(gone.status).toBe(202);
  await putManifest(url, name, { reference: 'v1', manifest: first });
  return digests as [string, string, string];
}

onBothEngines('tags of the API', ({ test, registry }) => {
  const { inRepository, rows } = asking(registry);

  test('the history of a tag has every move, newest first, with who and why', async () => {
    const name = newName();
    const [one, two, three] = await moveAround(registry().url, name);
    const found = await rows(name, 'tags/v1/history');
    expect(found.map(({ sequence, from, to, cause }) => [sequence, from, to, cause])).toEqual([
      [5, null, one, 'push'],
      [4, three, null, 'delete-tag'],
      [3, two, three, 'push'],
      [2, one, two, 'push'],
      [1, null, one, 'push'],
    ]);
    expect(found.map(({ actor, principal, credential }) => [actor, principal, credential])).toEqual(
      [
        ['anonymous', 'anonymous', null],
        ...Array.from({ length: 4 }, () => ['admin', 'user:1', 'password']),
      ],
    );
    const times = found.map(({ at }) => String(at));
    expect(times).toEqual(times.toSorted().reverse());
  });

  test('pages of a history give each move once', async () => {
    const name = newName();
    await moveAround(registry().url, name);
    const seen: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await inRepository(name, `tags/v1/history?limit=2${cursor}`);
      seen.push(...(body.items as unknown as Row[]).map(({ sequence }) => sequence));
      if (body.next === undefined) break;
      cursor = `&cursor=${String(body.next)}`;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });

  test('it says what is left of each digest', async () => {
    const { url } = registry();
    const name = newName();
    const [, , three] = await moveAround(url, name);
    const at = `${url}/v2/${name}/manifests/${three}`;
    expect((await fetch(at, { method: 'DELETE', headers: ADMIN })).status).toBe(202);
    const left = (await rows(name, 'tags/v1/history')).map(({ remains }) => remains as Row | null);
    expect(left.map((one) => one?.state ?? null)).toEqual([
      'live',
      null,
      'trash',
      expect.stringMatching(/^(live|released)$/),
      'live',
    ]);
    const trashed = left[2] as Row;
    const days =
      (Date.parse(String(trashed.until)) - Date.parse(String(trashed.since))) / 86_400_000;
    expect(days).toBe(30);
  });

  test('a manifest knows the tags that it has and had', async () => {
    const { url } = registry();
    const name = newName();
    const [one, two] = await moveAround(url, name);
    // The same manifest elsewhere is none of this repository's business.
    await pushImage(url, newName(), { seed: 'one', reference: 'v1' });
    await pushImage(url, name, { seed: 'one', reference: 'v2' });
    const visits = await rows(name, `manifests/${one}/tags`);
    expect(visits.map(({ tag, sequence, until }) => [tag, sequence, until !== null])).toEqual([
      ['v1', 1, true],
      ['v1', 5, false],
      ['v2', 1, false],
    ]);
    expect((await rows(name, `manifests/${two}/tags`)).map(({ tag }) => tag)).toEqual(['v1']);
    const unknown = `sha256:${'0'.repeat(64)}`;
    expect(await rows(name, `manifests/${unknown}/tags`)).toEqual([]);
    const paged: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await inRepository(name, `manifests/${one}/tags?limit=1${cursor}`);
      paged.push(...(body.items as unknown as Row[]).map(({ tag, sequence }) => [tag, sequence]));
      if (body.next === undefined) break;
      cursor = `&cursor=${String(body.next)}`;
    }
    expect(paged).toEqual([
      ['v1', 1],
      ['v1', 5],
      ['v2', 1],
    ]);
  });

  test('tags come by name, with what they are, and those of a prefix alone', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, manifest, config, layer } = await pushImage(url, name, { reference: 'v1' });
    for (const reference of ['v1', 'v1.0', 'v1-rc', 'w1', 'V1']) {
      await putManifest(url, name, { reference, manifest, headers: ADMIN });
    }
    const names = async (query: string) =>
      (await rows(name, `tags${query}`)).map((row) => row.name);
    expect(await names('')).toEqual(['V1', 'v1', 'v1-rc', 'v1.0', 'w1']);
    expect(await names('?prefix=v1')).toEqual(['v1', 'v1-rc', 'v1.0']);
    expect(await names('?prefix=v1.')).toEqual(['v1.0']);
    expect(await names('?prefix=nothing')).toEqual([]);
    const [first] = await rows(name, 'tags?prefix=v1');
    expect(first).toMatchObject({
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: manifest.length + config.size + layer.size,
      movedBy: 'anonymous',
      cause: 'push',
      moves: 1,
      pulledAt: null,
      pulls: 0,
    });
    const paged: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await inRepository(name, `tags?prefix=v1&limit=1${cursor}`);
      paged.push(...(body.items as unknown as Row[]).map((row) => row.name));
      if (body.next === undefined) break;
      cursor = `&cursor=${String(body.next)}`;
    }
    expect(paged).toEqual(['v1', 'v1-rc', 'v1.0']);
  });

  test('a tag that never was is not found, nor is one of another repository', async () => {
    const { url } = registry();
    const name = newName();
    await pushImage(url, name, { reference: 'v1' });
    for (const rest of ['tags/v2/history', 'tags/V1/history']) {
      expect([rest, (await inRepository(name, rest)).status]).toEqual([rest, 404]);
    }
    for (const rest of [
      'tags/-/history',
      'manifests/v1/tags',
      'tags?limit=201',
      'tags?prefix=a%2F',
    ]) {
      expect([rest, (await inRepository(name, rest)).status]).toEqual([rest, 400]);
    }
  });
});

onBothEngines(
  'tags of the API to those who may not see all',
  ({ test, registry }) => {
    const { inRepository, rows } = asking(registry);
    const push = async (name: string) => {
      // Open to all for as long as it takes to push.
      const everybody = { kind: 'anyone', id: 0 } as const;
      await grant(registry(), { to: everybody, path: name, role: 'writer' });
      for (const reference of ['prod-1', 'test-1']) {
        await pushImage(registry().url, name, { reference });
      }
      const { items } = (
        await askApi(registry().url, {
          method: 'GET',
          path: `/grants?path=${name}`,
          headers: ADMIN,
        })
      ).body as unknown as { items: Row[] };
      for (const { id } of items) {
        await askApi(registry().url, { method: 'DELETE', path: `/grants/${id}`, headers: ADMIN });
      }
    };

    test('whose right is limited to some tags sees only those', async () => {
      const name = newName();
      await push(name);
      const owner = { kind: 'user', id: await addUser(registry(), { name: 'bob' }) } as const;
      await grant(registry(), { to: owner, path: name, role: 'reader', tags: ['prod-*'] });
      const bob = bearer((await addAccessToken(registry(), { owner })).secret);
      const [listed] = await rows(name, 'tags', bob);
      expect((await rows(name, 'tags', bob)).map((row) => row.name)).toEqual(['prod-1']);
      expect((await inRepository(name, 'tags/prod-1/history', bob)).status).toBe(200);
      const [hidden, absent] = [
        await inRepository(name, 'tags/test-1/history', bob),
        await inRepository(name, 'tags/test-2/history', bob),
      ];
      expect([hidden.status, absent.status]).toEqual([404, 404]);
      const visits = await rows(name, `manifests/${listed?.digest}/tags`, bob);
      expect(visits.map(({ tag }) => tag)).toEqual(['prod-1']);
    });

    test('nobody in particular is told what of a public repository, and not who', async () => {
      const name = newName();
      await push(name);
      const nobody = {} as typeof ADMIN;
      expect((await inRepository(name, 'tags/prod-1/history', nobody)).status).toBe(401);
      await setVisibility(registry(), { path: name, visibility: 'public' });
      const [event] = await rows(name, 'tags/prod-1/history', nobody);
      expect(event).toMatchObject({
        cause: 'push',
        actor: null,
        principal: null,
        credential: null,
      });
      const [tag] = await rows(name, 'tags', nobody);
      expect(tag).toMatchObject({ name: 'prod-1', movedBy: null });
    });
  },
  { isPrivate: true },
);
