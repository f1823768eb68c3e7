// The trash through the management API: what was deleted is gone on every path, comes back whole, or goes for good.
import { expect } from 'bun:test';
import { findBlobId } from '../../src/metadata/blobs.ts';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { ADMIN, type ApiAnswer, askApi } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import { digestOf, OCI_INDEX, pushImage, putManifest } from './push.ts';
import { until } from './until.ts';

type Registry = ReturnType<ProtocolSuite['registry']>;
type Row = Record<string, unknown>;

let made = 0;
/** A top namespace that no other test uses. */
function newNamespace(): string {
  made += 1;
  return `trash${made}`;
}

function asking(registry: ProtocolSuite['registry']) {
  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, headers: ADMIN, ...(body !== undefined && { body }) });
  const done = async (method: string, path: string, body?: unknown): Promise<Row> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const items = async (path: string): Promise<Row[]> =>
    (await done('GET', `/trash?path=${path}`)).items as Row[];
  return { ask, done, items };
}

const at = (name: string) => `/repositories/${encodeURIComponent(name)}`;

/** What the counter of a namespace says is what a recount says. */
async function expectExact(registry: Registry, path: string): Promise<void> {
  const { sql } = registry.program.answer.v2.pull;
  await until(async () => {
    const [scope] = await readScopes(sql, [path]);
    const counted = await recountUsage(sql, path);
    if (scope === undefined) return counted.blobs === 0;
    const { bytes, blobs, tags, repositories } = scope;
    return Bun.deepEquals({ bytes, blobs, tags, repositories }, { ...counted });
  }, `the counter of ${path} is exact`);
}

async function pulls(url: string, name: string, reference: string): Promise<number> {
  return (await fetch(`${url}/v2/${name}/manifests/${reference}`)).status;
}

