// Uploads over one or more nodes: broken, resumed, taken over, finished, crashed.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { BlobStoreError } from '../blobs/blob-store.ts';
import { hashBytes } from '../blobs/hasher.ts';
import { findBlob, readPayload } from '../metadata/blobs.ts';
import { isStillNamed, nextRemovals } from '../metadata/removals.ts';
import { findUpload } from '../metadata/uploads.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { finishUpload, pushBlob } from './finish-upload.ts';
import { type Guards, NO_GUARDS } from './guards.ts';
import {
  bodyOf,
  type Node,
  openSuiteRegistry,
  patternBytes,
  REPOSITORY,
  refusalOf,
  SentBody,
  SOMEONE,
  type SuiteRegistry,
  sha256,
  streamOf,
} from './suite-registry.ts';
import { abandonUpload, appendToUpload, beginUpload, uploadStatus } from './upload.ts';
import type { UploadBody } from './upload-body.ts';

let registry: SuiteRegistry;
let node: Node;
beforeEach(async () => {
  registry = await openSuiteRegistry();
  node = registry.node('one');
});
afterEach(() => registry.close());

const NOTHING = new Uint8Array();
const LARGE = patternBytes(200_000);
const SMALL = patternBytes(10_000);

async function begin(on = node): Promise<string> {
  const upload = { repository: REPOSITORY, actor: 'someone', algorithm: 'sha256' as const };
  return (await beginUpload(on, upload)).id;
}

function patch(id: string, body: UploadBody, options: { on?: Node; start?: number } = {}) {
  const { on = node, start } = options;
  return appendToUpload(on, { repository: REPOSITORY, id, start, body });
}

function put(
  id: string,
  digest: Digest,
  options: { on?: Node; start?: number; body?: UploadBody } = {},
) {
  const { on = node, start, body = bodyOf(NOTHING) } = options;
  return finishUpload(on, { repository: REPOSITORY, id, start, body, digest });
}

async function status(id: string, on = node): Promise<number> {
  return (await uploadStatus(on, { repository: REPOSITORY, id })).size;
}

/** The bytes of a blob as a pull would give them, or undefined when the repository has none. */
async function stored(digest: Digest): Promise<Uint8Array | undefined> {
  const blob = await findBlob(registry.sql, { repository: REPOSITORY, digest });
  if (blob === undefined) return undefined;
  if (blob.storageKey === null) return readPayload(registry.sql, blob.id);
  const content = await registry.store.open(blob.storageKey);
  if (content.kind !== 'stream') throw new Error('the memory store gives streams');
  return new Uint8Array(await new Response(content.open()).arrayBuffer());
}

async function expectStored(bytes: Uint8Array, digest = sha256(bytes)): Promise<void> {
  const kept = await stored(digest);
  expect(kept?.length).toBe(bytes.length);
  expect(Buffer.from(kept ?? []).equals(bytes)).toBe(true);
}

const vanished = new Error('the client vanished');

