// What other registries get wrong, found by running them. Each is a test here, or
// is named beside one: 401 for anonymous callers and token realms belong to access control.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import {
  describeContent,
  digestOf,
  locationOf,
  newName,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refusedWith,
  startUpload,
} from './push.ts';
import { RawConnection, rawRequest, requestHead } from './raw-http.ts';
import { until } from './until.ts';

onBothEngines('better than peers', ({ test, registry }) => {
  test('a mount answers with the digest, so that docker does not upload again', async () => {
    const { url } = registry();
    const [from, to] = [newName(), newName()];
    const digest = await pushBlob(url, from, 'to be mounted');
    const address = `${url}/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`;
    const mounted = await fetch(address, { method: 'POST' });
    expect(mounted.status).toBe(201);
    expect(mounted.headers.get('docker-content-digest')).toBe(digest);
    const other = `${url}/v2/${to}/blobs/uploads/?mount=${digestOf('x')}&from=${from}`;
    expect((await fetch(other, { method: 'POST' })).status).toBe(202);
  });

  test('what a tag pointed to before it moved can still be pulled by digest', async () => {
    const { url } = registry();
    const name = newName();
    const before = await pushImage(url, name, { reference: 'v1', seed: 'before' });
    await pushImage(url, name, { reference: 'v1', seed: 'after' });
    const old = await fetch(`${url}/v2/${name}/manifests/${before.digest}`);
    expect(await old.text()).toBe(before.manifest);
  });

  test('odd names, references, ranges and pages are refused, never a fault', async () => {
    const { url, port } = registry();
    const name = newName();
    await pushImage(url, name, { reference: 'v1' });
    const parts = Array.from({ length: 5_000 }, () => 'a').join('/');
    const cases: [string, string, number, string][] = [
      ['GET', `/v2/${'a'.repeat(300)}/tags/list`, 400, 'NAME_INVALID'],
      ['GET', `/v2/x/${'a'.repeat(300)}/y/tags/list`, 400, 'NAME_INVALID'],
      ['GET', `/v2/${parts}/tags/list`, 400, 'NAME_INVALID'],
      ['GET', `/v2/${name}/manifests/a:b`, 400, 'DIGEST_INVALID'],
      ['PUT', `/v2/${name}/manifests/a:b`, 400, 'DIGEST_INVALID'],
      ['GET', `/v2/${name}/manifests/${'t'.repeat(129)}`, 400, 'TAG_INVALID'],
      ['PUT', `/v2/${name}/manifests/.a`, 400, 'TAG_INVALID'],
      ['POST', '/v2/Upper/blobs/uploads/', 400, 'NAME_INVALID'],
    ];
    for (const [method, target, status, code] of cases) {
      const answer = await rawRequest(port, { method, target, body: '' });
      expect([target.slice(0, 60), answer.status]).toEqual([target.slice(0, 60), status]);
      expect(JSON.parse(Buffer.from(answer.body).toString()).errors[0].code).toBe(code);
    }
    const list = await fetch(`${url}/v2/${name}/tags/list?last=%00`);
    expect(await list.json()).toEqual({ name, tags: ['v1'] });
    const location = await startUpload(url, name);
    const refused = await fetch(url + location, {
      method: 'PATCH',
      body: 'x',
      headers: { 'Content-Range': 'abc' },
    });
    expect(await refusedWith(refused, 400)).toBe('BLOB_UPLOAD_INVALID');
    expect((await fetch(url + location)).status).toBe(204);
  });

  test('a manifest that is cut off by its client stores nothing', async () => {
    const { url, port, accessLines } = registry();
    const name = newName();
    const { manifest } = await pushImage(url, name);
    const connection = await RawConnection.open(port);
    const target = `/v2/${name}/manifests/cut`;
    const headers = [`Content-Type: ${OCI_MANIFEST}`];
    await connection.send(requestHead({ method: 'PUT', target, headers, length: manifest.length }));
    await connection.send(manifest.slice(0, 50));
    connection.cut();
    await until(
      () => accessLines.some((line) => line.path === target && line.status === 499),
      'the registry has seen that the client is gone',
    );
    expect((await fetch(url + target)).status).toBe(404);
  });

  test('If-None-Match knows lists and *, HEAD and GET agree, manifests have an ETag', async () => {
    const { url } = registry();
    const name = newName();
    const { digest } = await pushImage(url, name, { reference: 'v1' });
    const address = `${url}/v2/${name}/manifests/v1`;
    for (const list of ['*', `"${digest}"`, `"a", W/"${digest}"`]) {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(address, { method, headers: { 'If-None-Match': list } });
        expect([list, response.status]).toEqual([list, 304]);
        expect(response.headers.get('docker-content-digest')).toBe(digest);
        expect(response.headers.get('etag')).toBe(`"${digest}"`);
      }
    }
    const other = await fetch(address, { headers: { 'If-None-Match': '"a", "b"' } });
    expect(other.status).toBe(200);
    const failed = await fetch(address, { headers: { 'If-Match': '"a"' } });
    expect(await refusedWith(failed, 412)).toBe('PRECONDITION_FAILED');
  });

  test('a manifest comes without any Accept header', async () => {
    const { url, port } = registry();
    const name = newName();
    const { manifest } = await pushImage(url, name, { reference: 'v1' });
    const target = `/v2/${name}/manifests/v1`;
    const answer = await rawRequest(port, { method: 'GET', target });
    expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([200, manifest]);
  });

  test('a wrong Content-Range in the closing PUT is 416, an unknown session UNKNOWN', async () => {
    const { url } = registry();
    const name = newName();
    const location = await startUpload(url, name);
    await fetch(url + location, { method: 'PATCH', body: 'abc' });
    const closing = `${location}?digest=${digestOf('abcdef')}`;
    const headers = { 'Content-Range': '4-6' };
    const wrong = await fetch(url + closing, { method: 'PUT', body: 'def', headers });
    expect(locationOf(wrong)).toBe(location);
    expect(await refusedWith(wrong, 416)).toBe('RANGE_INVALID');
    const unknown = closing.replace(
      /uploads\/[^?]+/,
      'uploads/6e2a1d6a-0000-4000-8000-000000000000',
    );
    const gone = await fetch(url + unknown, { method: 'PUT', body: 'def' });
    expect(await refusedWith(gone, 404)).toBe('BLOB_UPLOAD_UNKNOWN');
  });

  test('/v2 answers without the slash, an absent layer is not a fault', async () => {
    const { url } = registry();
    for (const path of ['/v2', '/v2/']) {
      const response = await fetch(url + path);
      expect([response.status, await response.text()]).toEqual([
        401,
        expect.stringContaining('UNAUTHORIZED'),
      ]);
      const head = await fetch(url + path, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([
        401,
        expect.stringMatching(/^1\d\d$/),
      ]);
    }
    const name = newName();
    const { config } = await pushImage(url, name);
    const layers = [{ ...describeContent('x', 'a/b'), digest: 'sha256:../../x' }];
    const manifest = JSON.stringify({ schemaVersion: 2, config, layers });
    const refused = await putManifest(url, name, { reference: 'x', manifest });
    expect(await refusedWith(refused, 400)).toBe('MANIFEST_INVALID');
  });
});
