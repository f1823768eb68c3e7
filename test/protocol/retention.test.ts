// Retention through the whole program: previewed, applied, taken back; what it must never do.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import {
  describeContent,
  digestOf,
  imageManifest,
  newName,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
} from './push.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

/** A run waits for the counts of pulls, which takes a second or two of each. */
const APPLYING_MS = 60_000;

function asking(registry: ProtocolSuite['registry']) {
  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, body, headers: ADMIN });
  const good = async (method: string, path: string, body?: unknown): Promise<Row> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const tags = async (name: string): Promise<Record<string, string>> => {
    const { items } = await good('GET', `/repositories/${encodeURIComponent(name)}/tags`);
    const rows = items as { name: string; digest: string }[];
    return Object.fromEntries(rows.map((row) => [row.name, row.digest]));
  };
  const itemsOf = async (plan: unknown, query = '') =>
    (await good('GET', `/plans/${plan}/items${query}`)).items as Row[];
  const ended = async (plan: Row): Promise<Row> => {
    let now = plan;
    await until(async () => {
      now = await good('GET', `/plans/${plan.id}`);
      return now.state !== 'making' && now.state !== 'applying';
    }, 'the plan is made and applied');
    return now;
  };
  const preview = async (path: string, policy?: object, more: object = {}) =>
    ended(await good('POST', '/retention/preview', { path, ...(policy && { policy }), ...more }));
  const apply = async (plan: Row) => ended(await good('POST', `/plans/${plan.id}/apply`, {}));
  const undo = async (plan: Row) => ended(await good('POST', `/plans/${plan.id}/undo`, {}));
  const has = async (name: string, digest: string) =>
    (await fetch(`${registry().url}/v2/${name}/manifests/${digest}`, { headers: ADMIN })).status;
  return { ask, good, tags, itemsOf, ended, preview, apply, undo, has };
}

/** An index of two platforms with an attestation, a signature by tag, an SBOM as referrer, that is signed. */
async function pushRelease(url: string, name: string, tag: string) {
  const platforms = [];
  for (const architecture of ['amd64', 'arm64']) {
    const seed = `${tag} ${architecture}`;
    const { digest, manifest } = await pushImage(url, name, { seed });
    const size = manifest.length;
    platforms.push({
      mediaType: OCI_MANIFEST,
      digest,
      size,
      platform: { architecture, os: 'linux' },
    });
  }
  const attested = await pushImage(url, name, { seed: `attestation of ${tag}` });
  const attestation = {
    mediaType: OCI_MANIFEST,
    digest: attested.digest,
    size: attested.manifest.length,
    platform: { architecture: 'unknown', os: 'unknown' },
  };
  const manifests = [...platforms, attestation];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await putManifest(url, name, { reference: tag, manifest: index, type: OCI_INDEX });
  const image = digestOf(index);
  const refer = async (subject: string, size: number, type: string) => {
    const empty = await pushBlob(url, name, '{}');
    const layer = `${type} of ${subject}`;
    await pushBlob(url, name, layer);
    const manifest = imageManifest({
      config: { ...describeContent('{}', OCI_CONFIG), digest: empty },
      layers: [describeContent(layer, 'application/json')],
      more: {
        artifactType: type,
        subject: { mediaType: OCI_INDEX, digest: subject, size },
      },
    });
    const answer = await putManifest(url, name, { reference: digestOf(manifest), manifest });
    expect(answer.status).toBe(201);
    return { digest: digestOf(manifest), size: manifest.length };
  };
  const sbom = await refer(image, index.length, 'application/spdx+json');
  const signatureOfSbom = await refer(sbom.digest, sbom.size, 'application/vnd.example.signature');
  const signature = await pushImage(url, name, {
    reference: `${image.replace(':', '-')}.sig`,
    seed: `signature of ${tag}`,
  });
  const all = [
    image,
    ...manifests.map(({ digest }) => digest),
    sbom.digest,
    signatureOfSbom.digest,
    signature.digest,
  ];
  return { image, all, signature: signature.digest };
}

