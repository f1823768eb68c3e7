// Blobs on their way out, over the wire. Each is tried small (in the database) and large (a file).
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import { digestOf, newName, pushBlob, refusedWith, seededContent } from './push.ts';
import { RawConnection, rawRequest, requestHead } from './raw-http.ts';

const SIZES = [1_000, 300_000];

interface HeldBlob {
  readonly url: string;
  readonly target: string;
  readonly content: Uint8Array;
  readonly digest: string;
  readonly etag: string;
}

onBothEngines('blobs', ({ test, registry }) => {
  async function eachSize(check: (blob: HeldBlob) => Promise<void>): Promise<void> {
    const { url } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const digest = await pushBlob(url, name, content);
      const target = `/v2/${name}/blobs/${digest}`;
      await check({ url, target, content, digest, etag: `"${digest}"` });
    }
  }

  test('clients 20: HEAD says the length and that ranges are served, as GET does', async () => {
    await eachSize(async ({ url, target, content, digest, etag }) => {
      for (const method of ['HEAD', 'GET']) {
        const response = await fetch(url + target, { method });
        expect(response.status).toBe(200);
        expect(response.headers.get('content-length')).toBe(String(content.length));
        expect(response.headers.get('accept-ranges')).toBe('bytes');
        expect(response.headers.get('content-type')).toBe('application/octet-stream');
        expect(response.headers.get('docker-content-digest')).toBe(digest);
        expect(response.headers.get('etag')).toBe(etag);
        expect(response.headers.get('content-disposition')).toBe('attachment');
        const body = await response.bytes();
        if (method === 'GET') expect(Buffer.from(content).equals(body)).toBe(true);
      }
    });
  });

  test('clients 20: the empty blob, and a blob of sha512', async () => {
    const { url, port } = registry();
    const name = newName();
    await pushBlob(url, name, '');
    const target = `/v2/${name}/blobs/${digestOf('')}`;
    const head = await rawRequest(port, { method: 'HEAD', target });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '0']);
    const ranged = await fetch(url + target, { headers: { Range: 'bytes=0-9' } });
    expect([ranged.status, await ranged.text()]).toEqual([200, '']);
    const digest = digestOf('long hash', 'sha512');
    const pushed = await fetch(`${url}/v2/${name}/blobs/uploads/?digest=${digest}`, {
      method: 'POST',
      body: 'long hash',
    });
    expect(pushed.status).toBe(201);
    const pulled = await fetch(`${url}/v2/${name}/blobs/${digest}`);
    expect(await pulled.text()).toBe('long hash');
  });

  test('clients 21: one range is 206 with its bytes: from-to, open, suffix', async () => {
    await eachSize(async ({ url, target, content }) => {
      const size = content.length;
      const cases: [string, number, number][] = [
        ['bytes=0-0', 0, 0],
        ['bytes=10-99', 10, 99],
        [`bytes=${size - 1}-`, size - 1, size - 1],
        ['bytes=0-', 0, size - 1],
        ['bytes=-7', size - 7, size - 1],
        [`bytes=-${size * 2}`, 0, size - 1],
        [`bytes=5-${size * 2}`, 5, size - 1],
      ];
      for (const [range, start, end] of cases) {
        const response = await fetch(url + target, { headers: { Range: range } });
        expect([range, response.status]).toEqual([range, 206]);
        expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${size}`);
        expect(response.headers.get('content-length')).toBe(String(end - start + 1));
        const body = await response.bytes();
        expect(Buffer.from(content.subarray(start, end + 1)).equals(body)).toBe(true);
      }
    });
  });

  test('clients 21: beyond the end is 416 with the size; what is no range is the whole', async () => {
    await eachSize(async ({ url, target, content }) => {
      for (const range of [`bytes=${content.length}-`, 'bytes=9999999999999999999-', 'bytes=-0']) {
        const refused = await fetch(url + target, { headers: { Range: range } });
        expect(refused.headers.get('content-range')).toBe(`bytes */${content.length}`);
        expect(await refusedWith(refused, 416)).toBe('RANGE_INVALID');
      }
      for (const range of ['bytes=abc', 'lines=0-1', 'bytes=', 'bytes=--1']) {
        const response = await fetch(url + target, { headers: { Range: range } });
        expect([range, response.status]).toEqual([range, 200]);
        expect((await response.bytes()).length).toBe(content.length);
      }
      const head = await fetch(url + target, { method: 'HEAD', headers: { Range: 'bytes=0-1' } });
      expect([head.status, head.headers.get('content-length')]).toEqual([
        200,
        String(content.length),
      ]);
    });
  });

  test('clients 21: several ranges are multipart/byteranges, each with its own bytes', async () => {
    await eachSize(async ({ url, target, content }) => {
      const headers = { Range: 'bytes=0-9,100-199,-5' };
      const response = await fetch(url + target, { headers });
      expect(response.status).toBe(206);
      const type = response.headers.get('content-type') ?? '';
      const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(type)?.[1] ?? 'none';
      const size = content.length;
      const wanted = [
        [0, 9],
        [100, 199],
        [size - 5, size - 1],
      ] as const;
      const body = Buffer.from(await response.bytes());
      const expected = wanted.map(([start, end]) =>
        Buffer.concat([
          Buffer.from(
            `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
          ),
          content.subarray(start, end + 1),
        ]),
      );
      const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
      expect(body.equals(Buffer.concat([...expected, tail]))).toBe(true);
    });
  });

  test('clients 21: two Range lines are one list of ranges, or ignored: never the first alone', async () => {
    await eachSize(async (blob) => {
      const { port } = registry();
      const headers = ['Range: bytes=0-1', 'Range: bytes=2-3'];
      const { target } = blob;
      const answer = await rawRequest(port, { method: 'GET', target, headers });
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBe(blob.content.length);
    });
  });

  test('clients 21: containerd closes a download early, and the registry goes on', async () => {
    const { url, port } = registry();
    const name = newName();
    const content = seededContent(8_000_000, name);
    const target = `/v2/${name}/blobs/${await pushBlob(url, name, content)}`;
    for (let i = 0; i < 20; i++) {
      const connection = await RawConnection.open(port);
      const headers = [`Range: bytes=${i * 1000}-`];
      await connection.send(requestHead({ method: 'GET', target, headers }));
      await connection.someBytes();
      connection.cut();
    }
    const whole = await fetch(url + target);
    expect(digestOf(await whole.bytes())).toBe(digestOf(content));
  });

  test('clients 21: bytes are never encoded on their way', async () => {
    await eachSize(async ({ url, target, content, digest }) => {
      const headers = { 'Accept-Encoding': 'zstd, gzip, deflate, br' };
      const response = await fetch(url + target, { headers, decompress: false });
      expect(response.headers.get('content-encoding')).toBeNull();
      const body = await response.bytes();
      expect([body.length, digestOf(body)]).toEqual([content.length, digest]);
    });
  });

  test('a condition: If-None-Match is 304 without a body, If-Match 412, If-Range the whole', async () => {
    await eachSize(async ({ url, target, content, etag }) => {
      const get = (headers: Record<string, string>, method = 'GET') =>
        fetch(url + target, { method, headers });
      for (const list of [etag, '*', `"other", ${etag}`, `W/${etag}`]) {
        for (const method of ['GET', 'HEAD']) {
          const response = await get({ 'If-None-Match': list }, method);
          expect([list, response.status]).toEqual([list, 304]);
          expect(response.headers.get('etag')).toBe(etag);
          expect(await response.text()).toBe('');
        }
      }
      for (const method of ['GET', 'HEAD']) {
        const headers = [`If-None-Match: ${etag}`];
        const raw = await rawRequest(registry().port, { method, target, headers });
        // RFC 9110 §8.6: a cache would take a length of 0 for that of the blob.
        expect([raw.status, raw.headers.get('content-length')]).toEqual([304, undefined]);
      }
      expect((await get({ 'If-None-Match': '"other"' })).status).toBe(200);
      const refused = await get({ 'If-Match': '"other"' });
      expect(await refusedWith(refused, 412)).toBe('PRECONDITION_FAILED');
      expect((await get({ 'If-Range': etag, Range: 'bytes=0-1' })).status).toBe(206);
      const stale = await get({ 'If-Range': '"other"', Range: 'bytes=0-1' });
      expect([stale.status, (await stale.bytes()).length]).toEqual([200, content.length]);
    });
  });

  test('a deleted blob is gone, and absent ones are 404 for HEAD too', async () => {
    await eachSize(async ({ url, target }) => {
      expect((await fetch(url + target, { method: 'DELETE' })).status).toBe(202);
      expect(await refusedWith(await fetch(url + target), 404)).toBe('BLOB_UNKNOWN');
      const head = await fetch(url + target, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([404, '']);
      expect((await fetch(url + target, { method: 'DELETE' })).status).toBe(404);
    });
    const unknown = await fetch(`${registry().url}/v2/${newName()}/blobs/${digestOf('x')}`);
    expect(await refusedWith(unknown, 404)).toBe('NAME_UNKNOWN');
  });

  test('a blob of one repository is not there in another', async () => {
    await eachSize(async ({ url, digest }) => {
      const other = newName();
      await pushBlob(url, other, 'something else');
      const response = await fetch(`${url}/v2/${other}/blobs/${digest}`);
      expect(await refusedWith(response, 404)).toBe('BLOB_UNKNOWN');
    });
  });
});