describe('an upload', () => {
  for (const [name, bytes] of [
    ['of nothing', NOTHING],
    ['of a few bytes', SMALL],
    ['as large as the database takes', patternBytes(LIMITS.smallBlobBytes)],
    ['one byte larger than that', patternBytes(LIMITS.smallBlobBytes + 1)],
    ['of many chunks', LARGE],
  ] as const) {
    test(`${name} becomes a blob, whichever way it is sent`, async () => {
      const digest = sha256(bytes);
      const ways: (() => Promise<unknown>)[] = [
        async () =>
          pushBlob(node, { repository: REPOSITORY, actor: 'x', digest, body: bodyOf(bytes) }),
        async () =>
          pushBlob(node, { repository: REPOSITORY, actor: 'x', digest, body: streamOf(bytes) }),
        async () => put(await begin(), digest, { body: bodyOf(bytes) }),
        async () => {
          const id = await begin();
          await patch(id, streamOf(bytes));
          await put(id, digest);
        },
        async () => {
          const id = await begin();
          const half = bytes.length >> 1;
          await patch(id, bodyOf(bytes.slice(0, half)), { start: 0 });
          await put(id, digest, { body: bodyOf(bytes.slice(half)), start: half });
        },
      ];
      for (const way of ways) {
        await way();
        await expectStored(bytes);
        await registry.commands.run('deleteBlob', {
          repository: REPOSITORY,
          actor: SOMEONE,
          digest,
        });
        expect(await stored(digest)).toBeUndefined();
      }
      expect(node.readAgainBytes()).toBe(0);
    });
  }

  test('grows from the database into a file', async () => {
    const id = await begin();
    expect(await patch(id, bodyOf(SMALL))).toEqual({ id, size: SMALL.length });
    expect((await findUpload(registry.sql, id))?.file).toBeUndefined();
    await patch(id, bodyOf(LARGE), { start: SMALL.length });
    expect((await findUpload(registry.sql, id))?.file).toBeString();
    const whole = Buffer.concat([SMALL, LARGE]);
    await put(id, sha256(whole));
    await expectStored(whole);
    expect(node.readAgainBytes()).toBe(0);
  });

  test('of another repository is unknown', async () => {
    const id = await begin();
    const key = { repository: 'team/other' as RepositoryName, id };
    expect(await refusalOf(uploadStatus(node, key))).toBe('BLOB_UPLOAD_UNKNOWN');
    expect(await refusalOf(abandonUpload(node, key))).toBe('BLOB_UPLOAD_UNKNOWN');
    const append = { ...key, start: undefined, body: bodyOf(SMALL) };
    expect(await refusalOf(appendToUpload(node, append))).toBe('BLOB_UPLOAD_UNKNOWN');
    expect(await status(id)).toBe(0);
  });

  test('that was finished or cancelled is unknown', async () => {
    const id = await begin();
    await put(id, sha256(SMALL), { body: bodyOf(SMALL) });
    expect(await refusalOf(put(id, sha256(SMALL)))).toBe('BLOB_UPLOAD_UNKNOWN');
    const other = await begin();
    await patch(other, bodyOf(LARGE));
    await abandonUpload(node, { repository: REPOSITORY, id: other });
    expect(await refusalOf(patch(other, bodyOf(LARGE)))).toBe('BLOB_UPLOAD_UNKNOWN');
    const [removal] = await nextRemovals(registry.sql, { after: 0, limit: 10 });
    expect(removal?.kind).toBe('upload');
  });

  test('refuses bytes that do not follow, and stays as it is', async () => {
    for (const bytes of [SMALL, LARGE]) {
      const id = await begin();
      await patch(id, bodyOf(bytes));
      for (const start of [0, bytes.length - 1, bytes.length + 1]) {
        expect(await refusalOf(patch(id, bodyOf(SMALL), { start }))).toBe('RANGE_INVALID');
        expect(await refusalOf(put(id, sha256(SMALL), { start }))).toBe('RANGE_INVALID');
      }
      expect(await status(id)).toBe(bytes.length);
      await put(id, sha256(bytes));
    }
  });

  test('keeps what came before a connection broke, and goes on from there', async () => {
    for (const bytes of [SMALL, LARGE]) {
      const id = await begin();
      const part = bytes.slice(0, bytes.length - 1_000);
      const broken = bodyOf(part, { length: bytes.length, error: vanished });
      expect(await refusalOf(patch(id, broken))).toContain('vanished');
      expect(await status(id)).toBe(part.length);
      const rest = bodyOf(bytes.slice(part.length));
      await put(id, sha256(bytes), { body: rest, start: part.length });
      await expectStored(bytes);
    }
    expect(node.readAgainBytes()).toBe(0);
  });

  test('that got fewer or more bytes than announced is not finished', async () => {
    for (const bytes of [SMALL, LARGE]) {
      for (const length of [bytes.length - 1, bytes.length + 1]) {
        const id = await begin();
        const body = bodyOf(bytes, { length });
        expect(await refusalOf(put(id, sha256(bytes), { body }))).toBe('SIZE_INVALID');
        expect(await stored(sha256(bytes))).toBeUndefined();
        expect(await status(id)).toBeLessThanOrEqual(bytes.length);
      }
    }
  });

  test('with a wrong digest is dropped with its bytes', async () => {
    for (const bytes of [SMALL, LARGE]) {
      const id = await begin();
      await patch(id, bodyOf(bytes));
      expect(await refusalOf(put(id, sha256(NOTHING)))).toBe('DIGEST_INVALID');
      expect(await refusalOf(uploadStatus(node, { repository: REPOSITORY, id }))).toBe(
        'BLOB_UPLOAD_UNKNOWN',
      );
    }
    const direct = { repository: REPOSITORY, actor: 'x', digest: sha256(NOTHING) };
    expect(await refusalOf(pushBlob(node, { ...direct, body: bodyOf(SMALL) }))).toBe(
      'DIGEST_INVALID',
    );
    const removals = await nextRemovals(registry.sql, { after: 0, limit: 10 });
    expect(removals.map(({ kind }) => kind)).toEqual(['upload']);
    expect(registry.store.keys()).toEqual([]);
  });

  test('whose one request broke leaves nothing that nobody can continue', async () => {
    const broken = bodyOf(LARGE, { length: LARGE.length + 5, error: vanished });
    const push = { repository: REPOSITORY, actor: 'x', digest: sha256(LARGE), body: broken };
    expect(await refusalOf(pushBlob(node, push))).toContain('vanished');
    const removals = await nextRemovals(registry.sql, { after: 0, limit: 10 });
    expect(removals.map(({ kind }) => kind)).toEqual(['upload']);
    expect(await findUpload(registry.sql, 'id1')).toBeUndefined();
  });

  test('of bytes that another upload brought first leaves them, and its own are removed', async () => {
    const ids = [await begin(), await begin()];
    for (const id of ids) await patch(id, bodyOf(LARGE));
    await Promise.all(ids.map((id) => put(id, sha256(LARGE))));
    await expectStored(LARGE);
    const removals = await nextRemovals(registry.sql, { after: 0, limit: 10 });
    expect(removals).toHaveLength(1);
    const kept = await findBlob(registry.sql, { repository: REPOSITORY, digest: sha256(LARGE) });
    expect(removals[0]?.key).not.toBe(kept?.storageKey as string);
    expect(registry.store.keys()).toContain(removals[0]?.key as string);
  });
});

