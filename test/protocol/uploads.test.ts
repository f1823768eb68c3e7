// Uploads over the wire: how clients send a blob, in every way that one of them does.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import {
  digestOf,
  locationOf,
  newName,
  pushBlob,
  refusedWith,
  seededContent,
  startUpload,
} from './push.ts';
import { chunk, RawConnection, rawRequest, requestHead } from './raw-http.ts';

const SIZES = [1_000, 300_000];

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;
}

onBothEngines('uploads', ({ test, registry }) => {
  async function expectBlob(name: string, content: Uint8Array): Promise<void> {
    const response = await fetch(`${registry().url}/v2/${name}/blobs/${digestOf(content)}`);
    expect(response.status).toBe(200);
    expect(digestOf(await response.bytes())).toBe(digestOf(content));
  }

  function finish(location: string, content: Uint8Array): Promise<Response> {
    const { url } = registry();
    return fetch(url + withDigest(location, digestOf(content)), { method: 'PUT' });
  }

  test('clients 23: POST starts an upload, with or without a slash, whatever its type', async () => {
    const { port } = registry();
    const name = newName();
    for (const slash of ['', '/']) {
      for (const headers of [[], ['Content-Type: application/json'], ['Content-Type: ???']]) {
        const target = `/v2/${name}/blobs/uploads${slash}`;
        const answer = await rawRequest(port, { method: 'POST', target, headers, length: 0 });
        expect(answer.status).toBe(202);
        expect(answer.headers.get('range')).toBe('0-0');
        expect(answer.headers.get('content-length')).toBe('0');
        const id = answer.headers.get('docker-upload-uuid');
        expect(answer.headers.get('location')).toBe(`/v2/${name}/blobs/uploads/${id}`);
      }
    }
  });

  test('clients 24: the Location is relative, whatever a client claims about proxies', async () => {
    const { port } = registry();
    const target = `/v2/${newName()}/blobs/uploads/`;
    const headers = ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: gopher'];
    const answer = await rawRequest(port, { method: 'POST', target, headers, length: 0 });
    expect(answer.headers.get('location')?.startsWith('/v2/')).toBe(true);
  });

  test('clients 25: the digest may stand anywhere in the query of the Location', async () => {
    const { url } = registry();
    const name = newName();
    for (const query of ['_state=x&digest=D', 'digest=D&_state=x', 'a=1&a=2&digest=D&b']) {
      const content = seededContent(100, query);
      const location = await startUpload(url, name);
      const full = query.replace('D', encodeURIComponent(digestOf(content)));
      const response = await fetch(`${url}${location}?${full}`, { method: 'PUT', body: content });
      expect(response.status).toBe(201);
      await expectBlob(name, content);
    }
  });

  test('clients 26: POST, then PUT with the whole blob; or one POST', async () => {
    const { url } = registry();
    for (const size of [0, ...SIZES]) {
      const name = newName();
      const content = seededContent(size, name);
      const location = await startUpload(url, name);
      const address = url + withDigest(location, digestOf(content));
      expect((await fetch(address, { method: 'PUT', body: content })).status).toBe(201);
      await expectBlob(name, content);
      const other = newName();
      await pushBlob(url, other, content);
      await expectBlob(other, content);
    }
  });

  test('clients 26: one PATCH without a length, then an empty PUT: docker', async () => {
    const { port } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const target = await startUpload(registry().url, name);
      const connection = await RawConnection.open(port);
      const headers = ['Transfer-Encoding: chunked', 'Content-Type: application/octet-stream'];
      await connection.send(requestHead({ method: 'PATCH', target, headers }));
      for (let at = 0; at < size; at += 7_919) {
        await connection.send(chunk(content.subarray(at, at + 7_919)));
      }
      await connection.send(chunk(''));
      const patched = await connection.answer();
      expect(patched.status).toBe(202);
      expect(patched.headers.get('range')).toBe(`0-${size - 1}`);
      const location = patched.headers.get('location') ?? '';
      const put = { method: 'PUT', target: withDigest(location, digestOf(content)), length: 0 };
      await connection.send(requestHead(put));
      expect((await connection.answer()).status).toBe(201);
      connection.end();
      await expectBlob(name, content);
    }
  });

  test('clients 26: a PUT with the last bytes, chunked or of a length: 201', async () => {
    const { port } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const target = withDigest(await startUpload(registry().url, name), digestOf(content));
      const connection = await RawConnection.open(port);
      const headers = ['Transfer-Encoding: chunked'];
      await connection.send(requestHead({ method: 'PUT', target, headers }));
      await connection.send(Buffer.concat([chunk(content), chunk('')]));
      expect((await connection.answer()).status).toBe(201);
      connection.end();
      await expectBlob(name, content);
    }
  });

  test('clients 26: PATCH by PATCH with Content-Range in each spelling, the last in the PUT', async () => {
    const { url } = registry();
    for (const part of [400, 100_000]) {
      const name = newName();
      const content = seededContent(part * 4, name);
      let location = await startUpload(url, name);
      const spell = [
        (start: number, end: number) => `${start}-${end}`,
        (start: number, end: number) => `bytes ${start}-${end}/*`,
        (start: number, end: number) => `bytes=${start}-${end}`,
      ];
      for (const [index, write] of spell.entries()) {
        const start = index * part;
        const response = await fetch(url + location, {
          method: 'PATCH',
          body: content.slice(start, start + part),
          headers: { 'Content-Range': write(start, start + part - 1) },
        });
        expect(response.status).toBe(202);
        expect(response.headers.get('range')).toBe(`0-${start + part - 1}`);
        location = locationOf(response);
      }
      const response = await fetch(url + withDigest(location, digestOf(content)), {
        method: 'PUT',
        body: content.slice(3 * part),
        headers: { 'Content-Range': `${3 * part}-${4 * part - 1}` },
      });
      expect(response.status).toBe(201);
      await expectBlob(name, content);
    }
  });

  test('clients 27: a wrong offset is 416 with the place, the upload lives on; also in the PUT', async () => {
    const { url } = registry();
    for (const part of [400, 100_000]) {
      const name = newName();
      const content = seededContent(part * 2, name);
      const location = await startUpload(url, name);
      await fetch(url + location, { method: 'PATCH', body: content.slice(0, part) });
      const last = withDigest(location, digestOf(content));
      for (const [method, start] of [
        ['PATCH', part + 1],
        ['PATCH', 0],
        ['PATCH', part - 1],
        ['PUT', part * 2],
        ['PUT', 0],
      ] as const) {
        const refused = await fetch(url + (method === 'PUT' ? last : location), {
          method,
          body: content.slice(part),
          headers: { 'Content-Range': `${start}-${start + part - 1}` },
        });
        expect(refused.headers.get('location')).toBe(location);
        expect(refused.headers.get('range')).toBe(`0-${part - 1}`);
        expect(await refusedWith(refused, 416)).toBe('RANGE_INVALID');
      }
      const status = await fetch(url + location);
      expect([status.status, status.headers.get('range')]).toEqual([204, `0-${part - 1}`]);
      const asked = { method: 'HEAD', target: location };
      const head = await rawRequest(registry().port, asked);
      expect([head.status, head.headers.get('range')]).toEqual([204, `0-${part - 1}`]);
      // RFC 9110 §8.6: a 204 has no length.
      expect(head.headers.get('content-length')).toBeUndefined();
      expect(status.headers.get('location')).toBe(location);
      const done = await fetch(url + last, { method: 'PUT', body: content.slice(part) });
      expect(done.status).toBe(201);
      await expectBlob(name, content);
    }
  });

  test('clients 27: only an unknown, finished or cancelled upload is BLOB_UPLOAD_UNKNOWN', async () => {
    const { url } = registry();
    const name = newName();
    const content = seededContent(100, name);
    const finished = await startUpload(url, name);
    const done = url + withDigest(finished, digestOf(content));
    expect((await fetch(done, { method: 'PUT', body: content })).status).toBe(201);
    const cancelled = await startUpload(url, name);
    expect((await fetch(url + cancelled, { method: 'DELETE' })).status).toBe(204);
    const elsewhere = (await startUpload(url, newName())).split('/').at(-1);
    const ids = [finished, cancelled].map((path) => path.split('/').at(-1));
    for (const id of [...ids, elsewhere, 'never-given', 'UPPER', '%00', '..%2f..%2fx']) {
      const location = `${url}/v2/${name}/blobs/uploads/${id}`;
      for (const [address, method] of [
        [location, 'GET'],
        [location, 'PATCH'],
        [location, 'DELETE'],
        [withDigest(location, digestOf(content)), 'PUT'],
      ] as const) {
        const body = method === 'PATCH' || method === 'PUT' ? content : null;
        const refused = await fetch(address, { method, body });
        expect(await refusedWith(refused, 404)).toBe('BLOB_UPLOAD_UNKNOWN');
      }
    }
  });

  test('clients 28: 201 with the place of the blob; a mismatch drops what came', async () => {
    const { url } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const location = await startUpload(url, name);
      const wrong = url + withDigest(location, digestOf('something else'));
      const refused = await fetch(wrong, { method: 'PUT', body: content });
      expect(await refusedWith(refused, 400)).toBe('DIGEST_INVALID');
      expect((await fetch(url + location)).status).toBe(404);
      expect((await fetch(`${url}/v2/${name}/blobs/${digestOf(content)}`)).status).toBe(404);

      const again = await startUpload(url, name);
      await fetch(url + again, { method: 'PATCH', body: content });
      const done = await finish(again, content);
      expect(done.status).toBe(201);
      expect(done.headers.get('docker-content-digest')).toBe(digestOf(content));
      expect(locationOf(done)).toBe(`/v2/${name}/blobs/${digestOf(content)}`);
      await expectBlob(name, content);
    }
  });

  test('clients 28: a PUT without a digest or with a bad one leaves the upload as it was', async () => {
    const { url } = registry();
    const name = newName();
    const content = seededContent(1_000, name);
    const location = await startUpload(url, name);
    await fetch(url + location, { method: 'PATCH', body: content });
    for (const query of ['', '?digest=', '?digest=sha256:abc', '?digest=md5:abc', '?digest=%00']) {
      const refused = await fetch(url + location + query, { method: 'PUT' });
      expect(await refusedWith(refused, 400)).toBe('DIGEST_INVALID');
    }
    expect((await finish(location, content)).status).toBe(201);
  });

  test('clients 28: many uploads of one blob at once all succeed', async () => {
    const { url } = registry();
    for (const size of SIZES) {
      const names = Array.from({ length: 8 }, (_, i) => (i < 4 ? 'protocol/shared' : newName()));
      const content = seededContent(size, `shared ${size} ${newName()}`);
      await Promise.all(
        names.map(async (name) => {
          const location = await startUpload(url, name);
          await fetch(url + location, { method: 'PATCH', body: content });
          expect((await finish(location, content)).status).toBe(201);
        }),
      );
      for (const name of names) await expectBlob(name, content);
    }
  });

  test('clients 29: a mount is 201 with the digest, a miss an upload with a hint', async () => {
    const { url } = registry();
    for (const size of SIZES) {
      const [from, to] = [newName(), newName()];
      const content = seededContent(size, from);
      const digest = await pushBlob(url, from, content);
      const mount = (name: string, query: string) =>
        fetch(`${url}/v2/${name}/blobs/uploads/?mount=${query}`, { method: 'POST' });
      const mounted = await mount(to, `${digest}&from=${from}`);
      expect(mounted.status).toBe(201);
      expect(mounted.headers.get('docker-content-digest')).toBe(digest);
      expect(locationOf(mounted)).toBe(`/v2/${to}/blobs/${digest}`);
      await expectBlob(to, content);
      expect((await mount(newName(), digest)).status).toBe(201);

      const absent = digestOf(`absent ${size}`);
      for (const query of [
        `${absent}&from=${from}`,
        `${digest}&from=no/such`,
        `${digest}&from=UPPER`,
        `${digest}&from=..%2f..`,
        `${digest}&from=`,
      ]) {
        const missed = await mount(to, query);
        expect([query, missed.status]).toEqual([query, 202]);
        expect(missed.headers.get('warning')).toContain('299 - "The blob could not be mounted');
        expect((await fetch(url + locationOf(missed))).status).toBe(204);
      }
      const anywhere = await mount(to, absent);
      expect([anywhere.status, anywhere.headers.get('warning')]).toEqual([202, null]);
      expect(await refusedWith(await mount(to, 'sha256:abc'), 400)).toBe('DIGEST_INVALID');
    }
  });

  test('clients 30: Expect: 100-continue is answered before the body is sent', async () => {
    const { port, url } = registry();
    const name = newName();
    const content = seededContent(50_000, name);
    const connection = await RawConnection.open(port);
    const target = withDigest(await startUpload(url, name), digestOf(content));
    const headers = ['Expect: 100-continue'];
    await connection.send(requestHead({ method: 'PUT', target, headers, length: content.length }));
    expect((await connection.answer()).status).toBe(100);
    await connection.send(content);
    expect((await connection.answer()).status).toBe(201);
    connection.end();
  });

  test('a blob of sha512, also when the upload was started for another algorithm', async () => {
    const { url } = registry();
    for (const size of SIZES) {
      for (const query of ['', '?digest-algorithm=sha512', '?digest-algorithm=sha256']) {
        const name = newName();
        const content = seededContent(size, name + query);
        const digest = digestOf(content, 'sha512');
        const begun = await fetch(`${url}/v2/${name}/blobs/uploads/${query}`, { method: 'POST' });
        const location = locationOf(begun);
        await fetch(url + location, { method: 'PATCH', body: content });
        const done = await fetch(url + withDigest(location, digest), { method: 'PUT' });
        expect(done.status).toBe(201);
        expect((await fetch(`${url}/v2/${name}/blobs/${digest}`)).status).toBe(200);
      }
    }
    const refused = await fetch(`${url}/v2/${newName()}/blobs/uploads/?digest-algorithm=md5`, {
      method: 'POST',
    });
    expect(await refusedWith(refused, 400)).toBe('DIGEST_INVALID');
  });

  test('a cancelled upload is gone at once', async () => {
    const { url } = registry();
    const name = newName();
    const location = await startUpload(url, name);
    await fetch(url + location, { method: 'PATCH', body: seededContent(300_000, name) });
    expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(url + location)).status).toBe(404);
    expect((await finish(location, new Uint8Array())).status).toBe(404);
  });
});
