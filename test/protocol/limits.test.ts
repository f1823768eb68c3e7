// Every limit from outside: just inside it passes, just beyond it is a 4xx that says so. And clients that
// stall or crowd.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ManualTimer } from '../../src/http/suite-manual-timer.ts';
import { LIMITS } from '../../src/oci/limits.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { startAlteredHost } from './altered-host.ts';
import {
  type Described,
  describeContent,
  digestOf,
  errorCode,
  imageManifest,
  newName,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  putManifest,
  refusedWith,
  seededContent,
  startUpload,
} from './push.ts';
import { chunk, type RawAnswer, RawConnection, rawRequest, requestHead } from './raw-http.ts';
import { until } from './until.ts';

function codeOf(answer: RawAnswer): string {
  return errorCode(answer.headers.get('content-type'), Buffer.from(answer.body).toString());
}

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
});
afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

/** An image manifest of just `size` bytes. */
function manifestOfSize(image: { config: Described; layer: Described }, size: number): string {
  const text = (pad: number) =>
    imageManifest({
      config: image.config,
      layers: [image.layer],
      more: { 'x-pad': 'p'.repeat(pad) },
    });
  return text(size - text(0).length);
}

describe('manifests', () => {
  test('of 4 MiB pass, of one byte more are 413, announced or chunked', async () => {
    const { url, port } = registry;
    const name = newName();
    const image = await pushImage(url, name);
    const largest = manifestOfSize(image, LIMITS.manifestBytes);
    expect((await putManifest(url, name, { reference: 'large', manifest: largest })).status).toBe(
      201,
    );
    expect(await (await fetch(`${url}/v2/${name}/manifests/large`)).text()).toBe(largest);
    const manifest = `${largest} `;
    const announced = await putManifest(url, name, { reference: 'larger', manifest });
    expect(await refusedWith(announced, 413)).toBe('SIZE_TOO_LARGE');

    const connection = await RawConnection.open(port);
    const target = `/v2/${name}/manifests/larger`;
    const headers = ['Transfer-Encoding: chunked', `Content-Type: ${OCI_MANIFEST}`];
    await connection.send(requestHead({ method: 'PUT', target, headers }));
    await connection.send(Buffer.concat([chunk(manifest), chunk('')]));
    const answer = await connection.answer();
    expect([answer.status, codeOf(answer)]).toEqual([413, 'SIZE_TOO_LARGE']);
    await connection.send(requestHead({ method: 'GET', target: '/v2/' }));
    expect((await connection.answer()).status).toBe(401);
    connection.end();
  });

  test('naming too many parts, or nested too deep, or huge in one member, are MANIFEST_INVALID', async () => {
    const { url } = registry;
    const name = newName();
    const { config, layer } = await pushImage(url, name);
    const layers = (count: number) => Array.from({ length: count }, () => layer);
    const most = imageManifest({ config, layers: layers(LIMITS.manifestReferences - 1) });
    expect((await putManifest(url, name, { reference: 'most', manifest: most })).status).toBe(201);
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const withMember = (json: string) =>
      imageManifest({ config, layers: [layer] }).replace(/}$/, `,"x":${json}}`);
    const inside = withMember(deep(LIMITS.manifestJsonDepth - 1));
    expect((await putManifest(url, name, { reference: 'deep', manifest: inside })).status).toBe(
      201,
    );
    for (const manifest of [
      imageManifest({ config, layers: layers(LIMITS.manifestReferences) }),
      withMember(deep(LIMITS.manifestJsonDepth)),
      deep(2_000_000),
      '{"a":'.repeat(800_000),
      `"${'a'.repeat(4_000_000)}"`,
      '[0'.padEnd(4_000_000, ',0'),
      imageManifest({
        config: { ...config, mediaType: `a/${'b'.repeat(LIMITS.mediaTypeLength)}` },
        layers: [],
      }),
    ]) {
      const refused = await putManifest(url, name, { reference: 'refused', manifest });
      expect(await refusedWith(refused, 400)).toBe('MANIFEST_INVALID');
    }
  });

  test('may be indexes of indexes many levels deep: no walk over them grows without bound', async () => {
    const { url } = registry;
    const name = newName();
    const innermost = await pushImage(url, name);
    let children = [describeContent(innermost.manifest, OCI_MANIFEST)];
    for (let level = 0; level < 60; level++) {
      // Two ways from each level to the next: a walk that follows every way would take 2^60 steps.
      const ways = ['left', 'right'].map((way) =>
        JSON.stringify({ schemaVersion: 2, manifests: children, annotations: { way } }),
      );
      for (const index of ways) {
        const push = { reference: digestOf(index), manifest: index, type: OCI_INDEX };
        expect((await putManifest(url, name, push)).status).toBe(201);
      }
      children = ways.map((index) => describeContent(index, OCI_INDEX));
    }
    const manifest = JSON.stringify({ schemaVersion: 2, manifests: children });
    const outermost = { reference: 'deep', manifest, type: OCI_INDEX };
    expect((await putManifest(url, name, outermost)).status).toBe(201);
    const address = `${url}/v2/${name}/manifests/${innermost.digest}`;
    const refused = await fetch(address, { method: 'DELETE' });
    expect(await refusedWith(refused, 403)).toBe('DENIED');
  });

  test('take a hundred tags in one push and no more', async () => {
    const { url } = registry;
    const name = newName();
    const { manifest, digest } = await pushImage(url, name);
    const tags = (count: number) =>
      Array.from({ length: count }, (_, i) => `tag=${'t'.repeat(120)}${i}`);
    const push = (count: number) =>
      putManifest(url, name, { reference: `${digest}?${tags(count).join('&')}`, manifest });
    expect((await push(LIMITS.tagsPerPush)).status).toBe(201);
    expect(await refusedWith(await push(LIMITS.tagsPerPush + 1), 400)).toBe('TAG_INVALID');
  });
});

