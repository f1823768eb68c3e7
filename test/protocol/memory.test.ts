// What a request takes of memory is a constant, however much it sends or fetches.
import { afterAll, beforeAll, expect } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { requires } from '../support/requires.ts';
import { newName, startUpload } from './push.ts';
import { chunk, RawConnection, requestHead } from './raw-http.ts';

const MIB = 1024 * 1024;
/** Generous: one layer held whole, or fifty buffers that grow, are beyond it. */
const GROWTH_BYTES = 150 * MIB;

const test = requires(
  'linux',
  existsSync('/proc/self/clear_refs'),
  'the peak of memory of another process is read from /proc',
);

let server: Bun.Subprocess<'pipe', 'pipe', 'inherit'>;
let port: number;
beforeAll(async () => {
  server = Bun.spawn([process.execPath, `${import.meta.dir}/served-registry.ts`], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const { value } = await server.stdout.getReader().read();
  port = Number(new TextDecoder().decode(value));
}, 30_000);
afterAll(async () => {
  server.stdin.end();
  expect(await server.exited).toBe(0);
}, 30_000);

/** The most that the process held at once since `forgetPeak`. */
function peakBytes(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'latin1');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function forgetPeak(): void {
  writeFileSync(`/proc/${server.pid}/clear_refs`, '5');
}

/** Streams `parts` MiB to a new upload and finishes it. @returns the path of the blob. */
async function push(name: string, parts: number, how: 'chunked' | 'announced'): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  const target = await startUpload(url, name);
  const connection = await RawConnection.open(port);
  const part = new Uint8Array(MIB);
  const hash = createHash('sha256');
  const head = { method: 'PATCH', target };
  const isChunked = how === 'chunked';
  await connection.send(
    isChunked
      ? requestHead({ ...head, headers: ['Transfer-Encoding: chunked'] })
      : requestHead({ ...head, length: parts * MIB }),
  );
  for (let i = 0; i < parts; i++) {
    part.fill(i % 256);
    part.set(Buffer.from(name));
    hash.update(part);
    await connection.send(isChunked ? chunk(part) : part.slice());
  }
  if (isChunked) await connection.send(chunk(''));
  const answer = await connection.answer();
  expect([answer.status, answer.headers.get('range')]).toEqual([202, `0-${parts * MIB - 1}`]);
  connection.end();
  const digest = `sha256:${hash.digest('hex')}`;
  const done = await fetch(`${url}${target}?digest=${digest}`, { method: 'PUT' });
  expect(done.status).toBe(201);
  return `/v2/${name}/blobs/${digest}`;
}

async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  await push(newName(), 2, 'chunked');
  forgetPeak();
  const before = peakBytes();
  await work();
  return peakBytes() - before;
}

for (const how of ['chunked', 'announced'] as const) {
  test(`a layer of 256 MiB streamed in (${how}) is never held whole`, async () => {
    const growth = await growthDuring(() => push(newName(), 256, how));
    expect(growth).toBeLessThan(GROWTH_BYTES);
  }, 120_000);
}

test('fifty layers streamed in at once share little memory', async () => {
  const growth = await growthDuring(() =>
    Promise.all(Array.from({ length: 50 }, () => push(newName(), 6, 'chunked'))),
  );
  expect(growth).toBeLessThan(GROWTH_BYTES);
}, 120_000);

test('clients that fetch and do not read hold nothing of the layer in the registry', async () => {
  const target = await push(newName(), 64, 'announced');
  const growth = await growthDuring(async () => {
    const lazy: RawConnection[] = [];
    for (let i = 0; i < 20; i++) {
      const connection = await RawConnection.open(port);
      const headers = i % 2 === 0 ? [] : ['Range: bytes=0-30000000,30000001-'];
      await connection.send(requestHead({ method: 'GET', target, headers }));
      await connection.someBytes();
      connection.pause();
      lazy.push(connection);
    }
    // Others are served meanwhile.
    await push(newName(), 4, 'chunked');
    for (const connection of lazy) connection.cut();
  });
  expect(growth).toBeLessThan(GROWTH_BYTES);
}, 120_000);

test('a body that was refused is thrown away as it comes', async () => {
  const growth = await growthDuring(async () => {
    const connection = await RawConnection.open(port);
    const target = '/v2/a/blobs/uploads/unknown';
    await connection.send(requestHead({ method: 'PATCH', target, length: 256 * MIB }));
    const part = new Uint8Array(MIB);
    for (let i = 0; i < 256; i++) await connection.send(part);
    expect((await connection.answer()).status).toBe(404);
    connection.end();
  });
  expect(growth).toBeLessThan(GROWTH_BYTES);
}, 120_000);
