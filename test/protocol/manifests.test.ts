// Manifests over the wire: what docs/client-behaviours.md says of them, and more.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import {
  describeContent,
  digestOf,
  imageManifest,
  newName,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refusedWith,
} from './push.ts';
import { rawRequest } from './raw-http.ts';

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

onBothEngines('manifests', ({ test, registry }) => {
  test('clients 10: HEAD and GET agree in type, length, digest and ETag', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, manifest } = await pushImage(url, name, { reference: 'v1' });
    for (const reference of ['v1', digest]) {
      const address = `${url}/v2/${name}/manifests/${reference}`;
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(address, {
          method,
          headers: { 'Accept-Encoding': 'zstd, gzip, deflate' },
        });
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe(OCI_MANIFEST);
        expect(response.headers.get('content-length')).toBe(String(manifest.length));
        expect(response.headers.get('docker-content-digest')).toBe(digest);
        expect(response.headers.get('etag')).toBe(`"${digest}"`);
        expect(response.headers.get('content-encoding')).toBeNull();
        expect(await response.text()).toBe(method === 'GET' ? manifest : '');
      }
    }
  });

  test('clients 11: the exact bytes come back, whatever Accept says', async () => {
    const { url, port } = registry();
    const name = newName();
    const { config, layer } = await pushImage(url, name);
    const odd = `{ "schemaVersion" :2,\n\t"config": ${JSON.stringify(config)},"x":1e2, "layers":[${JSON.stringify(layer)}],"mediaType":"${OCI_MANIFEST}"  }\n\n`;
    expect((await putManifest(url, name, { reference: 'odd', manifest: odd })).status).toBe(201);
    for (const headers of [
      [],
      ['Accept: */*'],
      [`Accept: ${DOCKER_LIST}`],
      [
        `Accept: ${DOCKER_MANIFEST}`,
        'Accept: application/vnd.docker.distribution.manifest.v1+json',
      ],
      ['Accept: text/html;q=0.1, nonsense'],
    ]) {
      const target = `/v2/${name}/manifests/odd`;
      const answer = await rawRequest(port, { method: 'GET', target, headers });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe(OCI_MANIFEST);
      expect(Buffer.from(answer.body).toString()).toBe(odd);
    }
  });

  test('clients 11: an index is never replaced by one of its platforms', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, manifest } = await pushImage(url, name);
    const child = { ...describeContent(manifest, OCI_MANIFEST), platform: { os: 'linux' } };
    expect(child.digest).toBe(digest);
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    await putManifest(url, name, { reference: 'multi', manifest: index, type: OCI_INDEX });
    const headers = { Accept: OCI_MANIFEST };
    const response = await fetch(`${url}/v2/${name}/manifests/multi`, { headers });
    expect(response.headers.get('content-type')).toBe(OCI_INDEX);
    expect(await response.text()).toBe(index);
  });

  test('clients 12: PUT answers 201 with a Location to pull and the digest pushed', async () => {
    const { url } = registry();
    const name = newName();
    const { manifest, digest } = await pushImage(url, name);
    const response = await putManifest(url, name, { reference: 'v1', manifest });
    expect(response.status).toBe(201);
    expect(response.headers.get('docker-content-digest')).toBe(digest);
    const location = response.headers.get('location') ?? '';
    expect(location.startsWith('/v2/')).toBe(true);
    expect(await (await fetch(url + location)).text()).toBe(manifest);
  });

  test('clients 12: a push by digest must be of those bytes; sha512 too', async () => {
    const { url } = registry();
    const name = newName();
    const { manifest } = await pushImage(url, name);
    const wrong = await putManifest(url, name, { reference: digestOf('other'), manifest });
    expect(await refusedWith(wrong, 400)).toBe('DIGEST_INVALID');
    const reference = digestOf(manifest, 'sha512');
    const right = await putManifest(url, name, { reference, manifest });
    expect(right.headers.get('docker-content-digest')).toBe(reference);
    const pulled = await fetch(`${url}/v2/${name}/manifests/${reference}`);
    expect(await pulled.text()).toBe(manifest);
  });

  test('clients 12: what is unusual and legal passes', async () => {
    const { url } = registry();
    const name = newName();
    const { config, layer } = await pushImage(url, name);
    const data = Buffer.from('{}');
    await pushBlob(url, name, data);
    const empty = describeContent(data, 'application/vnd.oci.empty.v1+json');
    const foreign = {
      ...describeContent('elsewhere', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
      urls: ['https://example.com/layer'],
    };
    const unknown = 'application/vnd.example.thing.v9+weird';
    const cases: Record<string, string> = {
      untyped: JSON.stringify({ schemaVersion: 2, config, layers: [layer] }),
      artifact: imageManifest({ config: empty, layers: [layer], more: { artifactType: unknown } }),
      odd: imageManifest({ config: { ...config, mediaType: unknown }, layers: [] }),
      twice: imageManifest({ config, layers: [layer, layer] }),
      data: imageManifest({ config, layers: [{ ...empty, data: data.toString('base64') }] }),
      custom: imageManifest({ config, layers: [layer], more: { 'x-mine': [{ a: null }] } }),
      foreign: imageManifest({ config, layers: [layer, foreign] }),
    };
    for (const [reference, manifest] of Object.entries(cases)) {
      const response = await putManifest(url, name, { reference, manifest });
      expect([reference, response.status]).toEqual([reference, 201]);
      expect(response.headers.has('warning')).toBe(reference === 'foreign');
      const pulled = await fetch(`${url}/v2/${name}/manifests/${reference}`);
      expect(await pulled.text()).toBe(manifest);
    }
  });

  test('clients 13: the cache of buildx: an index whose children are blobs without platform', async () => {
    const { url } = registry();
    const name = newName();
    const cacheConfig = 'application/vnd.buildkit.cacheconfig.v0';
    await pushBlob(url, name, 'cached layer');
    await pushBlob(url, name, 'cache config');
    const manifests = [
      describeContent('cached layer', OCI_LAYER),
      describeContent('cache config', cacheConfig),
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    const push = { reference: 'cache', manifest: index, type: OCI_INDEX };
    expect((await putManifest(url, name, push)).status).toBe(201);
  });

  test('clients 14: an absent part is MANIFEST_BLOB_UNKNOWN, every other fault MANIFEST_INVALID', async () => {
    const { url } = registry();
    const name = newName();
    const { config, layer } = await pushImage(url, name);
    const absent = describeContent('never pushed', OCI_LAYER);
    const lacking = imageManifest({ config, layers: [layer, absent] });
    const refused = await putManifest(url, name, { reference: 'x', manifest: lacking });
    const clone = refused.clone();
    expect(await refusedWith(refused, 404)).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(await clone.text()).toContain(absent.digest);
    const whole = imageManifest({ config, layers: [layer] });
    for (const manifest of [
      '',
      'null',
      '[]',
      '7',
      '{}',
      whole.slice(0, -9),
      `${'['.repeat(50_000)}`,
      `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`,
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      whole.replace('"schemaVersion":2', '"schemaVersion":1'),
      whole.replace(layer.digest, 'sha256:../../x'),
      whole.replace(`"size":${layer.size}`, '"size":-1'),
    ]) {
      const response = await putManifest(url, name, { reference: 'bad', manifest });
      expect(await refusedWith(response, 400)).toBe('MANIFEST_INVALID');
    }
    expect((await fetch(`${url}/v2/${name}/manifests/bad`)).status).toBe(404);
  });

  test('clients 14: schema 1 is refused with a sentence that helps', async () => {
    const { url } = registry();
    const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    const manifest = JSON.stringify({ schemaVersion: 1, name: 'x', fsLayers: [] });
    const refused = await putManifest(url, newName(), { reference: 'old', manifest, type });
    const clone = refused.clone();
    expect(await refusedWith(refused, 400)).toBe('MANIFEST_INVALID');
    expect(await clone.text()).toContain('skopeo copy');
  });

  test('clients 15: deleting a tag leaves its manifest; deleting a manifest takes its tags', async () => {
    const { url } = registry();
    const name = newName();
    const { manifest, digest } = await pushImage(url, name, { reference: 'a' });
    await putManifest(url, name, { reference: 'b', manifest });
    const at = (reference: string) => `${url}/v2/${name}/manifests/${reference}`;
    const remove = async (reference: string) =>
      (await fetch(at(reference), { method: 'DELETE' })).status;
    const status = async (reference: string) => (await fetch(at(reference))).status;

    expect(await remove('a')).toBe(202);
    expect([await status('a'), await status('b'), await status(digest)]).toEqual([404, 200, 200]);
    expect(await remove('a')).toBe(404);
    await putManifest(url, name, { reference: 'c', manifest });
    expect(await remove(digest)).toBe(202);
    expect([await status('b'), await status('c'), await status(digest)]).toEqual([404, 404, 404]);
    expect(await remove(digest)).toBe(404);
    const list = await fetch(`${url}/v2/${name}/tags/list`);
    expect(await list.json()).toEqual({ name, tags: [] });
  });

  test('clients 16: a subject may be absent and is answered by OCI-Subject', async () => {
    const { url } = registry();
    const name = newName();
    const subject = describeContent('not here', OCI_MANIFEST);
    const { config, layer } = await pushImage(url, name);
    const manifest = imageManifest({ config, layers: [layer], more: { subject } });
    const response = await putManifest(url, name, { reference: digestOf(manifest), manifest });
    expect(response.status).toBe(201);
    expect(response.headers.get('oci-subject')).toBe(subject.digest);
    const plain = await putManifest(url, name, {
      reference: 'plain',
      manifest: imageManifest({ config, layers: [layer] }),
    });
    expect(plain.headers.get('oci-subject')).toBeNull();
  });

  test('several tags in one push are answered by OCI-Tag', async () => {
    const { url } = registry();
    const name = newName();
    const { manifest, digest } = await pushImage(url, name);
    const reference = `${digest}?tag=one&tag=two&tag=one`;
    const response = await putManifest(url, name, { reference, manifest });
    expect(response.status).toBe(201);
    expect(response.headers.get('oci-tag')).toBe('one, two');
    const list = await (await fetch(`${url}/v2/${name}/tags/list`)).json();
    expect(list).toEqual({ name, tags: ['one', 'two'] });
    const bad = await putManifest(url, name, { reference: `${digest}?tag=.no`, manifest });
    expect(await refusedWith(bad, 400)).toBe('TAG_INVALID');
    const both = await putManifest(url, name, { reference: 'three?tag=four', manifest });
    expect(await refusedWith(both, 400)).toBe('TAG_INVALID');
  });

  test('a conditional push changes nothing when its condition does not hold', async () => {
    const { url } = registry();
    const name = newName();
    const first = await pushImage(url, name, { reference: 'v1', seed: 'first' });
    const second = await pushImage(url, name, { seed: 'second' });
    const push = (headers: object) =>
      putManifest(url, name, { reference: 'v1', manifest: second.manifest, headers });
    for (const headers of [{ 'If-None-Match': '*' }, { 'If-Match': `"${second.digest}"` }]) {
      expect(await refusedWith(await push(headers), 412)).toBe('PRECONDITION_FAILED');
    }
    const at = async () =>
      (await fetch(`${url}/v2/${name}/manifests/v1`)).headers.get('docker-content-digest');
    expect(await at()).toBe(first.digest);
    expect((await push({ 'If-Match': `"x", "${first.digest}"` })).status).toBe(201);
    expect(await at()).toBe(second.digest);
  });

  test('a part of what is kept is not deleted, and the tag that needs it is named', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, manifest, layer } = await pushImage(url, name);
    const child = describeContent(manifest, OCI_MANIFEST);
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    await putManifest(url, name, { reference: 'kept', manifest: index, type: OCI_INDEX });
    for (const path of [`manifests/${digest}`, `blobs/${layer.digest}`]) {
      const response = await fetch(`${url}/v2/${name}/${path}`, { method: 'DELETE' });
      const clone = response.clone();
      expect(await refusedWith(response, 403)).toBe('DENIED');
      expect(await clone.text()).toContain('kept');
    }
  });
});