describe('addresses and headers', () => {
  test('an address beyond the limit is 414 in path and query alike', async () => {
    const { port } = registry;
    const base = '/v2/_catalog?last=';
    const fits = base + 'a'.repeat(LIMITS.urlLength - base.length);
    expect((await rawRequest(port, { method: 'GET', target: fits })).status).toBe(200);
    for (const target of [`${fits}a`, `/v2/${'a'.repeat(LIMITS.urlLength)}/tags/list`]) {
      const answer = await rawRequest(port, { method: 'GET', target });
      expect([answer.status, codeOf(answer)]).toEqual([414, 'URL_TOO_LONG']);
    }
  });

  test('a head that the server will not hold is 431 and ends the connection', async () => {
    const { port } = registry;
    const connection = await RawConnection.open(port);
    const headers = [`X-Long: ${'a'.repeat(64 * 1024)}`];
    await connection.send(requestHead({ method: 'GET', target: '/v2/', headers }));
    expect((await connection.answer()).status).toBe(431);
    await connection.closed();
    const fits = [`X-Long: ${'a'.repeat(20 * 1024)}`];
    const answer = await rawRequest(port, { method: 'GET', target: '/v2/', headers: fits });
    expect(answer.status).toBe(401);
  });

  test('headers and parameters that come twice are never taken as one of the two', async () => {
    const { url, port } = registry;
    const name = newName();
    const location = await startUpload(url, name);
    const twice = await rawRequest(port, {
      method: 'PATCH',
      target: location,
      headers: ['Content-Range: 0-2', 'Content-Range: 3-5'],
      body: 'abc',
    });
    expect([twice.status, codeOf(twice)]).toEqual([400, 'BLOB_UPLOAD_INVALID']);
    const { manifest } = await pushImage(url, name);
    const types = await rawRequest(port, {
      method: 'PUT',
      target: `/v2/${name}/manifests/v1`,
      headers: [`Content-Type: ${OCI_MANIFEST}`, `Content-Type: ${OCI_INDEX}`],
      body: manifest.replace(`"mediaType":"${OCI_MANIFEST}",`, ''),
    });
    // Two types are none: the shape of the manifest tells.
    expect(types.status).toBe(201);
    const stored = await fetch(`${url}/v2/${name}/manifests/v1`);
    expect(stored.headers.get('content-type')).toBe(OCI_MANIFEST);
    for (const headers of [
      ['Content-Length: 3', 'Content-Length: 4'],
      ['Content-Length: 3', 'Transfer-Encoding: chunked'],
      ['Content-Length: +3'],
      ['Content-Length: -3'],
      ['Content-Length: 3abc'],
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: gzip, chunked'],
    ]) {
      const connection = await RawConnection.open(port);
      await connection.send(requestHead({ method: 'PATCH', target: location, headers }));
      await connection.send('abc');
      expect((await connection.answer()).status).toBe(400);
      await connection.closed();
    }
    const status = await fetch(url + location);
    expect(status.headers.get('range')).toBe('0-0');
  });

  test('two digests in one closing PUT: one of them is checked, and it is the first', async () => {
    const { url } = registry;
    const name = newName();
    const location = await startUpload(url, name);
    const query = `digest=${digestOf('other')}&digest=${digestOf('abc')}`;
    const refused = await fetch(`${url}${location}?${query}`, { method: 'PUT', body: 'abc' });
    expect(await refusedWith(refused, 400)).toBe('DIGEST_INVALID');
  });
});