describe('the digest so far', () => {
  test('is enough for a closing PUT elsewhere, with or without an announced length', async () => {
    const other = registry.node('two');
    for (const body of [bodyOf(NOTHING), streamOf(NOTHING)]) {
      const id = await begin();
      await patch(id, streamOf(LARGE));
      await put(id, sha256(LARGE), { on: other, body });
    }
    expect(node.readAgainBytes() + other.readAgainBytes()).toBe(0);
    await expectStored(LARGE);
  });

  test('goes on where the hash is; spread over nodes the bytes are read once, at the end', async () => {
    const nodes = [registry.node('two'), registry.node('three'), node];
    const id = await begin();
    for (let at = 0; at < 6; at += 1) {
      const chunk = LARGE.slice(at * 30_000, (at + 1) * 30_000);
      const on = nodes[at % 3] as Node;
      await patch(id, bodyOf(chunk), { on, start: at * 30_000 });
    }
    const whole = LARGE.slice(0, 180_000);
    await put(id, sha256(whole), { on: nodes[0] as Node });
    await expectStored(whole);
    const again = nodes.reduce((sum, one) => sum + one.readAgainBytes(), 0);
    expect(again).toBe(whole.length);
  });

  test('is not believed after the machine started again', async () => {
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    const after = registry.node('one', 'boot-2');
    await put(id, sha256(LARGE), { on: after });
    expect(after.readAgainBytes()).toBe(LARGE.length);
    await expectStored(LARGE);
  });

  test('is not believed for a file of another length', async () => {
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    const file = (await findUpload(registry.sql, id))?.file as string;
    const appender = await registry.store.append(file, LARGE.length);
    await appender.write(Uint8Array.of(1));
    await appender.close();
    expect(await refusalOf(put(id, sha256(LARGE)))).toBe('DIGEST_INVALID');
  });

  test('is made anew for another algorithm', async () => {
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    const digest = hashBytes('sha512', LARGE);
    await put(id, digest);
    expect(node.readAgainBytes()).toBe(LARGE.length);
    await expectStored(LARGE, digest);
    // Bytes that come with the closing request are hashed as it asks, at once.
    const body = bodyOf(LARGE.slice(1));
    await put(await begin(), hashBytes('sha512', LARGE.slice(1)), { body });
    expect(node.readAgainBytes()).toBe(LARGE.length);
  });
});

