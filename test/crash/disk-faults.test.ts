// A disk that is full, read-only, or has lost a file: the client hears what is wrong in the OCI form,
// what can be served is served, and when the disk is well again so is the registry.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../simulation/random.ts';
import { requires } from '../support/requires.ts';
import { type Blob, digestOf, makeManifest } from './content.ts';
import { Ledger } from './ledger.ts';
import { ServerProcess } from './server-process.ts';
import { fetchSignedIn } from './signed-in.ts';
import { mountSmallDisk, type SmallDisk, smallDiskMissing } from './tmpfs.ts';

const REPOSITORY = 'team/disk';
const missing = smallDiskMissing();
const testOnDisk = requires('a small disk', missing === undefined, missing ?? '');

let directory: string;
let disk: SmallDisk | undefined;
let server: ServerProcess | undefined;
let url: string;
let ledger: Ledger;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'entrepot-faults-'));
  ledger = new Ledger();
});
afterEach(async () => {
  await server?.kill();
  disk?.remove();
  server = undefined;
  disk = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function start(data: {
  directory: string;
  blobs?: string;
  minFreeDisk?: number;
}): Promise<void> {
  server = await ServerProcess.start(data);
  url = server.url;
}

function blobOf(seed: number, size: number): Blob {
  const block = new Random(seed).bytes(1_021);
  const bytes = new Uint8Array(size).map((_, at) => block[at % block.length] as number);
  return { bytes, digest: digestOf(bytes) };
}

/** POST and PUT of a whole blob. @returns the last answer. */
async function push(blob: Blob): Promise<Response> {
  const begun = await fetchSignedIn(`${url}/v2/${REPOSITORY}/blobs/uploads/`, { method: 'POST' });
  if (begun.status !== 202) return begun;
  const location = `${url}${begun.headers.get('location')}?digest=${blob.digest}`;
  const answer = await fetchSignedIn(location, { method: 'PUT', body: new Uint8Array(blob.bytes) });
  if (answer.status === 201) ledger.blob(REPOSITORY, blob.digest, blob.bytes.length);
  return answer;
}

async function pushManifest(manifest: Blob, tag: string): Promise<Response> {
  ledger.tagAsked(REPOSITORY, tag, manifest.digest);
  const answer = await fetchSignedIn(`${url}/v2/${REPOSITORY}/manifests/${tag}`, {
    method: 'PUT',
    body: new Uint8Array(manifest.bytes),
    headers: { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' },
  });
  const { digest, bytes } = manifest;
  if (answer.status === 201) ledger.manifest(REPOSITORY, tag, { digest, size: bytes.length });
  return answer;
}

async function codeOf(answer: Response): Promise<{ status: number; code: string | undefined }> {
  const body = (await answer.json()) as { errors?: { code: string; message: string }[] };
  expect(answer.headers.get('content-type')).toStartWith('application/json');
  expect(body.errors?.[0]?.message).toMatch(/\w\.$/);
  return { status: answer.status, code: body.errors?.[0]?.code };
}

const FULL = { status: 507, code: 'STORAGE_FULL' };
const FAILED = { status: 500, code: 'STORAGE_FAILED' };

/** Writes into a file until nothing more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const size of [65_536, 4_096]) {
      const block = new Uint8Array(size);
      try {
        while (writeSync(file, block) > 0);
      } catch {
        // Full, for blocks of this size.
      }
    }
  } finally {
    closeSync(file);
  }
}

testOnDisk(
  'a full disk: pushes get 507, pulls go on, and with room pushes work again',
  async () => {
    disk = mountSmallDisk(24);
    await start({ directory: disk.directory });
    const [config, layer] = [blobOf(1, 500), blobOf(2, 1_000_000)];
    expect((await push(config)).status).toBe(201);
    expect((await push(layer)).status).toBe(201);
    expect((await pushManifest(makeManifest({ config, layer, mark: 'a' }), 'one')).status).toBe(
      201,
    );

    const ballast = join(disk.directory, 'ballast');
    fill(ballast);
    expect(await codeOf(await push(blobOf(3, 2_000_000)))).toEqual(FULL);
    expect(await codeOf(await untilRefused(() => push(blobOf(4, 20_000))))).toEqual(FULL);
    const manifest = makeManifest({ config, layer, mark: 'b' });
    expect(await codeOf(await pushManifest(manifest, 'one'))).toEqual(FULL);
    expect(await ledger.verify(url, true)).toBeGreaterThan(2);

    // Those who pull must not wait for somebody to make room.
    await server?.kill();
    await start({ directory: disk.directory });
    await ledger.verify(url, true);

    rmSync(ballast);
    // What found no room was given back: it does not stand in the way of what fits.
    expect(await codeOf(await push(blobOf(5, 30_000_000)))).toEqual(FULL);
    expect((await push(blobOf(6, 1_000_000))).status).toBe(201);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await push(blobOf(3, 2_000_000))).status).toBe(201);
    expect((await push(blobOf(4, 20_000))).status).toBe(201);
    expect((await pushManifest(manifest, 'one')).status).toBe(201);
    await ledger.verify(url, true);

    await server?.kill();
    await start({ directory: disk.directory });
    await ledger.verify(url, true);
  },
  60_000,
);

/** The database has pages to spare for a while. */
async function untilRefused(request: () => Promise<Response>): Promise<Response> {
  for (let count = 0; count < 200; count += 1) {
    const answer = await request();
    if (answer.status >= 400) return answer;
  }
  throw new Error('a full disk takes everything');
}

testOnDisk(
  'a disk with less than its share free: pushes are refused with the numbers, all else goes on',
  async () => {
    disk = mountSmallDisk(24);
    await start({ directory: disk.directory, minFreeDisk: 50 });
    const [config, layer] = [blobOf(1, 500), blobOf(2, 1_000_000)];
    const manifest = makeManifest({ config, layer, mark: 'a' });
    for (const blob of [config, layer]) expect((await push(blob)).status).toBe(201);
    expect((await pushManifest(manifest, 'one')).status).toBe(201);
    const upload = `${url}/v2/${REPOSITORY}/blobs/uploads/`;
    const begun = await fetchSignedIn(upload, { method: 'POST' });
    const location = `${url}${begun.headers.get('location')}`;

    const ballast = join(disk.directory, 'ballast');
    writeFileSync(ballast, new Uint8Array(14_000_000));
    const refused = await untilRefused(async () => {
      // The disk is asked every few seconds.
      await Bun.sleep(50);
      return fetchSignedIn(upload, { method: 'POST' });
    });
    expect(refused.status).toBe(507);
    expect(await refused.text()).toMatch(/Only \d+(\.\d)? % of the registry's disk is free/);
    const bytes = new Uint8Array(10);
    expect(await codeOf(await fetchSignedIn(location, { method: 'PATCH', body: bytes }))).toEqual(
      FULL,
    );
    const next = makeManifest({ config, layer, mark: 'b' });
    expect(await codeOf(await pushManifest(next, 'one'))).toEqual(FULL);
    await ledger.verify(url, true);
    expect((await fetchSignedIn(location, { method: 'DELETE' })).status).toBe(204);

    rmSync(ballast);
    let answer = await pushManifest(next, 'one');
    for (let tries = 0; answer.status === 507 && tries < 200; tries += 1) {
      await Bun.sleep(50);
      answer = await pushManifest(next, 'one');
    }
    expect(answer.status).toBe(201);
    await ledger.verify(url, true);
  },
  60_000,
);

testOnDisk(
  'a disk that becomes read-only: large pushes fail with a reason, all else goes on',
  async () => {
    disk = mountSmallDisk(24);
    await start({ directory, blobs: disk.directory });
    expect((await push(blobOf(1, 1_000_000))).status).toBe(201);
    disk.remount('ro');
    expect(await codeOf(await push(blobOf(2, 1_000_000)))).toEqual(FAILED);
    expect((await push(blobOf(3, 10_000))).status).toBe(201);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await ledger.verify(url, true);
    disk.remount('rw');
    expect((await push(blobOf(2, 1_000_000))).status).toBe(201);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await ledger.verify(url, true);
  },
  60_000,
);

for (const [what, damage] of [
  ['removed', (path: string) => rmSync(path)],
  ['cut short', (path: string) => truncateSync(path, 1_000)],
] as const) {
  test(`a file ${what} behind the registry's back is a clear error, and of that blob alone`, async () => {
    await start({ directory });
    const [good, bad] = [blobOf(1, 400_000), blobOf(2, 300_000)];
    expect((await push(good)).status).toBe(201);
    expect((await push(bad)).status).toBe(201);
    damage(fileOf(bad));
    for (const headers of [{}, { Range: 'bytes=10-20' }]) {
      const answer = await fetchSignedIn(`${url}/v2/${REPOSITORY}/blobs/${bad.digest}`, {
        headers,
      });
      expect(await codeOf(answer)).toEqual(FAILED);
    }
    const answer = await fetchSignedIn(`${url}/v2/${REPOSITORY}/blobs/${good.digest}`);
    expect(digestOf(await answer.bytes())).toBe(good.digest);
    expect((await push(blobOf(3, 200_000))).status).toBe(201);
  }, 60_000);
}

function fileOf(blob: Blob): string {
  const hex = blob.digest.slice('sha256:'.length);
  const folder = join(directory, 'blobs/blobs/sha256', hex.slice(0, 2));
  const name = readdirSync(folder).find((file) => file.startsWith(hex));
  if (name === undefined) throw new Error(`there is no file of ${blob.digest}`);
  return join(folder, name);
}
