// What is left of uploads goes, and nothing else does.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { BlobStoreError } from '../blobs/blob-store.ts';
import { findBlob } from '../metadata/blobs.ts';
import { nextRemovals } from '../metadata/removals.ts';
import { countUploads, findUpload } from '../metadata/uploads.ts';
import { finishUpload } from '../registry/finish-upload.ts';
import {
  bodyOf,
  type Node,
  openSuiteRegistry,
  patternBytes,
  REPOSITORY,
  refusalOf,
  SentBody,
  type SuiteRegistry,
  sha256,
} from '../registry/suite-registry.ts';
import { abandonUpload, appendToUpload, beginUpload, uploadStatus } from '../registry/upload.ts';
import { expireUploads, removeBytes, sweepUploads, type UpkeepParts } from './upload-upkeep.ts';

const LARGE = patternBytes(100_000);
const AGE_MS = 3_600_000;

let registry: SuiteRegistry;
let node: Node;
let ahead = 0;
let parts: UpkeepParts;
let isStopping = false;
const context = { extend: async () => {}, isStopping: () => isStopping };

beforeEach(async () => {
  registry = await openSuiteRegistry();
  node = registry.node('one');
  ahead = 0;
  isStopping = false;
  parts = {
    sql: registry.sql,
    commands: registry.commands,
    blobs: node.blobs,
    now: () => Date.now() + ahead,
    uploadAgeMs: AGE_MS,
    isWriting: (id) => node.live.isWriting(id),
  };
});
afterEach(() => registry.close());

async function begin(bytes?: Uint8Array): Promise<string> {
  const upload = { repository: REPOSITORY, actor: 'x', algorithm: 'sha256' as const };
  const { id } = await beginUpload(node, upload);
  if (bytes !== undefined) await append(id, bodyOf(bytes));
  return id;
}

const append = (id: string, body: SentBody) =>
  appendToUpload(node, { repository: REPOSITORY, id, start: undefined, body });
const fileOf = async (id: string) => (await findUpload(registry.sql, id))?.file as string;
const removals = () => nextRemovals(registry.sql, { after: 0, limit: 100 });

describe('expiry', () => {
  test('ends uploads that nobody continued, and their bytes go', async () => {
    const id = await begin(LARGE);
    const file = await fileOf(id);
    await begin(patternBytes(10));
    await expireUploads(parts, context);
    expect(await countUploads(registry.sql)).toBe(2);
    ahead = AGE_MS + 1_000;
    await expireUploads(parts, context);
    expect(await countUploads(registry.sql)).toBe(0);
    expect(await registry.store.uploadLength(file)).toBe(LARGE.length);
    await removeBytes(parts, context);
    expect(await registry.store.uploadLength(file)).toBeUndefined();
    expect(await removals()).toEqual([]);
  });

  test('leaves one alone that a request is writing to', async () => {
    const id = await begin();
    const body = new SentBody();
    const writing = append(id, body);
    for (let at = 0; at < 2; at += 1) body.send(LARGE.slice(0, 50_000));
    await body.taken();
    ahead = AGE_MS + 1_000;
    await expireUploads(parts, context);
    body.end();
    expect((await writing).size).toBe(100_000);
  });

  test('leaves one alone that was continued while it was about to go', async () => {
    const id = await begin(LARGE);
    ahead = AGE_MS + 1_000;
    let isContinued = false;
    registry.beforeCommand = async (name) => {
      if (name !== 'expireUpload' || isContinued) return;
      isContinued = true;
      registry.clock = parts.now;
      await append(id, bodyOf(LARGE));
    };
    await expireUploads(parts, context);
    expect(isContinued).toBe(true);
    const key = { repository: REPOSITORY, id };
    expect((await uploadStatus(node, key)).size).toBe(2 * LARGE.length);
  });

  test('ends many, and stops between two looks when it is told to', async () => {
    for (let n = 0; n < 250; n += 1) await begin();
    ahead = AGE_MS + 1_000;
    await expireUploads(parts, context);
    expect(await countUploads(registry.sql)).toBe(0);
  });
});

describe('removal', () => {
  test('takes the bytes of what was finished twice, and leaves the blob', async () => {
    const ids = [await begin(LARGE), await begin(LARGE)];
    const digest = sha256(LARGE);
    for (const id of ids) {
      const finish = { repository: REPOSITORY, id, start: undefined, digest };
      await finishUpload(node, { ...finish, body: bodyOf(new Uint8Array()) });
    }
    expect(registry.store.keys()).toHaveLength(2);
    await removeBytes(parts, context);
    const blob = await findBlob(registry.sql, { repository: REPOSITORY, digest });
    expect(registry.store.keys()).toEqual([blob?.storageKey as string]);
  });

  test('leaves what a row names, whatever was queued', async () => {
    const id = await begin(LARGE);
    const digest = sha256(LARGE);
    const open = await begin(LARGE);
    registry.beforeCommand = (name) => {
      if (name === 'finishUpload') throw new Error('cut off');
    };
    const finish = { repository: REPOSITORY, id, start: undefined, digest };
    const closing = () => finishUpload(node, { ...finish, body: bodyOf(new Uint8Array()) });
    expect(await refusalOf(closing())).toContain('cut off');
    registry.beforeCommand = undefined;
    // Bytes between their key and their commit, and those of an open upload: queued by mistake.
    const [key] = registry.store.keys() as [string];
    const queue = [
      { id: 1, kind: 'content' as const, key },
      { id: 2, kind: 'upload' as const, key: await fileOf(open) },
    ];
    for (const { kind, key } of queue) {
      registry.sql.query('insert into removals (kind, key, created_at) values (?, ?, 0)', [
        kind,
        key,
      ]);
    }
    await removeBytes(parts, context);
    expect(await removals()).toEqual([]);
    await closing();
    expect(registry.store.keys()).toHaveLength(1);
    expect(await registry.store.uploadLength(await fileOf(open))).toBe(LARGE.length);
  });

  test('that fails is tried again, and does not stand in the way of the others', async () => {
    const [id, next] = [await begin(LARGE), await begin(LARGE)];
    const file = await fileOf(id);
    for (const one of [id, next]) await abandonUpload(node, { repository: REPOSITORY, id: one });
    const error = new BlobStoreError('failed', 'Broken.');
    registry.plan = (operation, subject) =>
      operation === 'discard' && subject === file ? { when: 'before', error } : undefined;
    expect(await refusalOf(removeBytes(parts, context))).toBe('store: failed');
    expect((await removals()).map(({ key }) => key)).toEqual([file]);
    registry.plan = undefined;
    await removeBytes(parts, context);
    expect(await registry.store.uploadLength(file)).toBeUndefined();
  });
});

describe('the sweep', () => {
  test('takes old files without a row, and no other', async () => {
    const held = await fileOf(await begin(LARGE));
    const orphan = await registry.store.append('orphan', 0);
    await orphan.write(LARGE);
    await orphan.close();
    await sweepUploads(parts, context);
    expect(await registry.store.uploadLength('orphan')).toBe(LARGE.length);
    ahead = 2 * 3_600_000;
    await sweepUploads(parts, context);
    expect(await registry.store.uploadLength('orphan')).toBeUndefined();
    expect(await registry.store.uploadLength(held)).toBe(LARGE.length);
  });
});