describe('a newer request', () => {
  /** A request that has sent all its bytes and is waiting for more. */
  async function stalled(id: string, on = node) {
    const body = new SentBody();
    const ended = refusalOf(patch(id, body, { on, start: 0 }));
    for (let at = 0; at < LARGE.length; at += 50_000) body.send(LARGE.slice(at, at + 50_000));
    await body.taken();
    return { body, ended };
  }

  test('takes over from one of this process whose connection is dead', async () => {
    const id = await begin();
    const older = await stalled(id);
    expect(await refusalOf(patch(id, bodyOf(SMALL)))).toBe('RANGE_INVALID');
    const start = await status(id);
    expect(start).toBe(LARGE.length);
    await patch(id, bodyOf(SMALL), { start });
    expect(await older.ended).toBe('RANGE_INVALID');
    const whole = Buffer.concat([LARGE, SMALL]);
    await put(id, sha256(whole));
    await expectStored(whole);
    expect(node.readAgainBytes()).toBe(0);
  });

  test('takes over from another process, which can neither append, record nor finish', async () => {
    const id = await begin();
    const older = await stalled(id);
    const other = registry.node('two');
    const start = await status(id, other);
    expect(start).toBe(LARGE.length);
    await patch(id, bodyOf(SMALL), { on: other, start });
    older.body.send(patternBytes(70_000, 9));
    older.body.end();
    expect(await older.ended).toBe('RANGE_INVALID');
    const whole = Buffer.concat([LARGE, SMALL]);
    expect(await status(id, other)).toBe(whole.length);
    await put(id, sha256(whole), { on: other });
    await expectStored(whole);
    const removals = await nextRemovals(registry.sql, { after: 0, limit: 10 });
    expect(removals.map(({ kind }) => kind)).toEqual(['upload']);
  });

  test('takes over at every step of an older closing request elsewhere', async () => {
    const other = registry.node('two');
    for (const step of ['takeOver', 'intendKey', 'finishUpload']) {
      for (const withBytes of [true, false]) {
        const id = await begin();
        const first = LARGE.slice(0, 100_000);
        await patch(id, bodyOf(withBytes ? first : LARGE));
        const stopped = Promise.withResolvers<void>();
        const goOn = Promise.withResolvers<void>();
        let isArmed = true;
        registry.beforeCommand = async (name) => {
          if (name !== step || !isArmed) return;
          isArmed = false;
          stopped.resolve();
          await goOn.promise;
        };
        const body = bodyOf(withBytes ? LARGE.slice(100_000) : NOTHING);
        const older = refusalOf(put(id, sha256(LARGE), { body }));
        const reached = await Promise.race([
          stopped.promise.then(() => true),
          older.then(() => false),
        ]);
        registry.beforeCommand = undefined;
        const large = { repository: REPOSITORY, actor: SOMEONE, digest: sha256(LARGE) };
        if (!reached) {
          // A closing request without bytes takes the upload and names the key in one step.
          expect([step, withBytes]).toEqual(['intendKey', false]);
          await registry.commands.run('deleteBlob', large);
          continue;
        }
        const start = await status(id, other);
        const whole = Buffer.concat([LARGE.slice(0, start), SMALL]);
        await patch(id, bodyOf(SMALL), { on: other, start });
        goOn.resolve();
        expect(await older).toBe('RANGE_INVALID');
        expect(await status(id, other)).toBe(whole.length);
        await put(id, sha256(whole), { on: other });
        await expectStored(whole);
        expect(await refusalOf(registry.commands.run('deleteBlob', large))).toBe('BLOB_UNKNOWN');
        await registry.commands.run('deleteBlob', { ...large, digest: sha256(whole) });
      }
    }
  });

  /** Lets a command wait until it is told to go on; only the first of that name. */
  function stopAt(name: string) {
    const stopped = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const others = registry.beforeCommand;
    let isArmed = true;
    registry.beforeCommand = async (asked) => {
      await others?.(asked);
      if (asked !== name || !isArmed) return;
      isArmed = false;
      stopped.resolve();
      await goOn.promise;
    };
    return { stopped: stopped.promise, goOn: goOn.resolve };
  }

  for (const winner of ['older', 'newer'] as const) {
    test(`that retries a closing PUT elsewhere leaves no blob without bytes, when the ${winner} one wins`, async () => {
      const other = registry.node('two');
      const id = await begin();
      await patch(id, bodyOf(LARGE));
      const atFinish = stopAt('finishUpload');
      const older = refusalOf(put(id, sha256(LARGE)));
      await atFinish.stopped;
      const atTake = stopAt('takeOver');
      const newer = refusalOf(put(id, sha256(LARGE), { on: other }));
      await atTake.stopped;
      // The older one has given the bytes their key, and the newer one has seen that.
      const steps = [
        { goOn: atFinish.goOn, ended: older },
        { goOn: atTake.goOn, ended: newer },
      ];
      if (winner === 'newer') steps.reverse();
      const ended: string[] = [];
      for (const step of steps) {
        step.goOn();
        ended.push(await step.ended);
      }
      expect(ended[0]).toBe('none');
      expect(['BLOB_UPLOAD_UNKNOWN', 'RANGE_INVALID']).toContain(ended[1] as string);
      await expectStored(LARGE);
      expect(registry.store.keys()).toHaveLength(1);
    });
  }

  test('with another digest cannot end what a still newer one is writing', async () => {
    const other = registry.node('two');
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    const stopped = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    registry.beforeCommand = async (name) => {
      if (name !== 'dropUpload') return;
      stopped.resolve();
      await goOn.promise;
    };
    const older = refusalOf(put(id, sha256(SMALL)));
    await stopped.promise;
    await patch(id, bodyOf(SMALL), { on: other, start: LARGE.length });
    goOn.resolve();
    expect(await older).toBe('RANGE_INVALID');
    expect(await status(id, other)).toBe(LARGE.length + SMALL.length);
  });
});