onBothEngines('retention', ({ test, registry }) => {
  const { ask, good, tags, itemsOf, preview, apply, undo, has } = asking(registry);
  const push = (name: string, reference: string, seed = reference) =>
    pushImage(registry().url, name, { reference, seed });

  test('a preview says of each tag whether it stays, by which rule, and what it frees', async () => {
    const name = newName();
    for (const tag of ['v1', 'v2', 'v3']) await push(name, tag, `${name} ${tag}`);
    const policy = { rules: [{ keep: 'last-pushed', count: 1 }] };
    const plan = await preview(name, policy);
    expect(plan).toMatchObject({
      state: 'ready',
      kind: 'retention',
      planned: { disappearing: 2, kept: 1, deleted: 0 },
    });
    const items = await itemsOf(plan.id);
    expect(items.map(({ tag, action }) => [tag, action])).toEqual([
      ['v1', 'move'],
      ['v2', 'move'],
      ['v3', 'keep'],
    ]);
    for (const { reason, bytes } of items) {
      expect(reason).not.toBe('');
      expect(bytes).toBeGreaterThan(0);
    }
    const sum = items.slice(0, 2).reduce((total, { bytes }) => total + Number(bytes), 0);
    expect(plan.bytes).toBe(sum);
    expect(Object.keys(await tags(name))).toEqual(['v1', 'v2', 'v3']);
    expect(
      (await ask('POST', '/retention/preview', { path: name, policy: { rules: 1 } })).status,
    ).toBe(400);
  });

  test('what several repositories share is freed only by who holds it last', async () => {
    const path = newName();
    const keep = { rules: [{ keep: 'last-pushed', count: 1 }] };
    const only = await push(`${path}/a`, 'old', 'the same everywhere');
    const own = only.manifest.length + only.config.size + only.layer.size;
    await push(`${path}/b`, 'old', 'the same everywhere');
    for (const part of ['a', 'b']) await push(`${path}/${part}`, 'new', `${path} ${part}`);
    const one = await preview(`${path}/a`, keep);
    expect([one.bytes, (await itemsOf(one.id, '?action=move'))[0]?.bytes]).toEqual([0, 0]);
    const both = await preview(path, keep);
    expect(both.planned).toMatchObject({ disappearing: 2 });
    // Each manifest is counted where its blobs are: the shared manifest itself is small.
    expect(both.bytes).toBeGreaterThanOrEqual(own - only.manifest.length);
    expect(both.bytes).toBeLessThanOrEqual(own);
  });

  test(
    'it is applied as it was reviewed, and taken back with every tag and manifest',
    async () => {
      const name = newName();
      for (const tag of ['v1', 'v2', 'v3']) await push(name, tag);
      const loose = (await pushImage(registry().url, name, { seed: `${name} untagged` })).digest;
      const before = await tags(name);
      const plan = await preview(name, { rules: [{ keep: 'last-pushed', count: 1 }] });
      expect(await apply(plan)).toMatchObject({
        state: 'applied',
        skipped: 0,
        done: { disappearing: 2 },
      });
      expect(Object.keys(await tags(name))).toEqual(['v3']);
      // What lost its tag is still pulled by its digest.
      expect(await has(name, before.v1 as string)).toBe(200);
      expect(await has(name, loose)).toBe(200);
      const { items } = await good(
        'GET',
        `/repositories/${encodeURIComponent(name)}/tags/v1/history`,
      );
      expect((items as Row[])[0]).toMatchObject({ cause: 'retention', plan: plan.id, to: null });
      expect(await undo(plan)).toMatchObject({
        state: 'applied',
        skipped: 0,
        done: { appearing: 2 },
      });
      expect(await tags(name)).toEqual(before);
      const runs = await good('GET', `/plans?path=${name}&kind=retention`);
      expect((runs.items as Row[]).map(({ id }) => id)).toEqual([plan.id]);
    },
    APPLYING_MS,
  );

  test(
    'each repository follows the nearest policy',
    async () => {
      const path = newName();
      for (const part of ['app', 'keep/app']) {
        for (const tag of ['v1', 'v2']) await push(`${path}/${part}`, tag);
      }
      const put = (at: string, policy: object) =>
        good('PUT', `/policies/retention?path=${at}`, policy);
      await put(path, { rules: [{ keep: 'last-pushed', count: 1 }] });
      await put(`${path}/keep`, { rules: [{ keep: 'all' }] });
      const plan = await preview(path);
      const moves = await itemsOf(plan.id, '?action=move');
      expect(moves.map(({ repository, tag }) => [repository, tag])).toEqual([
        [`${path}/app`, 'v1'],
      ]);
      expect(plan).toMatchObject({ planned: { kept: 3 }, repositories: 2 });
      const run = await good('POST', '/retention/run', { path });
      await until(
        async () => (await good('GET', `/plans/${run.id}`)).state === 'applied',
        'it is applied',
      );
      expect(Object.keys(await tags(`${path}/app`))).toEqual(['v2']);
    },
    APPLYING_MS,
  );

  test(
    'what was pulled, moved, leased or protected since is kept, and it is said',
    async () => {
      const name = newName();
      for (const tag of ['pulled', 'moved', 'leased', 'fixed', 'goes']) await push(name, tag);
      const plan = await preview(name, { rules: [{ keep: 'label', label: 'never' }] });
      expect(plan.planned).toMatchObject({ disappearing: 5 });
      expect(await has(name, 'pulled')).toBe(200);
      const moved = await push(name, 'moved', 'another');
      const lease = { ttlSeconds: 3600, items: [{ repository: name, tag: 'leased' }] };
      await good('PUT', `/leases/${name.replaceAll('/', '-')}`, lease);
      await good('PUT', `/policies/immutability?path=${name}`, { rules: [{ tags: ['fixed'] }] });
      const applied = await apply(plan);
      expect(applied).toMatchObject({ skipped: 4, done: { disappearing: 1 }, silentNodes: [] });
      const notes = Object.fromEntries(
        (await itemsOf(plan.id, '?state=skipped')).map(({ tag, note }) => [tag, String(note)]),
      );
      expect(notes.pulled).toContain('pulled since');
      expect(notes.moved).toContain(moved.digest);
      expect(notes.leased).toContain('lease');
      expect(notes.fixed).toContain('immutable');
      expect(Object.keys(await tags(name)).sort()).toEqual(['fixed', 'leased', 'moved', 'pulled']);
    },
    APPLYING_MS,
  );

  test(
    'a release stays whole while its tag is kept, and leaves nothing behind when it goes',
    async () => {
      const { url } = registry();
      const name = newName();
      const kept = await pushRelease(url, name, 'kept');
      const going = await pushRelease(url, name, 'going');
      const policies = [
        {
          rules: [
            { keep: 'all', tags: ['kept'] },
            { keep: 'label', label: 'no' },
          ],
          untaggedAfter: '1h',
        },
        {
          rules: [
            { keep: 'last-pushed', count: 1, tags: ['kept'] },
            { keep: 'label', label: 'no' },
          ],
        },
        {
          rules: [
            { keep: 'pushed-within', within: '1d', tags: ['kept'] },
            { keep: 'label', label: 'no' },
          ],
        },
        {
          rules: [
            { keep: 'pulled-within', within: '1d', tags: ['kept'] },
            { keep: 'label', label: 'no' },
          ],
        },
      ];
      const before = await tags(name);
      for (const policy of policies) {
        const plan = await preview(name, policy);
        expect(plan.planned).toMatchObject({ disappearing: 2 });
        await apply(plan);
        const left = await tags(name);
        expect(Object.keys(left).sort()).toEqual(
          ['kept', `${kept.image.replace(':', '-')}.sig`].sort(),
        );
        for (const digest of kept.all)
          expect([digest, await has(name, digest)]).toEqual([digest, 200]);
        expect(await states(name)).toEqual({ live: kept.all.length, released: going.all.length });
        expect(await undo(plan)).toMatchObject({ skipped: 0 });
        expect(await tags(name)).toEqual(before);
        expect(await states(name)).toEqual({
          live: kept.all.length + going.all.length,
          released: 0,
        });
      }
    },
    APPLYING_MS,
  );

  /** How many manifests of a repository something holds, and how many nothing. */
  async function states(name: string): Promise<Row> {
    const { manifests } = (await good('GET', `/repositories/${encodeURIComponent(name)}`)) as {
      manifests: { count: number };
    };
    const plan = await preview(name, { rules: [{ keep: 'all' }] });
    const released = (await itemsOf(plan.id)).filter(({ tag }) => tag === null).length;
    return { live: manifests.count - released, released };
  }

  test('what would have happened over the last days is said, and not applied', async () => {
    const name = newName();
    for (const tag of ['v1', 'v2', 'v3']) await push(name, tag);
    const plan = await preview(
      name,
      { rules: [{ keep: 'last-pushed', count: 1 }] },
      { since: '30d' },
    );
    const items = await itemsOf(plan.id);
    expect(items.map(({ tag }) => tag)).toEqual(['v1', 'v2']);
    expect(items[0]?.reason).toMatch(/^on \d{4}-\d\d-\d\d: /);
    expect((await ask('POST', `/plans/${plan.id}/apply`, {})).status).toBe(409);
    expect((await ask('POST', '/retention/preview', { path: name, since: '9000d' })).status).toBe(
      400,
    );
  });
});