onBothEngines('the trash', ({ test, registry }) => {
  const { ask, done, items } = asking(registry);

  test('a deleted repository is gone on every path, and comes back whole', async () => {
    const { url } = registry();
    const top = newNamespace();
    const name = `${top}/app`;
    const image = await pushImage(url, name, { seed: name, reference: 'v1' });
    await pushImage(url, `${top}/other`, { seed: name, reference: 'v1' });
    const subject = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: image.digest,
      size: image.manifest.length,
    };
    await pushImage(url, name, { seed: `${name} signature`, more: { subject } });
    const { id } = await done('GET', at(name));
    const before = await done('GET', at(name));
    const dry = await done('DELETE', `${at(name)}?dryRun=true`);
    expect(dry).toMatchObject({ isDone: false, repositories: 1, tags: 1, trash: null });
    expect(await pulls(url, name, 'v1')).toBe(200);
    const deleted = await done('DELETE', at(name));
    expect(deleted).toMatchObject({ isDone: true, repositories: 1, tags: 1 });
    for (const path of [
      `manifests/v1`,
      `manifests/${image.digest}`,
      `blobs/${image.layer.digest}`,
      'tags/list',
    ]) {
      expect((await fetch(`${url}/v2/${name}/${path}`)).status).toBe(404);
    }
    expect((await ask('GET', at(name))).status).toBe(404);
    expect((await ask('GET', `/repositories/id:${id}`)).status).toBe(404);
    const listed = (await (await fetch(`${url}/v2/_catalog?n=1000`)).json()) as Row;
    expect(listed.repositories).not.toContain(name);
    await expectExact(registry(), top);
    const [item] = await items(top);
    expect(item).toMatchObject({ kind: 'repository', path: name, deletedBy: 'admin' });
    const restored = await done('POST', `/trash/${item?.id}/restore`, {});
    expect(restored).toMatchObject({ path: name, repositories: 1 });
    expect(await done('GET', at(name))).toEqual(before);
    expect(await pulls(url, name, 'v1')).toBe(200);
    const referrers = (await (
      await fetch(`${url}/v2/${name}/referrers/${image.digest}`)
    ).json()) as Row;
    expect(referrers.manifests).toHaveLength(1);
    expect((await fetch(`${url}/v2/${name}/blobs/${image.layer.digest}`)).status).toBe(200);
    expect(await items(top)).toEqual([]);
    await expectExact(registry(), top);
  });

  test('whoever takes the name meanwhile gets none of its rights, and it comes back beside it', async () => {
    const { url } = registry();
    const top = newNamespace();
    const name = `${top}/app`;
    await pushImage(url, name, { reference: 'v1' });
    const user = newNamespace();
    await done('POST', '/users', { name: user, password: 'a quiet morning in march' });
    await done('POST', '/grants', {
      subject: { kind: 'user', name: user },
      path: name,
      role: 'owner',
    });
    await done('PATCH', `/paths?path=${name}`, { visibility: 'public' });
    const deleted = await done('DELETE', at(name));
    expect(deleted).toMatchObject({ grants: 1, settings: 1 });
    await pushImage(url, name, { seed: 'another', reference: 'v1' });
    expect((await done('GET', `/grants?path=${name}`)).items).toEqual([]);
    expect((await done('GET', `/paths?path=${name}`)).visibility).toMatchObject({
      value: 'private',
    });
    const refused = await ask('POST', `/trash/${deleted.trash}/restore`, {});
    expect(refused.status).toBe(409);
    const as = `${top}/back`;
    await done('POST', `/trash/${deleted.trash}/restore`, { as });
    expect((await done('GET', `/grants?path=${as}`)).items).toHaveLength(1);
    expect((await done('GET', at(as))).visibility).toBe('public');
    expect(await pulls(url, as, 'v1')).toBe(200);
    await expectExact(registry(), top);
  });

  test('a namespace goes and comes back with its robots, whose tokens end meanwhile', async () => {
    const { url } = registry();
    const top = newNamespace();
    const below = `${top}/backend`;
    for (const name of [`${below}/api`, `${below}/web/front`, `${top}/other`]) {
      await pushImage(url, name, { seed: name, reference: 'v1' });
    }
    const robot = await done('POST', '/robots', { path: below, name: 'ci' });
    await done('POST', '/grants', {
      subject: { kind: 'robot', name: `${below}:ci` },
      path: below,
      role: 'writer',
    });
    const token = await done('POST', '/tokens', { owner: `robot:${robot.id}`, name: 'one' });
    const whoami = () =>
      askApi(url, {
        method: 'GET',
        path: '/whoami',
        headers: { Authorization: `Bearer ${token.secret}` },
      });
    expect((await whoami()).status).toBe(200);
    const deleted = await done('DELETE', `/namespaces?path=${below}`);
    expect(deleted).toMatchObject({ repositories: 2, tags: 2, robots: 1, grants: 1 });
    expect((await whoami()).status).toBe(401);
    expect(await pulls(url, `${below}/web/front`, 'v1')).toBe(404);
    expect(await pulls(url, `${top}/other`, 'v1')).toBe(200);
    await expectExact(registry(), top);
    await done('POST', `/trash/${deleted.trash}/restore`, {});
    expect((await whoami()).status).toBe(200);
    expect(await pulls(url, `${below}/web/front`, 'v1')).toBe(200);
    await expectExact(registry(), top);
  });

  test('a manifest comes back with the tags that went with it; a tag alone as a move', async () => {
    const { url } = registry();
    const name = `${newNamespace()}/app`;
    const { digest, manifest } = await pushImage(url, name, { seed: name, reference: 'v1' });
    await putManifest(url, name, { reference: 'v2', manifest });
    expect((await fetch(`${url}/v2/${name}/manifests/v2`, { method: 'DELETE' })).status).toBe(202);
    expect(
      (await fetch(`${url}/v2/${name}/manifests/${digest}`, { method: 'DELETE' })).status,
    ).toBe(202);
    const found = await items(name);
    expect(found.map(({ kind, tag }) => [kind, tag])).toEqual([
      ['tag', 'v1'],
      ['manifest', null],
      ['tag', 'v2'],
    ]);
    const tooEarly = await ask('POST', `/trash/${found[2]?.id}/restore`, {});
    expect(tooEarly.status).toBe(409);
    const restored = await done('POST', `/trash/${found[1]?.id}/restore`, {});
    expect(restored).toMatchObject({ digest, tags: ['v1'] });
    expect(await pulls(url, name, 'v1')).toBe(200);
    expect(await pulls(url, name, 'v2')).toBe(404);
    expect((await items(name)).map(({ tag }) => tag)).toEqual(['v2']);
    await putManifest(url, name, {
      reference: 'v2',
      manifest: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }),
      type: OCI_INDEX,
    });
    expect(await items(name)).toEqual([]);
    await expectExact(registry(), name.split('/')[0] ?? '');
  });

  test('what lost a part does not come back', async () => {
    const { url } = registry();
    const name = `${newNamespace()}/app`;
    const { digest, layer } = await pushImage(url, name, { seed: name });
    const remove = (path: string) => fetch(`${url}/v2/${name}/${path}`, { method: 'DELETE' });
    expect((await remove(`manifests/${digest}`)).status).toBe(202);
    expect((await remove(`blobs/${layer.digest}`)).status).toBe(202);
    const [blob, manifest] = await items(name);
    const refused = await ask('POST', `/trash/${manifest?.id}/restore`, {});
    expect(refused.status).toBe(404);
    expect(refused.text).toContain(layer.digest);
    expect(await pulls(url, name, digest)).toBe(404);
    const many = await done('POST', '/trash/restore', { filter: { path: name } });
    expect(many.refused).toEqual([]);
    expect((many.restored as Row[]).map(({ id }) => id)).toEqual([blob?.id, manifest?.id]);
    expect(await pulls(url, name, digest)).toBe(200);
    expect((await fetch(`${url}/v2/${name}/blobs/${layer.digest}`)).status).toBe(200);
    await expectExact(registry(), name.split('/')[0] ?? '');
  });

  test('purging takes the bytes at once, and says what else holds them', async () => {
    const { url } = registry();
    const top = newNamespace();
    const [name, other] = [`${top}/app`, `${top}/other`];
    const image = await pushImage(url, name, { seed: name });
    const shared = await pushImage(url, other, { seed: `${name} other` });
    const size = 64 * 1024;
    const large = Buffer.alloc(size, name);
    const largeDigest = digestOf(large);
    const upload = `${url}/v2/${name}/blobs/uploads/?digest=${largeDigest}`;
    expect((await fetch(upload, { method: 'POST', body: large })).status).toBe(201);
    const mount = `${url}/v2/${name}/blobs/uploads/?mount=${shared.layer.digest}&from=${other}`;
    expect((await fetch(mount, { method: 'POST' })).status).toBe(201);
    const manifest = JSON.stringify({
      ...JSON.parse(image.manifest),
      layers: [shared.layer, { mediaType: shared.layer.mediaType, digest: largeDigest, size }],
    });
    const digest = digestOf(manifest);
    expect((await putManifest(url, name, { reference: digest, manifest })).status).toBe(201);
    expect(
      (await fetch(`${url}/v2/${name}/manifests/${digest}`, { method: 'DELETE' })).status,
    ).toBe(202);
    const [item] = await items(name);
    expect(item?.bytes).toBe(size + manifest.length);
    const purged = await done('POST', `/trash/${item?.id}/purge`);
    const states = new Map((purged.blobs as Row[]).map((blob) => [blob.digest, blob]));
    expect(states.get(digest)).toMatchObject({ state: 'gone' });
    expect(states.get(largeDigest)).toMatchObject({ state: 'gone' });
    expect(states.get(shared.layer.digest)).toMatchObject({
      state: 'held',
      heldBy: { repositories: [other] },
    });
    expect(states.get(image.config.digest)).toMatchObject({
      state: 'held',
      heldBy: { manifests: [image.digest] },
    });
    expect((await fetch(`${url}/v2/${name}/blobs/${largeDigest}`)).status).toBe(404);
    expect((await fetch(`${url}/v2/${other}/blobs/${shared.layer.digest}`)).status).toBe(200);
    expect(await pulls(url, name, image.digest)).toBe(200);
    expect((await fetch(upload, { method: 'POST', body: large })).status).toBe(201);
    await expectExact(registry(), top);
  });

  test('a purged namespace is taken away behind the answer, with its rights', async () => {
    const { url } = registry();
    const top = newNamespace();
    const image = await pushImage(url, `${top}/a/app`, { seed: top, reference: 'v1' });
    await pushImage(url, `${top}/a/b/app`, { seed: `${top} b`, reference: 'v1' });
    await done('POST', '/robots', { path: `${top}/a`, name: 'ci' });
    const { trash } = await done('DELETE', `/namespaces?path=${top}/a`);
    const [item] = await items(top);
    expect((await done('GET', `/trash/${item?.id}`)).bytes as number).toBeGreaterThan(0);
    expect(await done('POST', `/trash/${trash}/purge`)).toMatchObject({ isUnderWay: true });
    expect((await ask('POST', `/trash/${trash}/restore`, {})).status).toBe(404);
    await until(async () => (await items(top)).length === 0, 'the trash is empty');
    const { sql } = registry().program.answer.v2.pull;
    const digest = image.digest as Digest;
    const isGone = async () => (await findBlobId(sql, digest)) === undefined;
    await until(isGone, 'the image is gone');
    await done('POST', '/robots', { path: `${top}/a`, name: 'ci' });
    await expectExact(registry(), top);
  });

  test('what is leased is not deleted with its repository', async () => {
    const { url } = registry();
    const name = `${newNamespace()}/app`;
    const { digest } = await pushImage(url, name, { seed: name, reference: 'v1' });
    const lease = name.replace('/', '-');
    await done('PUT', `/leases/${lease}`, {
      ttlSeconds: 600,
      items: [{ repository: name, digest }],
    });
    const refused = await ask('DELETE', at(name));
    expect(refused.status).toBe(403);
    expect(refused.text).toContain(lease);
    expect((await done('DELETE', `${at(name)}?dryRun=true`)).inUse).toMatchObject({ lease });
    await done('DELETE', `/leases/${lease}`);
    await done('DELETE', at(name));
  });

  test('a restore beyond a quota is refused with the numbers', async () => {
    const { url } = registry();
    const top = newNamespace();
    await pushImage(url, `${top}/a`, { seed: 'a', reference: 'v1' });
    await pushImage(url, `${top}/b`, { seed: 'b', reference: 'v1' });
    const { trash } = await done('DELETE', at(`${top}/a`));
    await done('PUT', `/policies/quota?path=${top}`, { repositories: { hard: 1 } });
    const refused = await ask('POST', `/trash/${trash}/restore`, {});
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('quota');
    expect(await pulls(url, `${top}/a`, 'v1')).toBe(404);
    await done('PUT', `/policies/quota?path=${top}`, { repositories: { hard: 2 } });
    await done('POST', `/trash/${trash}/restore`, {});
    expect(await pulls(url, `${top}/a`, 'v1')).toBe(200);
    await expectExact(registry(), top);
  });
});
