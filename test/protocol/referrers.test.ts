// The referrers of a manifest over the wire.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import {
  type Described,
  describeContent,
  digestOf,
  imageManifest,
  newName,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refusedWith,
} from './push.ts';

interface ReferrersIndex {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly (Described & {
    artifactType?: string;
    annotations?: Record<string, string>;
  })[];
}

async function referrersOf(url: string, name: string, rest: string) {
  const response = await fetch(`${url}/v2/${name}/referrers/${rest}`);
  expect(response.status).toBe(200);
  return { response, index: (await response.json()) as ReferrersIndex };
}

const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';

async function pushReferrer(
  url: string,
  name: string,
  referrer: {
    subject: Described;
    artifactType?: string;
    annotations?: object;
    configType?: string;
  },
): Promise<string> {
  const { configType = EMPTY_TYPE, ...more } = referrer;
  await pushBlob(url, name, '{}');
  const config = describeContent('{}', configType);
  const manifest = imageManifest({ config, layers: [], more });
  const digest = digestOf(manifest);
  expect((await putManifest(url, name, { reference: digest, manifest })).status).toBe(201);
  return digest;
}

onBothEngines('referrers', ({ test, registry }) => {
  test('clients 17: always an index of just that type, also for what is unknown', async () => {
    const { url } = registry();
    const name = newName();
    const { digest } = await pushImage(url, name);
    const repositories = [name, newName()];
    for (const repository of repositories) {
      for (const subject of [digest, digestOf('nobody knows it'), digestOf('x', 'sha512')]) {
        const { response, index } = await referrersOf(url, repository, subject);
        expect(response.headers.get('content-type')).toBe(OCI_INDEX);
        expect(index).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
      }
    }
    for (const bad of ['sha256:abc', 'latest', 'md5:d41d8cd98f00b204e9800998ecf8427e']) {
      const refused = await fetch(`${url}/v2/${name}/referrers/${bad}`);
      expect(await refusedWith(refused, 400)).toBe('DIGEST_INVALID');
    }
  });

  test('clients 18: a descriptor has type, size, artifactType and annotations', async () => {
    const { url } = registry();
    const name = newName();
    const image = await pushImage(url, name);
    const subject = describeContent(image.manifest, OCI_MANIFEST);
    const annotations = { 'org.example.by': 'me' };
    const own = await pushReferrer(url, name, { subject, artifactType: 'a/own', annotations });
    const ofConfig = await pushReferrer(url, name, { subject, configType: 'a/config' });
    const { response, index } = await referrersOf(url, name, image.digest);
    expect(response.headers.get('link')).toBeNull();
    expect(response.headers.get('oci-filters-applied')).toBeNull();
    const byDigest = new Map(index.manifests.map((d) => [d.digest, d]));
    expect(byDigest.get(own)).toMatchObject({ artifactType: 'a/own', annotations });
    expect(byDigest.get(own)).toMatchObject({ mediaType: OCI_MANIFEST });
    expect(byDigest.get(ofConfig)).toMatchObject({ artifactType: 'a/config' });
    for (const { digest, size } of index.manifests) {
      const pulled = await fetch(`${url}/v2/${name}/manifests/${digest}`);
      expect((await pulled.bytes()).length).toBe(size);
    }
  });

  test('clients 18: several artifactType filters mean any of them, and the answer says so', async () => {
    const { url } = registry();
    const name = newName();
    const image = await pushImage(url, name);
    const subject = describeContent(image.manifest, OCI_MANIFEST);
    const types = ['x/a', 'x/b', 'x/c+json'];
    for (const artifactType of types) await pushReferrer(url, name, { subject, artifactType });
    const found = async (query: string) => {
      const { response, index } = await referrersOf(url, name, `${image.digest}?${query}`);
      expect(response.headers.get('oci-filters-applied')).toBe('artifactType');
      return index.manifests.map((d) => d.artifactType).sort();
    };
    expect(await found('artifactType=x/a')).toEqual(['x/a']);
    expect(await found('artifactType=x%2Fa&artifactType=x%2Fb')).toEqual(['x/a', 'x/b']);
    expect(await found('artifactType=x/c%2Bjson')).toEqual(['x/c+json']);
    // As people type it: a plus that is read as a space, as in forms, would find nothing.
    expect(await found('artifactType=x/c+json')).toEqual(['x/c+json']);
    expect(await found('artifactType=x/none')).toEqual([]);
  });

  test('clients 18: pages stay under what containerd reads, and the links lead through all', async () => {
    const { url } = registry();
    const name = newName();
    const image = await pushImage(url, name);
    const subject = describeContent(image.manifest, OCI_MANIFEST);
    const long = 'a'.repeat(900_000);
    const pushed: string[] = [];
    for (let i = 0; i < 5; i++) {
      const annotations = { long, number: String(i) };
      pushed.push(await pushReferrer(url, name, { subject, annotations, artifactType: 'x/big' }));
    }
    const seen: string[] = [];
    let next: string | undefined = `/v2/${name}/referrers/${image.digest}?artifactType=x/big`;
    let pages = 0;
    while (next !== undefined && pages < 10) {
      pages += 1;
      const response: Response = await fetch(url + next);
      const text = await response.text();
      expect(text.length).toBeLessThan(4 * 1024 * 1024);
      seen.push(...(JSON.parse(text) as ReferrersIndex).manifests.map((d) => d.digest));
      next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
    }
    expect(pages).toBeGreaterThan(1);
    expect(seen.sort()).toEqual(pushed.sort());
    const refused = await fetch(`${url}/v2/${name}/referrers/${image.digest}?last=abc`);
    expect(await refusedWith(refused, 400)).toBe('REQUEST_INVALID');
  });

  test('clients 19: the all-zero digest that oras asks for is never 404', async () => {
    const { url } = registry();
    const name = newName();
    await pushImage(url, name);
    const zero = `sha256:${'0'.repeat(64)}`;
    expect((await referrersOf(url, name, zero)).index.manifests).toEqual([]);
  });

  test('clients 16: what stands under the fallback tag is listed too, once', async () => {
    const { url } = registry();
    const name = newName();
    const image = await pushImage(url, name);
    const subject = describeContent(image.manifest, OCI_MANIFEST);
    const modern = await pushReferrer(url, name, { subject, artifactType: 'x/modern' });
    const older = await pushImage(url, name, { seed: 'signature without a subject' });
    const manifests = [
      { ...describeContent(older.manifest, OCI_MANIFEST), artifactType: 'x/older' },
      { mediaType: OCI_MANIFEST, digest: modern, size: 1, artifactType: 'x/modern' },
      { ...describeContent('deleted since', OCI_MANIFEST), artifactType: 'x/older' },
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    const reference = image.digest.replace(':', '-');
    const lacking = await putManifest(url, name, { reference, manifest: index, type: OCI_INDEX });
    expect(await refusedWith(lacking, 404)).toBe('MANIFEST_BLOB_UNKNOWN');
    const held = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: manifests.slice(0, 2),
    });
    await putManifest(url, name, { reference, manifest: held, type: OCI_INDEX });
    const { index: all } = await referrersOf(url, name, image.digest);
    expect(all.manifests.map((d) => d.digest).sort()).toEqual([modern, older.digest].sort());
    const { index: some } = await referrersOf(url, name, `${image.digest}?artifactType=x/older`);
    expect(some.manifests.map((d) => d.digest)).toEqual([older.digest]);
  });

  test('a deleted referrer is gone from the list at once', async () => {
    const { url } = registry();
    const name = newName();
    const image = await pushImage(url, name);
    const subject = describeContent(image.manifest, OCI_MANIFEST);
    const digest = await pushReferrer(url, name, { subject, artifactType: 'x/a' });
    expect((await referrersOf(url, name, image.digest)).index.manifests).toHaveLength(1);
    await fetch(`${url}/v2/${name}/manifests/${digest}`, { method: 'DELETE' });
    expect((await referrersOf(url, name, image.digest)).index.manifests).toEqual([]);
  });
});
