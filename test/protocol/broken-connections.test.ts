// Connections that break, stall or hang while bytes move, and nodes that take over from each other.
import { expect } from 'bun:test';
import { startTestRegistry } from '../support/entrepot.ts';
import { onBothEngines } from './engines.ts';
import { digestOf, newName, seededContent, startUpload } from './push.ts';
import { chunk, RawConnection, requestHead } from './raw-http.ts';
import { until } from './until.ts';

/** Bytes held, as the registry tells. */
async function held(url: string, location: string): Promise<number> {
  const response = await fetch(url + location);
  expect(response.status).toBe(204);
  const last = Number(/^0-(\d+)$/.exec(response.headers.get('range') ?? '')?.[1]);
  return last === 0 ? 0 : last + 1;
}

/** Goes on with an upload as a client does that has lost its connection: ask, send the rest, ask again. */
async function resume(url: string, location: string, content: Uint8Array): Promise<number> {
  for (let tries = 1; tries <= 5; tries++) {
    const start = await held(url, location);
    const response = await fetch(url + location, {
      method: 'PATCH',
      body: content.slice(start),
      headers: { 'Content-Range': `${start}-${content.length - 1}` },
    });
    if (response.status === 202) return tries;
    expect(response.status).toBe(416);
  }
  throw new Error('the upload could not be resumed');
}

async function finishes(url: string, location: string, content: Uint8Array): Promise<void> {
  const digest = digestOf(content);
  const done = await fetch(`${url}${location}?digest=${digest}`, { method: 'PUT' });
  expect(done.status).toBe(201);
  const name = /^\/v2\/(.+)\/blobs\/uploads\//.exec(location)?.[1];
  const blob = await fetch(`${url}/v2/${name}/blobs/${digest}`);
  expect(digestOf(await blob.bytes())).toBe(digest);
}

const SIZES = [20_000, 3_000_000];

