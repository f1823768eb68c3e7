// Quotas through HTTP: what is counted, what is refused with which numbers, and who may set one.
import { expect } from 'bun:test';
import { statement } from '../../src/metadata/statement.ts';
import { readScopes } from '../../src/metadata/usage-scopes.ts';
import { addUser, grant } from '../support/people.ts';
import { ADMIN, type ApiAnswer, askApi, basic, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import {
  describeContent,
  digestOf,
  imageManifest,
  newName,
  OCI_CONFIG,
  OCI_LAYER,
  pushBlob,
  pushImage,
  putManifest,
  seededContent,
} from './push.ts';

const warnings = statement<{ kind: string }>()((q, p) =>
  q
    .selectFrom('outbox')
    .select('detail')
    .where('kind', '=', p.kind as never)
    .orderBy('id'),
);

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function refusalOf(response: Response): Promise<Refusal> {
  const { errors } = (await response.json()) as { errors: [Omit<Refusal, 'status'>] };
  return { status: response.status, ...errors[0] };
}

onBothEngines('quotas', ({ test, registry }) => {
  const ask = (
    method: string,
    path: string,
    { body, headers = ADMIN }: { body?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) => askApi(registry().url, { method, path, headers, ...(body !== undefined && { body }) });
  const set = (path: string, quota: unknown, headers = ADMIN) =>
    ask('PUT', `/policies/quota?path=${encodeURIComponent(path)}`, { body: quota, headers });
  const ok = (answer: ApiAnswer, status = 200) =>
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
  const sql = () => registry().program.access.signIn.sql;
  const used = async (path: string) => (await readScopes(sql(), [path]))[0];
  const put = async (name: string, tag: string, seed: string, bytes = 100) => {
    const { url } = registry();
    const layer = seededContent(bytes, seed);
    const config = JSON.stringify({ architecture: 'amd64', os: 'linux', seed });
    for (const blob of [config, layer]) {
      const address = `${url}/v2/${name}/blobs/uploads/?digest=${digestOf(blob)}`;
      const response = await fetch(address, { method: 'POST', body: Buffer.from(blob as string) });
      if (response.status !== 201) return response;
    }
    const parts = {
      config: describeContent(config, OCI_CONFIG),
      layers: [describeContent(layer, OCI_LAYER)],
    };
    return putManifest(url, name, { reference: tag, manifest: imageManifest(parts) });
  };
  const remove = (name: string, reference: string) =>
    fetch(`${registry().url}/v2/${name}/manifests/${reference}`, { method: 'DELETE' });

  test('beyond the hard limit a push is refused with the numbers, and deleting makes room', async () => {
    const path = newName();
    ok(await set(path, { bytes: { hard: 2_000 }, contact: 'the platform team' }));
    expect((await put(`${path}/a`, 'v1', 'one', 1_000)).status).toBe(201);
    const before = (await used(path))?.bytes ?? 0;
    const refused = await refusalOf(await put(`${path}/a`, 'v2', 'two', 1_000));
    expect(refused).toMatchObject({ status: 403, code: 'DENIED' });
    expect(refused.detail).toMatchObject({ path, resource: 'bytes', limit: 2_000 });
    expect(refused.message).toContain('the platform team');
    for (const number of ['limit', 'used', 'wanted']) {
      expect(refused.message).toContain(`${refused.detail[number]} bytes`);
    }
    expect((await used(path))?.bytes).toBeLessThanOrEqual(2_000);
    // What the namespace has already costs nothing, in any repository of it.
    expect((await put(`${path}/a`, 'again', 'one', 1_000)).status).toBe(201);
    expect((await used(path))?.bytes).toBeGreaterThanOrEqual(before);
    for (const tag of ['v1', 'again']) expect((await remove(`${path}/a`, tag)).status).toBe(202);
    expect((await put(`${path}/a`, 'v2', 'two', 1_000)).status).toBe(201);
  });

  test('an upload is refused before it begins when there is no room at all', async () => {
    const path = newName();
    ok(await set(path, { bytes: { hard: 0 } }));
    const address = `${registry().url}/v2/${path}/a/blobs/uploads/`;
    const refused = await refusalOf(await fetch(address, { method: 'POST' }));
    expect(refused).toMatchObject({ status: 403, code: 'DENIED', detail: { used: 0, limit: 0 } });
    // A mount is asked about in its transaction.
    const from = newName();
    const digest = await pushBlob(registry().url, from, 'a blob of another namespace');
    const mount = await fetch(`${address}?mount=${digest}&from=${from}`, { method: 'POST' });
    expect(mount.status).toBe(403);
  });

  test('tags and repositories are counted', async () => {
    const path = newName();
    ok(await set(path, { tags: { hard: 2 }, repositories: { hard: 1 } }));
    for (const tag of ['v1', 'v2', 'v1']) {
      expect((await put(`${path}/a`, tag, 'same')).status).toBe(201);
    }
    const third = await refusalOf(await put(`${path}/a`, 'v3', 'same'));
    expect(third.message).toStartWith(
      `The quota of "${path}" does not allow this: 2 tags at most, 2 tags used, 3 tags with this. Delete what is not needed, or ask whoever manages "protocol" for more.`,
    );
    expect((await remove(`${path}/a`, 'v2')).status).toBe(202);
    const second = await refusalOf(await put(`${path}/b`, 'v1', 'same'));
    expect(second.detail).toMatchObject({ resource: 'repositories', used: 1, wanted: 2, limit: 1 });
    expect((await put(`${path}/a`, 'v3', 'same')).status).toBe(201);
  });

  test('beyond the soft limit a push is warned, and crossing it is an event', async () => {
    const path = newName();
    ok(await set(path, { tags: { soft: 1 } }));
    const said = [];
    for (const tag of ['v1', 'v2', 'v3']) {
      const response = await put(`${path}/a`, tag, 'same');
      expect(response.status).toBe(201);
      said.push(response.headers.get('warning'));
    }
    expect(said).toEqual([
      null,
      `299 - "${path} uses 2 tags; the quota warns beyond 1 tag."`,
      `299 - "${path} uses 3 tags; the quota warns beyond 1 tag."`,
    ]);
    const events = await sql().all(warnings, { kind: 'quota-warning' });
    const own = events.map(({ detail }) => JSON.parse(detail)).filter((one) => one.path === path);
    expect(own).toEqual([{ path, resource: 'tags', limit: 1, used: 2, actor: 'entrepot' }]);
  });

  test('every quota on the way up holds', async () => {
    const path = newName();
    ok(await set(path, { tags: { hard: 1 } }));
    ok(await set(`${path}/a`, { tags: { hard: 10 } }));
    expect((await put(`${path}/a/x`, 'v1', 'one')).status).toBe(201);
    const refused = await refusalOf(await put(`${path}/a/x`, 'v2', 'one'));
    expect(refused.detail).toMatchObject({ path });
    const shown = await ask('GET', `/policies?path=${encodeURIComponent(`${path}/a/x`)}`);
    const items = shown.body.items as unknown as { kind: string; path: string }[];
    expect(items.filter(({ kind }) => kind === 'quota').map((item) => item.path)).toEqual([
      path,
      `${path}/a`,
    ]);
    ok(await ask('DELETE', `/policies/quota?path=${encodeURIComponent(path)}`), 204);
    expect((await put(`${path}/a/x`, 'v2', 'one')).status).toBe(201);
  });

  test('what was there before a quota is counted too', async () => {
    const path = newName();
    await pushImage(registry().url, `${path}/a`, { reference: 'v1' });
    ok(await set(path, { tags: { hard: 1 } }));
    await counted(path);
    expect((await put(`${path}/a`, 'v2', 'two')).status).toBe(403);
  });

  test('pushes at once exceed it by no more than what is under way', async () => {
    const path = newName();
    ok(await set(path, { tags: { hard: 5 } }));
    const pushes = Array.from({ length: 24 }, (_, at) => put(`${path}/a`, `v${at}`, 'same'));
    const statuses = (await Promise.all(pushes)).map(({ status }) => status);
    const pushed = statuses.filter((status) => status === 201).length;
    expect(pushed).toBeGreaterThanOrEqual(5);
    expect((await used(path))?.tags).toBe(pushed);
    expect((await put(`${path}/a`, 'one-more', 'same')).status).toBe(403);
  });

  test('who manages a path does not lift its own quota', async () => {
    const top = `team-of-${newName().replace('/', '-')}`;
    const owner = { name: `owner-of-${top}`, headers: basic(`owner-of-${top}`, PASSWORD) };
    const id = await addUser(registry(), { name: owner.name, password: PASSWORD });
    await grant(registry(), { to: { kind: 'user', id }, role: 'owner', path: top });
    ok(await set(top, { tags: { hard: 1 } }));
    ok(await set(top, { tags: { hard: 99 } }, owner.headers), 403);
    const remove = { headers: owner.headers };
    ok(await ask('DELETE', `/policies/quota?path=${top}`, remove), 403);
    ok(await set(`${top}/below`, { tags: { hard: 1 } }, owner.headers));
    ok(await set('', { tags: { hard: 1 } }, owner.headers), 403);
  });

  test('what is no quota is refused', async () => {
    const path = newName();
    for (const quota of [
      {},
      { contact: 'me' },
      { bytes: {} },
      { bytes: { soft: 2, hard: 1 } },
      { bytes: { hard: -1 } },
      { tags: { hard: 1.5 } },
      { size: { hard: 1 } },
    ]) {
      ok(await set(path, quota), 400);
    }
    ok(await set('Not A Path', { tags: { hard: 1 } }), 400);
  });

  async function counted(path: string): Promise<void> {
    const end = Date.now() + 20_000;
    while ((await used(path))?.state !== 'exact') {
      if (Date.now() > end) throw new Error(`what ${path} uses is never counted`);
      await Bun.sleep(50);
    }
  }
});
