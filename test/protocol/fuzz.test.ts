// Requests of every shape, from one printed seed: whatever comes, the answer is right in form, the server
// lives, nothing is left behind. ENTREPOT_FUZZ_SEED repeats a run.
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import type { DatabaseSettings } from '../../src/app/database.ts';
import { expireUploads, removeBytes } from '../../src/jobs/upload-upkeep.ts';
import { countUploads } from '../../src/metadata/uploads.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { watchedDirectory } from './data-directory.ts';
import { errorCode, OCI_MANIFEST, pushImage } from './push.ts';
import { type RawAnswer, RawConnection, type RawRequest, requestHead } from './raw-http.ts';
import { NAMES, RequestMaker } from './request-maker.ts';
import { SeededChoice } from './seeded-choice.ts';

const LIMIT_MS = 40_000;
/** Statuses with which the server itself refuses what is no HTTP. */
const PROTOCOL_REFUSALS = [400, 413, 414, 431, 505];

/** Sends one request in one of the ways that clients have of ending it. @returns undefined without an answer. */
async function exchange(
  port: number,
  request: RawRequest,
  choice: SeededChoice,
): Promise<RawAnswer | undefined> {
  const connection = await RawConnection.open(port);
  try {
    const body = Buffer.from((request.body ?? '') as string);
    await connection.send(Buffer.concat([requestHead(request), body]));
    const isIncomplete = request.length !== undefined && Number(request.length) > body.length;
    if (isIncomplete || choice.oneIn(50)) return undefined;
    let answer = await connection.answer({ isHead: request.method === 'HEAD' });
    while (answer.status === 100) answer = await connection.answer();
    return answer;
  } finally {
    connection.cut();
  }
}

function check(request: RawRequest, answer: RawAnswer): void {
  const { status, headers } = answer;
  if (!headers.has('x-request-id')) {
    expect(PROTOCOL_REFUSALS).toContain(status);
    return;
  }
  expect(status).toBeLessThan(500);
  const isV2 = headers.has('docker-distribution-api-version');
  if (isV2) {
    expect(headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain('sandbox');
  }
  if (status >= 400 && request.method !== 'HEAD') {
    errorCode(headers.get('content-type'), Buffer.from(answer.body).toString());
  }
  if (status === 416 && request.method !== 'GET') expect(headers.has('location')).toBe(true);
  if (status === 201 || status === 202) {
    if (request.method !== 'DELETE') expect(headers.get('location')).toStartWith('/v2/');
  }
}

/** Ends all that was begun, and does the work that the registry does in the background. */
async function tidyUp(registry: TestRegistry, uploads: readonly string[]): Promise<void> {
  // Some by their client, the others by their age.
  for (const path of new Set(uploads.filter((_, index) => index % 2 === 0))) {
    const response = await fetch(registry.url + path, { method: 'DELETE' });
    expect([204, 404]).toContain(response.status);
  }
  const { sql, commands, blobs } = registry.program.answer.v2.upload;
  const now = () => Date.now() + 60_000;
  const parts = { sql, commands, blobs, now, uploadAgeMs: 0, isWriting: () => false };
  const context = { extend: async () => {}, isStopping: () => false };
  await expireUploads(parts, context);
  expect(await countUploads(sql)).toBe(0);
  await removeBytes(parts, context);
}

async function fuzz(requests: number, database?: DatabaseSettings): Promise<void> {
  const seed = Number(process.env.ENTREPOT_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`ENTREPOT_FUZZ_SEED=${seed}\n`);
  const choice = new SeededChoice(seed);
  const watched = watchedDirectory();
  const registry = await startTestRegistry({
    directory: watched.directory,
    ...(database && { database }),
  });
  const maker = new RequestMaker(choice);
  for (const name of NAMES.slice(0, 2)) {
    const image = await pushImage(registry.url, name, { reference: 'v1', seed: name });
    maker.manifests.push(image.manifest);
    const child = { mediaType: OCI_MANIFEST, digest: image.digest, size: image.manifest.length };
    maker.manifests.push(JSON.stringify({ schemaVersion: 2, manifests: [child] }));
  }
  const until = performance.now() + LIMIT_MS;
  const statuses = new Map<number, number>();
  for (let i = 0; i < requests && performance.now() < until; i++) {
    const request = maker.make();
    const answer = await exchange(registry.port, request, choice);
    if (answer === undefined) continue;
    try {
      check(request, answer);
    } catch (error) {
      const { body, ...head } = request;
      const shown = JSON.stringify({ ...head, body: body?.toString().slice(0, 300) });
      throw new Error(`request ${i} of seed ${seed}: ${shown} -> ${answer.status}`, {
        cause: error,
      });
    }
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const upload = answer.headers.get('location');
    if (upload !== undefined && /\/blobs\/uploads\/[a-z0-9-]{36}$/.test(upload))
      maker.uploads.push(upload);
  }
  // A generator that only makes what is refused at the door would prove nothing.
  for (const status of [200, 201, 202, 204, 400, 404, 405, 416]) {
    expect([status, statuses.has(status)]).toEqual([status, true]);
  }
  expect((await fetch(`${registry.url}/v2/`)).status).toBe(401);
  await tidyUp(registry, maker.uploads);
  const left = watched.uploadFiles();
  await registry.stop();
  const strays = watched.strayFiles();
  if (database === undefined) {
    // Bytes that no row names would stay for ever, a row without bytes would be a lost blob.
    const held = new Database(join(watched.directory, 'entrepot.db'), { readonly: true });
    const keys = held.query('select storage_key from blobs where storage_key is not null').values();
    held.close();
    expect(watched.blobFiles().sort()).toEqual(keys.map(([key]) => String(key)).sort());
  }
  watched.remove();
  expect({ faults: registry.faults, left, strays }).toEqual({ faults: [], left: [], strays: [] });
}

test(
  'no request makes a fault, and nothing is left of what was cancelled',
  () => fuzz(30_000),
  LIMIT_MS + 30_000,
);

const missing = postgresMissing();
requires('postgres', missing === undefined, missing ?? '')(
  'nor on PostgreSQL, which takes less in a text',
  async () =>
    fuzz(5_000, { kind: 'postgres', url: await (await startPostgres()).createDatabase() }),
  LIMIT_MS + 60_000,
);