describe('after a fault', () => {
  const full = new BlobStoreError('full', 'No room.');
  const failed = new BlobStoreError('failed', 'Broken.');

  test('of the database after the bytes got their key, a second PUT succeeds', async () => {
    for (const on of [node, registry.node('one-again'), registry.node('other', 'boot-2')]) {
      const bytes = patternBytes(100_000, on.instance.length);
      const id = await begin();
      await patch(id, bodyOf(bytes));
      registry.beforeCommand = (name) => {
        if (name === 'finishUpload') throw new RegistryError('UNAVAILABLE');
      };
      expect(await refusalOf(put(id, sha256(bytes)))).toBe('UNAVAILABLE');
      registry.beforeCommand = undefined;
      expect(await status(id, on)).toBe(bytes.length);
      await put(id, sha256(bytes), { on });
      await expectStored(bytes, sha256(bytes));
    }
  });

  test('of the store before or after a commit, a second PUT succeeds', async () => {
    for (const when of ['before', 'after'] as const) {
      const bytes = patternBytes(100_000, when.length);
      const id = await begin();
      await patch(id, bodyOf(bytes));
      registry.plan = (operation) => (operation === 'commit' ? { when, error: failed } : undefined);
      expect(await refusalOf(put(id, sha256(bytes)))).toBe('store: failed');
      registry.plan = undefined;
      await put(id, sha256(bytes));
      await expectStored(bytes);
    }
  });

  test('that took the bytes away, a closing PUT says so and ends the upload', async () => {
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    await registry.store.discard((await findUpload(registry.sql, id))?.file as string);
    expect(await status(id)).toBe(0);
    expect(await refusalOf(put(id, sha256(LARGE)))).toBe('DIGEST_INVALID');
  });

  test('a broken disk in the middle of a PATCH keeps what it took, and goes on from there', async () => {
    const id = await begin();
    let writes = 0;
    registry.plan = (operation) =>
      operation === 'write' && ++writes > 2
        ? { when: 'cut', bytes: 1_000, error: failed }
        : undefined;
    expect(await refusalOf(patch(id, bodyOf(LARGE)))).toBe('store: failed');
    registry.plan = undefined;
    const start = await status(id);
    expect(start).toBeGreaterThan(0);
    expect(start).toBeLessThan(LARGE.length);
    await put(id, sha256(LARGE), { body: bodyOf(LARGE.slice(start)), start });
    await expectStored(LARGE);
  });

  test('a full disk in the middle of a PATCH gets back what that took, and no more', async () => {
    for (const held of [0, LARGE.length]) {
      const id = await begin();
      if (held > 0) await patch(id, bodyOf(LARGE));
      let writes = 0;
      registry.plan = (operation) =>
        operation === 'write' && ++writes > 2
          ? { when: 'cut', bytes: 1_000, error: full }
          : undefined;
      expect(await refusalOf(patch(id, bodyOf(LARGE), { start: held }))).toBe('store: full');
      registry.plan = undefined;
      expect(await status(id)).toBe(held);
      const { file } = (await findUpload(registry.sql, id)) as { file: string };
      expect(await registry.store.uploadLength(file)).toBe(held);
      await patch(id, bodyOf(LARGE), { start: held });
      const whole = Buffer.concat([held > 0 ? LARGE : Buffer.alloc(0), LARGE]);
      await put(id, sha256(whole));
      await expectStored(whole);
    }
  });

  for (const operation of ['append', 'write'] as const) {
    test(`a disk that is full at the first ${operation} does not lose what was held before`, async () => {
      const id = await begin();
      await patch(id, bodyOf(SMALL));
      registry.plan = (asked) =>
        asked === operation ? { when: 'before', error: full } : undefined;
      const more = () => patch(id, bodyOf(LARGE), { start: SMALL.length });
      expect(await refusalOf(more())).toBe('store: full');
      registry.plan = undefined;
      expect(await status(id)).toBe(SMALL.length);
      await more();
      const whole = Buffer.concat([SMALL, LARGE]);
      await put(id, sha256(whole));
      await expectStored(whole);
    });
  }

  test('a process that died between taking and writing stands in nobody’s way', async () => {
    const id = await begin();
    const take = { id, seen: 0, writer: 'dead', file: `${id}-1`, storageKey: undefined };
    await registry.commands.run('takeOver', take);
    expect(await status(id)).toBe(0);
    await put(id, sha256(LARGE), { body: bodyOf(LARGE), start: 0 });
    await expectStored(LARGE);
  });

  test('a copy that a dead process left does not stand in the way of the next', async () => {
    const id = await begin();
    await patch(id, bodyOf(LARGE));
    const { fence, file } = (await findUpload(registry.sql, id)) as { fence: number; file: string };
    const take = { id, seen: fence, writer: 'dead', file, storageKey: undefined };
    await registry.commands.run('takeOver', take);
    registry.beforeCommand = (name) => {
      if (name === 'takeOver') throw new RegistryError('UNAVAILABLE');
    };
    expect(await refusalOf(patch(id, bodyOf(SMALL), { start: LARGE.length }))).toBe('UNAVAILABLE');
    registry.beforeCommand = undefined;
    await patch(id, bodyOf(SMALL), { start: LARGE.length });
    const whole = Buffer.concat([LARGE, SMALL]);
    await put(id, sha256(whole));
    await expectStored(whole);
  });
});

