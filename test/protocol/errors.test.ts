// What holds for every answer under /v2/: the form of errors, common headers, names, methods.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import {
  errorCode,
  newName,
  pushBlob,
  pushImage,
  putManifest,
  refusedWith,
  startUpload,
} from './push.ts';
import { type RawAnswer, RawConnection, rawRequest } from './raw-http.ts';

function codeOf(answer: RawAnswer): string {
  return errorCode(answer.headers.get('content-type'), Buffer.from(answer.body).toString());
}

onBothEngines('answers', ({ test, registry }) => {
  test('clients 34: every refusal is in the OCI form, with the request id and without a body for HEAD', async () => {
    const { port } = registry();
    const name = newName();
    const cases: [string, string, number, string][] = [
      ['GET', '/v2/nothing', 404, 'NAME_UNKNOWN'],
      ['GET', '/nothing', 404, 'NAME_UNKNOWN'],
      ['GET', `/v2/${name}/manifests/latest`, 404, 'NAME_UNKNOWN'],
      ['GET', `/v2/${name}/manifests/.a`, 400, 'TAG_INVALID'],
      ['GET', `/v2/${name}/blobs/sha256:1`, 400, 'DIGEST_INVALID'],
      ['GET', '/v2/UPPER/tags/list', 400, 'NAME_INVALID'],
      ['POST', `/v2/${name}/manifests/latest`, 405, 'UNSUPPORTED'],
      ['DELETE', '/v2/', 405, 'UNSUPPORTED'],
      ['PROPFIND', `/v2/${name}/tags/list`, 405, 'UNSUPPORTED'],
      ['OPTIONS', '/v2/', 405, 'UNSUPPORTED'],
      ['TRACE', '/v2/', 405, 'UNSUPPORTED'],
      ['POST', '/livez', 405, 'UNSUPPORTED'],
      ['DELETE', '/metrics', 405, 'UNSUPPORTED'],
    ];
    for (const [method, target, status, code] of cases) {
      const answer = await rawRequest(port, { method, target });
      expect([target, answer.status]).toEqual([target, status]);
      expect(codeOf(answer)).toBe(code);
      expect(Buffer.from(answer.body).toString()).toContain(
        `"requestId":"${answer.headers.get('x-request-id')}"`,
      );
      if (status === 405) expect(answer.headers.get('allow')).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
      if (method !== 'GET') continue;
      const head = await rawRequest(port, { method: 'HEAD', target });
      expect([head.status, head.body.length]).toEqual([status, 0]);
    }
  });

  test('clients 35: common headers stand on every answer, bodies run on no page', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, layer } = await pushImage(url, name, { reference: 'v1' });
    const location = await startUpload(url, name);
    for (const [method, path] of [
      ['GET', '/v2/'],
      ['GET', `/v2/${name}/manifests/${digest}`],
      ['HEAD', `/v2/${name}/manifests/v1`],
      ['GET', `/v2/${name}/blobs/${layer.digest}`],
      ['GET', `/v2/${name}/tags/list`],
      ['GET', '/v2/_catalog'],
      ['GET', `/v2/${name}/referrers/${digest}`],
      ['GET', location],
      ['POST', `/v2/${name}/blobs/uploads/`],
      ['GET', '/v2/none/tags/list'],
      ['PUT', '/v2/'],
    ] as const) {
      const response = await fetch(url + path, { method });
      const { headers } = response;
      expect(headers.get('docker-distribution-api-version')).toBe('registry/2.0');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
      expect(headers.get('content-disposition')).toBe('attachment');
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-z-]+$/);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('set-cookie')).toBeNull();
    }
  });

  test('clients 35: a manifest of a media type outside application/ is MANIFEST_INVALID', async () => {
    const { url } = registry();
    const name = newName();
    const { config, layer } = await pushImage(url, name);
    const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [layer] });
    const push = { reference: 'page', manifest, type: 'text/html' };
    expect(await refusedWith(await putManifest(url, name, push), 400)).toBe('MANIFEST_INVALID');
  });

  test('clients 36: names of any depth, tags of 128 characters, nothing beyond', async () => {
    const { url } = registry();
    const deep = Array.from({ length: 127 }, () => 'a').join('/');
    for (const name of [deep, 'a'.repeat(255), 'a.b_c__d-e--f/0', 'x/tags', 'x/blobs/uploads']) {
      await pushImage(url, name, { reference: 'T'.repeat(128) });
      const list = await (await fetch(`${url}/v2/${name}/tags/list`)).json();
      expect(list).toEqual({ name, tags: ['T'.repeat(128)] });
    }
    for (const name of [
      'a'.repeat(256),
      'A',
      'a/',
      '-a',
      'a..b',
      'a___b',
      'a//b',
      'ä',
      `${deep}/aa`,
    ]) {
      const refused = await fetch(`${url}/v2/${name}/tags/list`);
      expect(await refusedWith(refused, 400)).toBe('NAME_INVALID');
    }
    for (const tag of ['.a', '-a', 'T'.repeat(129), 'a%20b', 'a%00']) {
      const refused = await fetch(`${url}/v2/${deep}/manifests/${tag}`);
      expect(await refusedWith(refused, 400)).toBe('TAG_INVALID');
    }
  });

  test('clients 36: a repository may be called as a part of an address is', async () => {
    const { url } = registry();
    for (const name of [
      'x/tags/list',
      'x/manifests/v1',
      'manifests',
      'x/referrers',
      'blobs/uploads/a',
    ]) {
      const { manifest } = await pushImage(url, name, { reference: 'list' });
      expect(await (await fetch(`${url}/v2/${name}/manifests/list`)).text()).toBe(manifest);
      expect((await fetch(await startUpload(url, name).then((at) => url + at))).status).toBe(204);
    }
  });

  test('clients 37: ns= changes nothing and is answered by OCI-Namespace', async () => {
    const { url } = registry();
    const name = newName();
    const { digest, manifest } = await pushImage(url, name, { reference: 'v1' });
    const blob = await pushBlob(url, name, 'with ns');
    for (const path of [`manifests/v1`, `manifests/${digest}`, `blobs/${blob}`]) {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(`${url}/v2/${name}/${path}?ns=docker.io`, { method });
        expect(response.status).toBe(200);
        expect(response.headers.get('oci-namespace')).toBe('docker.io');
      }
    }
    const plain = await fetch(`${url}/v2/${name}/manifests/v1`);
    expect(plain.headers.get('oci-namespace')).toBeNull();
    expect(await plain.text()).toBe(manifest);
    const odd = await fetch(`${url}/v2/${name}/manifests/v1?ns=a%0d%0aX-Evil:%201`);
    expect([odd.status, odd.headers.get('oci-namespace'), odd.headers.get('x-evil')]).toEqual([
      200,
      null,
      null,
    ]);
  });

  test('clients 22: a registry with local files answers itself and sends nobody elsewhere', async () => {
    const { url } = registry();
    const name = newName();
    const digest = await pushBlob(url, name, new Uint8Array(100_000));
    const address = `${url}/v2/${name}/blobs/${digest}`;
    const response = await fetch(address, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([200, null]);
    expect(response.headers.get('docker-content-digest')).toBe(digest);
  });

  test('HTTP/1.0 without a Host, and several requests on one connection', async () => {
    const { port } = registry();
    const old = await RawConnection.open(port);
    await old.send('GET /v2/_catalog HTTP/1.0\r\n\r\n');
    const answer = await old.answer();
    expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([
      200,
      expect.stringContaining('repositories'),
    ]);
    old.cut();
    const kept = await RawConnection.open(port);
    for (let i = 0; i < 3; i++) {
      await kept.send('GET /v2/_catalog HTTP/1.1\r\nHost: x\r\n\r\n');
      expect((await kept.answer()).status).toBe(200);
    }
    await kept.send(
      'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/_catalog HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    expect((await kept.answer()).status).toBe(401);
    expect((await kept.answer()).status).toBe(200);
    kept.end();
  });
});
