// `entrepot doctor` beside a running server and without one, and `entrepot scrub …` over its API.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM } from '../../metadata/audit.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseReference } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { pushBlob } from '../../registry/finish-upload.ts';
import { pullBlob } from '../../registry/pull.ts';
import { pushManifest } from '../../registry/push-manifest.ts';
import { bodyOf, patternBytes, sha256 } from '../../registry/suite-registry.ts';
import { type CliSession, openCliSession } from '../suite-session.ts';
import { type Ran, runCli } from '../suite-terminal.ts';

const REPOSITORY = 'team/app' as RepositoryName;
const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const LAYER = patternBytes(100_000, 1);

let session: CliSession;
let isStopped: boolean;
beforeEach(async () => {
  session = await openCliSession();
  isStopped = false;
});
afterEach(async () => {
  if (!isStopped) expect(session.registry.faults).toEqual([]);
  await session.close();
});

async function push(bytes: Uint8Array): Promise<Digest> {
  const digest = sha256(bytes);
  const blob = { repository: REPOSITORY, actor: 'x', digest, body: bodyOf(bytes) };
  await pushBlob(session.registry.program.answer.v2.upload, blob);
  return digest;
}

/** An image `team/app:v1` whose layer is a file. */
async function pushImage(): Promise<{ layer: Digest; config: Digest; image: Digest }> {
  const [config, layer] = [await push(patternBytes(100, 2)), await push(LAYER)];
  for (const seed of [3, 4]) await push(patternBytes(100_000, seed));
  const part = (digest: Digest) => ({ mediaType: 'application/x', digest, size: 1 });
  const json = {
    schemaVersion: 2,
    mediaType: IMAGE,
    config: part(config),
    layers: [part(layer)],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  await pushManifest(session.registry.program.answer.v2, {
    repository: REPOSITORY,
    actor: SYSTEM,
    reference: parseReference('v1'),
    tags: [],
    contentType: IMAGE,
    bytes,
    condition: { ifMatch: null, ifNoneMatch: null },
  });
  return { layer, config, image: sha256(bytes) };
}

function fileOf(digest: Digest): string {
  const hex = digest.slice('sha256:'.length);
  const folder = join(session.registry.directory, 'blobs/sha256', hex.slice(0, 2));
  const name = readdirSync(folder).find((one) => one.startsWith(hex));
  if (name === undefined) throw new Error(`there is no file of ${digest}`);
  return join(folder, name);
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[5_000] = 255 - (bytes[5_000] ?? 0);
  writeFileSync(path, bytes);
}

function doctor(...flags: string[]): Promise<Ran> {
  const { directory } = session.registry;
  return runCli(['doctor', '--data', directory, '--blobs', `file:${directory}`, ...flags]);
}

function isHeld(digest: Digest): Promise<boolean> {
  const { pull } = session.registry.program.answer.v2;
  return pullBlob(pull, { repository: REPOSITORY, digest }).then(
    () => true,
    () => false,
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it never came to hold');
    await Bun.sleep(20);
  }
}

test('what is whole is said to be whole', async () => {
  await pushImage();
  const ran = await doctor();
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toContain('SQLite finds it whole');
  expect(ran.out).toContain('1 tag looked at, and all that they need is held');
  expect(ran.out).toContain('all are what their digest says');
  expect(ran.out).toContain('Nothing is damaged.');
}, 30_000);

test('an altered byte is found and changes nothing; with --fix a push heals it', async () => {
  const { layer } = await pushImage();
  const path = fileOf(layer);
  flip(path);
  const found = await doctor();
  expect(found.code).toBe(1);
  expect(found.out).toContain(`DAMAGE: The stored bytes of ${layer} are not what they were.`);
  expect(found.out).toContain('team/app:v1');
  expect(found.out).toContain('--fix');
  expect(await isHeld(layer)).toBe(true);
  expect((await doctor('--quick')).code).toBe(0);

  const fixed = await doctor('--fix');
  expect(fixed.code).toBe(1);
  expect(fixed.out).toContain(`team/app:v1 needs the layer ${layer}, whose bytes are not stored.`);
  expect(await isHeld(layer)).toBe(false);
  expect(readdirSync(join(session.registry.directory, 'quarantine'))).toHaveLength(1);
  expect(await session.done('scrub damages')).toMatch(/altered .*push it again +team\/app:v1/);

  await push(LAYER);
  expect(await isHeld(layer)).toBe(true);
  expect(await doctor()).toMatchObject({ code: 0 });
  const [damage] = await session.json<{ digest: string; healedAt: string }[]>('scrub damages');
  expect(damage).toMatchObject({ digest: layer, kind: 'altered' });
  expect(damage?.healedAt).toBeString();
}, 30_000);

test('without the server: a file that is gone, and one that nothing names', async () => {
  const { layer } = await pushImage();
  const { directory } = session.registry;
  const path = fileOf(layer);
  isStopped = true;
  await session.registry.program.close();
  renameSync(path, `${path.slice(0, -4)}left`);
  const ran = await doctor();
  expect(ran.code).toBe(1);
  expect(ran.out).toContain(`The stored bytes of ${layer} are gone.`);
  expect(ran.out).toContain('no row names 1 file (100 kB) of 3');
  rmSync(join(directory, 'entrepot.db'));
  const nothing = await doctor();
  expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('There is no database') });
}, 30_000);

test('a database that is damaged is told', async () => {
  await pushImage();
  const { directory, program } = session.registry;
  isStopped = true;
  await program.close();
  const path = join(directory, 'entrepot.db');
  const bytes = readFileSync(path);
  // The pages of the middle, behind what is read to open it.
  bytes.fill(0xa5, 40 * 4_096, 60 * 4_096);
  writeFileSync(path, bytes);
  const ran = await doctor('--quick');
  expect(ran.code).toBe(1);
  expect(ran.out).toContain('DAMAGE');
  expect(ran.out).toContain('put the database back from a backup');
}, 30_000);

test('a running server reads all when it is asked to, and tells of it', async () => {
  const { layer } = await pushImage();
  flip(fileOf(layer));
  expect((await session.json<{ isReading: boolean }>('scrub status')).isReading).toBe(false);
  await session.done('scrub start');
  await until(async () => {
    const { endedAt } = await session.json<{ endedAt: string | null }>('scrub status');
    return endedAt !== null;
  });
  expect(await session.done('scrub history')).toMatch(/\n\S+ \S* *\S+.* 5 .* 0 +1\n/);
  expect(await session.json<object>('scrub status')).toMatchObject({ openDamages: 1 });
  expect(await isHeld(layer)).toBe(false);
  const told = session.registry.faults.splice(0);
  expect(told).toContain(undefined);
  await push(LAYER);
  expect(await session.json<object>('scrub status')).toMatchObject({ openDamages: 0 });
}, 30_000);