describe('uploads', () => {
  test('beyond the number at once are 429 with Retry-After, and keep what they had', async () => {
    const altered = startAlteredHost(registry, { concurrentUploads: 2 });
    const name = newName();
    const locations: string[] = [];
    for (let i = 0; i < 3; i++) locations.push(await startUpload(altered.url, name));
    const hanging: RawConnection[] = [];
    for (const target of locations.slice(0, 2)) {
      const connection = await RawConnection.open(altered.port);
      await connection.send(requestHead({ method: 'PATCH', target, length: 10 }));
      await connection.send('abcde');
      hanging.push(connection);
    }
    await until(() => altered.live.receiving === 2, 'two uploads are being received');
    const third = altered.url + locations[2];
    const refused = await fetch(third, { method: 'PATCH', body: 'abc' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refusedWith(refused, 429)).toBe('TOOMANYREQUESTS');
    for (const connection of hanging) {
      await connection.send('fghij');
      expect((await connection.answer()).status).toBe(202);
      connection.end();
    }
    expect((await fetch(third, { method: 'PATCH', body: 'abc' })).status).toBe(202);
    expect(altered.live.receiving).toBe(0);
    await altered.stop();
  });

  test('of a client that stalls end after the time without a byte, and can be resumed', async () => {
    const timer = new ManualTimer();
    const altered = startAlteredHost(registry, { timer });
    for (const [size, sent] of [
      [40_000, 39_000],
      [3_000_000, 2_000_000],
    ] as const) {
      const name = newName();
      const content = seededContent(size, name);
      const location = await startUpload(altered.url, name);
      const connection = await RawConnection.open(altered.port);
      await connection.send(requestHead({ method: 'PATCH', target: location, length: size }));
      await connection.send(content.subarray(0, sent));
      const id = location.split('/').at(-1) ?? '';
      await until(() => altered.live.isWriting(id) && timer.pending === 1, 'it is being received');
      // Until every byte has come: the clock must find the registry waiting for the client.
      const answered = connection.answer();
      let isAnswered = false;
      void answered.then(() => {
        isAnswered = true;
      });
      await until(() => {
        timer.advance(LIMITS.stallMs / 4);
        return isAnswered;
      }, 'the stalled request is ended');
      const answer = await answered;
      expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_INVALID']);
      await connection.closed();
      const status = await fetch(altered.url + location);
      // No bytes are 0-0, as one byte is. What came of a short body may be lost with its request.
      const last = Number(status.headers.get('range')?.split('-')[1]);
      const start = last === 0 ? 0 : last + 1;
      expect(start).toBeLessThanOrEqual(sent);
      const rest = await fetch(altered.url + location, {
        method: 'PATCH',
        body: content.slice(start),
        headers: { 'Content-Range': `${start}-${size - 1}` },
      });
      expect(rest.status).toBe(202);
      const closing = `${altered.url}${location}?digest=${digestOf(content)}`;
      expect((await fetch(closing, { method: 'PUT' })).status).toBe(201);
    }
    expect(timer.pending).toBe(0);
    await altered.stop();
  });

  test('of a client that sends byte by byte are only slow', async () => {
    const { url, port } = registry;
    const name = newName();
    const content = 'one byte at a time, and all of them count';
    const target = await startUpload(url, name);
    const connection = await RawConnection.open(port);
    const headers = ['Transfer-Encoding: chunked'];
    await connection.send(requestHead({ method: 'PATCH', target, headers }));
    for (const byte of content) await connection.send(chunk(byte));
    await connection.send(chunk(''));
    expect((await connection.answer()).headers.get('range')).toBe(`0-${content.length - 1}`);
    connection.end();
  });
});

test('a hundred thousand tags are paged through, each once, in order', async () => {
  const { url } = registry;
  const name = newName();
  const { manifest, digest } = await pushImage(url, name);
  const count = 100_000;
  const tagOf = (i: number) => `t${String(i).padStart(6, '0')}`;
  let next = 0;
  const push = async () => {
    while (next < count) {
      const from = next;
      next += LIMITS.tagsPerPush;
      const tags = Array.from({ length: LIMITS.tagsPerPush }, (_, i) => `tag=${tagOf(from + i)}`);
      const reference = `${digest}?${tags.join('&')}`;
      expect((await putManifest(url, name, { reference, manifest })).status).toBe(201);
    }
  };
  await Promise.all(Array.from({ length: 8 }, push));
  let path: string | undefined = `/v2/${name}/tags/list`;
  let seen = 0;
  let pages = 0;
  while (path !== undefined && pages < 20) {
    const response: Response = await fetch(url + path);
    const { tags } = (await response.json()) as { tags: string[] };
    expect(tags.length).toBeLessThanOrEqual(LIMITS.pageSize);
    for (const tag of tags) {
      if (tag !== tagOf(seen)) expect(tag).toBe(tagOf(seen));
      seen += 1;
    }
    pages += 1;
    path = /^<([^>]+)>/.exec(response.headers.get('link') ?? '')?.[1];
  }
  expect([seen, pages]).toEqual([count, count / LIMITS.pageSize]);
}, 120_000);