onBothEngines('broken connections', ({ test, registry }) => {
  const gone = (location: string) =>
    registry().accessLines.some((line) => line.path === location && line.status === 499);

  for (const how of ['of a known length', 'chunked'] as const) {
    test(`clients 27: a PATCH ${how} that is cut off can be resumed where it broke`, async () => {
      const { url, port } = registry();
      for (const size of SIZES) {
        const name = newName();
        const content = seededContent(size, name);
        const location = await startUpload(url, name);
        const connection = await RawConnection.open(port);
        const sent = content.subarray(0, size / 2);
        const patch = { method: 'PATCH', target: location };
        if (how === 'chunked') {
          const headers = ['Transfer-Encoding: chunked'];
          await connection.send(requestHead({ ...patch, headers }));
          await connection.send(chunk(sent));
        } else {
          await connection.send(requestHead({ ...patch, length: size }));
          await connection.send(sent);
        }
        connection.cut();
        await until(() => gone(location), 'the registry has seen that the client is gone');
        await resume(url, location, content);
        await finishes(url, location, content);
      }
    });
  }

  test('clients 27: a PUT that is cut off leaves an upload to resume, and no blob', async () => {
    const { url, port } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const location = await startUpload(url, name);
      const connection = await RawConnection.open(port);
      const target = `${location}?digest=${digestOf(content)}`;
      await connection.send(requestHead({ method: 'PUT', target, length: size }));
      await connection.send(content.subarray(0, size / 2));
      connection.cut();
      await until(() => gone(location), 'the registry has seen that the client is gone');
      const blob = await fetch(`${url}/v2/${name}/blobs/${digestOf(content)}`);
      expect(blob.status).toBe(404);
      await resume(url, location, content);
      await finishes(url, location, content);
    }
  });

  test('clients 27: a newer request takes over from one that hangs, which can append no more', async () => {
    const { url, port } = registry();
    for (const size of SIZES) {
      const name = newName();
      const content = seededContent(size, name);
      const location = await startUpload(url, name);
      const hanging = await RawConnection.open(port);
      await hanging.send(requestHead({ method: 'PATCH', target: location, length: size }));
      await hanging.send(content.subarray(0, size / 2));
      const { live } = registry().program.answer.v2.upload;
      const id = location.split('/').at(-1) ?? '';
      await until(() => live.isWriting(id), 'the first request is being received');

      // Without a Content-Range nothing says that the newer one knows where it stands.
      const blind = await fetch(url + location, { method: 'PATCH', body: content });
      expect(blind.status).toBe(416);

      await resume(url, location, content);
      const overtaken = await hanging.answer();
      expect(overtaken.status).toBe(416);
      expect(overtaken.headers.get('connection')).toBe('close');
      await hanging.send(content.subarray(size / 2)).catch(() => {});
      await hanging.closed();
      expect(await held(url, location)).toBe(size);
      await finishes(url, location, content);
    }
  });

  test('a cancel ends the request that is writing', async () => {
    const { url, port } = registry();
    const name = newName();
    const location = await startUpload(url, name);
    const hanging = await RawConnection.open(port);
    await hanging.send(requestHead({ method: 'PATCH', target: location, length: 1_000_000 }));
    await hanging.send(seededContent(400_000, name));
    const { live } = registry().program.answer.v2.upload;
    const id = location.split('/').at(-1) ?? '';
    await until(() => live.isWriting(id), 'the first request is being received');
    expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(204);
    // 416 when it still finds the upload while it is being cancelled.
    expect([404, 416]).toContain((await hanging.answer()).status);
    hanging.cut();
    expect((await fetch(url + location)).status).toBe(404);
  });

  test('an announced length that is too long or too short for what comes', async () => {
    const { url, port } = registry();
    const name = newName();
    const content = seededContent(1_000, name);
    const location = await startUpload(url, name);
    const short = await RawConnection.open(port);
    await short.send(requestHead({ method: 'PATCH', target: location, length: 400 }));
    await short.send(content.subarray(0, 500));
    // What comes beyond the length is no request: 400 or 505, before or after the answer to what came within.
    const first = await short.answer();
    const last = first.status === 202 ? await short.answer() : first;
    expect([400, 505]).toContain(last.status);
    await short.closed();
    const isEnded = () =>
      registry().accessLines.some((line) => line.path === location && line.method === 'PATCH');
    await until(isEnded, 'the registry has ended the request');
    const kept = await held(url, location);
    expect(kept).toBeLessThanOrEqual(400);

    const long = await RawConnection.open(port);
    await long.send(requestHead({ method: 'PATCH', target: location, length: 50_000 }));
    await long.send(content.subarray(kept));
    long.end();
    const isTwice = () =>
      registry().accessLines.filter((line) => line.path === location && line.method === 'PATCH')
        .length === 2;
    await until(isTwice, 'the registry has seen that the client is gone');
    // What came of a short body may be lost with it, but nothing is held that did not come.
    expect(await held(url, location)).toBeLessThanOrEqual(1_000);
    if ((await held(url, location)) < 1_000) await resume(url, location, content);
    await finishes(url, location, content);
  });

  test('a body of broken chunks is refused and what came before it kept', async () => {
    const { url, port } = registry();
    const name = newName();
    const content = seededContent(1_000, name);
    const location = await startUpload(url, name);
    const connection = await RawConnection.open(port);
    const headers = ['Transfer-Encoding: chunked'];
    await connection.send(requestHead({ method: 'PATCH', target: location, headers }));
    await connection.send(chunk(content.subarray(0, 600)));
    const { live } = registry().program.answer.v2.upload;
    const id = location.split('/').at(-1) ?? '';
    await until(() => live.isWriting(id), 'the request is being received');
    await connection.send('this is no length\r\n');
    expect((await connection.answer()).status).toBe(400);
    await until(() => gone(location), 'the registry has given the request up');
    await resume(url, location, content);
    await finishes(url, location, content);
  });

  test('clients vanish in the middle of a download, and nothing is left of it', async () => {
    const { url, port } = registry();
    const name = newName();
    const content = seededContent(20_000_000, name);
    const location = await startUpload(url, name);
    await fetch(url + location, { method: 'PATCH', body: content });
    await finishes(url, location, content);
    const target = `/v2/${name}/blobs/${digestOf(content)}`;
    for (const headers of [[], ['Range: bytes=5-'], ['Range: bytes=0-9999999,10000000-']]) {
      const connection = await RawConnection.open(port);
      await connection.send(requestHead({ method: 'GET', target, headers }));
      await connection.someBytes();
      connection.cut();
    }
    const whole = await fetch(url + target);
    expect(digestOf(await whole.bytes())).toBe(digestOf(content));
  });

  test('clients 31: POST, PATCH and PUT of one upload may meet different nodes', async () => {
    const first = registry();
    const second = await startTestRegistry({
      directory: first.directory,
      database: first.database,
    });
    try {
      for (const size of SIZES) {
        const name = newName();
        const content = seededContent(size, name);
        const location = await startUpload(first.url, name);
        await fetch(second.url + location, { method: 'PATCH', body: content.slice(0, size / 2) });
        expect(await held(first.url, location)).toBe(size / 2);
        await resume(first.url, location, content);
        await finishes(second.url, location, content);
        const blob = await fetch(`${first.url}/v2/${name}/blobs/${digestOf(content)}`);
        expect(blob.status).toBe(200);
      }
    } finally {
      await second.stop();
    }
    expect(second.faults).toEqual([]);
  });

  test('clients 31: a hanging request on one node is taken over on another', async () => {
    const first = registry();
    const second = await startTestRegistry({
      directory: first.directory,
      database: first.database,
    });
    try {
      for (const size of SIZES) {
        const name = newName();
        const content = seededContent(size, name);
        const location = await startUpload(first.url, name);
        const hanging = await RawConnection.open(first.port);
        await hanging.send(requestHead({ method: 'PATCH', target: location, length: size }));
        await hanging.send(content.subarray(0, size / 2));
        const { live } = first.program.answer.v2.upload;
        const id = location.split('/').at(-1) ?? '';
        await until(() => live.isWriting(id), 'the first request is being received');
        await resume(second.url, location, content);
        await hanging.send(content.subarray(size / 2));
        expect((await hanging.answer()).status).toBe(416);
        hanging.cut();
        expect(await held(second.url, location)).toBe(size);
        await finishes(second.url, location, content);
      }
    } finally {
      await second.stop();
    }
    expect(second.faults).toEqual([]);
  });
});