describe('what a rule refuses', () => {
  const refuse: Guards = {
    ...NO_GUARDS,
    async afterGrowth() {
      throw new RegistryError('DENIED', 'The quota is full.');
    },
  };

  for (const { what, size } of [
    { what: 'a small blob', size: 10 },
    { what: 'a file', size: 100_000 },
  ]) {
    test(`${what}: the upload ends, and its bytes go`, async () => {
      const strict = await openSuiteRegistry(refuse);
      try {
        strict.sql.execute(`insert into usage_scopes
          (path, bytes, blobs, tags, repositories, state, counted_to, is_limited, created_at)
          values ('team', 0, 0, 0, 0, 'exact', '', 1, 0)`);
        const parts = strict.node('one');
        const bytes = patternBytes(size);
        const { id } = await beginUpload(parts, {
          repository: REPOSITORY,
          actor: 'x',
          algorithm: 'sha256',
        });
        const finish = { repository: REPOSITORY, id, start: undefined, body: bodyOf(bytes) };
        const work = finishUpload(parts, { ...finish, digest: sha256(bytes) });
        expect(await refusalOf(work)).toBe('DENIED');
        expect(await findUpload(strict.sql, id)).toBeUndefined();
        for (const removal of await nextRemovals(strict.sql, { after: 0, limit: 10 })) {
          expect(await isStillNamed(strict.sql, removal)).toBe(false);
        }
        const left = await nextRemovals(strict.sql, { after: 0, limit: 10 });
        expect(left.length > 0 || size === 10).toBe(true);
      } finally {
        await strict.close();
      }
    });
  }
});
