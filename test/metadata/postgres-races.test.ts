// PostgreSQL with many writers at once: the commands of the registry, run against each other.

import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { type JobCommands, jobCommands } from '../../src/jobs/job.command.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import {
  type Command,
  type Commands,
  type CommandTable,
  synced,
} from '../../src/metadata/command.ts';
import { findManifestByTag } from '../../src/metadata/manifests.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { findRepository } from '../../src/metadata/repositories.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { readTagEvents } from '../../src/metadata/tag-history.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { type RegistryCommands, registryCommands } from '../../src/registry/commands.ts';
import { NO_GUARDS } from '../../src/registry/guards.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

const missing = postgresMissing();
const test = requires('postgres', missing === undefined, missing ?? '');

/** Milliseconds that a race may take: a deadlock is noticed by the server after a second. */
const RACE_MS = 60_000;

let sql: PostgresSql;
let commands: Commands<RegistryCommands & JobCommands>;
let pool: ReturnType<typeof openPostgresPool>;
let close = async () => {};
/** Waits inside the transaction of a push, before its tags move. */
let beforeTagChange: () => Promise<void> = async () => {};

beforeAll(async () => {
  if (missing !== undefined) return;
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  pool = openPostgresPool(url, 20);
  const guards = { ...NO_GUARDS, beforeTagChange: (_tx: Transaction) => beforeTagChange() };
  const runner = new PostgresCommands(
    pool,
    counted({ ...registryCommands(guards), ...jobCommands() }),
  );
  sql = new PostgresSql(pool);
  commands = runner as unknown as Commands<RegistryCommands & JobCommands>;
  close = () => runner.close();
}, 60_000);
afterAll(() => close());

/** Transactions begun: more than commands asked for when the server broke a deadlock. */
let attempts = 0;

function counted(table: CommandTable): CommandTable {
  const entries = Object.entries(table).map(([name, command]) => {
    const { run, durability } = command as Command<unknown, unknown>;
    const counting = synced((tx: Transaction, args: unknown) => {
      attempts += 1;
      return run(tx, args);
    });
    return [name, { ...counting, durability }] as const;
  });
  return Object.fromEntries(entries) as CommandTable;
}

let made = 0;
function freshRepository(): RepositoryName {
  made += 1;
  return `race/n${made}/app` as RepositoryName;
}

async function pushBlob(repository: RepositoryName, text: string): Promise<Digest> {
  const payload = Buffer.from(text);
  const digest = hashBytes('sha256', payload);
  const place = { payload };
  const size = payload.length;
  await commands.run('finishUpload', { upload: undefined, repository, digest, size, place });
  return digest;
}

interface Push {
  readonly repository: RepositoryName;
  readonly tags: readonly string[];
  readonly layers?: readonly Digest[];
  readonly children?: readonly Digest[];
  readonly note?: string;
}

const OCI = 'application/vnd.oci.image';

/** Pushes an image with these layers, or an index with these children. */
async function push(one: Push): Promise<Digest> {
  const { repository, layers, children } = one;
  const kind = children === undefined ? 'manifest' : 'index';
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.${kind}.v1+json`,
    ...(children === undefined
      ? {
          config: { mediaType: `${OCI}.config.v1+json`, digest: EMPTY, size: 2 },
          layers: (layers ?? []).map((digest) => ({
            mediaType: `${OCI}.layer.v1.tar`,
            digest,
            size: 1,
          })),
        }
      : {
          manifests: children.map((digest) => ({
            mediaType: `${OCI}.manifest.v1+json`,
            digest,
            size: 1,
          })),
        }),
    annotations: { note: one.note ?? '' },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = hashBytes('sha256', bytes);
  const pushed = await pushManifest(
    { commands, missingParts: 'refuse' },
    {
      repository,
      actor: SYSTEM,
      reference: { kind: 'digest', digest },
      tags: one.tags as Tag[],
      contentType: manifest.mediaType,
      bytes,
      condition: { ifMatch: null, ifNoneMatch: null },
    },
  );
  return pushed.digest;
}

const EMPTY = hashBytes('sha256', Buffer.from('{}'));

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => (error instanceof RegistryError ? error.code : String(error)),
  );
}

async function tagged(repository: RepositoryName, tag: string): Promise<Digest | undefined> {
  return (await findManifestByTag(sql, { repository, tag: tag as Tag }))?.digest;
}

/** How many transactions wait for another's lock now. */
async function waitingForLocks(): Promise<number> {
  const rows = await pool.unsafe(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.n as number;
}

/**
 * Stops the first push just before its tags move, lets `second` run until it waits for a lock or ends,
 * then lets the push go on. @returns how both ended.
 */
async function against(first: () => Promise<unknown>, second: () => Promise<unknown>) {
  const stopped = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  beforeTagChange = async () => {
    beforeTagChange = async () => {};
    stopped.resolve();
    await goOn.promise;
  };
  const firstEnd = codeOf(first());
  await stopped.promise;
  let isOver = false;
  const secondEnd = codeOf(second()).finally(() => {
    isOver = true;
  });
  while (!isOver && (await waitingForLocks()) === 0);
  goOn.resolve();
  return { first: await firstEnd, second: await secondEnd };
}

describe('commands in PostgreSQL at the same time', () => {
  test(
    'first pushes of one blob, repository and namespace all succeed, and make one row each',
    async () => {
      for (let round = 0; round < 10; round += 1) {
        const repository = freshRepository();
        const text = `blob ${round}`;
        await Promise.all(Array.from({ length: 16 }, () => pushBlob(repository, text)));
        expect(await findRepository(sql, repository)).toBeNumber();
      }
      const rows = await pool.unsafe(
        `select count(*)::int as n from namespaces where path like 'race%'`,
      );
      expect(rows[0]?.n).toBe(11);
      const blobs = await pool.unsafe('select count(*)::int as n from blobs');
      expect(blobs[0]?.n).toBe(10);
    },
    RACE_MS,
  );

  test(
    'first pushes of one manifest to one tag all succeed, with one event',
    async () => {
      const repository = freshRepository();
      const layers = [await pushBlob(repository, '{}')];
      const all = Array.from({ length: 16 }, () => push({ repository, tags: ['v1'], layers }));
      const [digest] = await Promise.all(all);
      expect(await tagged(repository, 'v1')).toBe(digest as Digest);
      const id = (await findRepository(sql, repository)) as number;
      expect(
        await readTagEvents(sql, { repository: id, name: 'v1' as Tag, limit: 99 }),
      ).toHaveLength(1);
    },
    RACE_MS,
  );

  test(
    'sixteen pushes to one tag make sixteen events in an unbroken chain',
    async () => {
      const repository = freshRepository();
      const layers = [await pushBlob(repository, '{}')];
      await Promise.all(
        Array.from({ length: 16 }, (_, at) =>
          push({ repository, tags: ['v1'], layers, note: `${at}` }),
        ),
      );
      const id = (await findRepository(sql, repository)) as number;
      const history = (
        await readTagEvents(sql, { repository: id, name: 'v1' as Tag, limit: 99 })
      ).reverse();
      expect(history.map((event) => event.sequence)).toEqual(history.map((_, at) => at + 1));
      expect(history).toHaveLength(16);
      history.forEach((event, at) => {
        expect(event.from).toBe(history[at - 1]?.to as Digest);
        if (at > 0) expect(event.at).toBeGreaterThanOrEqual(history[at - 1]?.at as number);
      });
      expect(await tagged(repository, 'v1')).toBe(history.at(-1)?.to as Digest);
    },
    RACE_MS,
  );

  test(
    'pushes of the same tags in opposite orders all succeed',
    async () => {
      const repository = freshRepository();
      const layers = [await pushBlob(repository, '{}')];
      attempts = 0;
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(
          Array.from({ length: 8 }, (_, at) =>
            push({
              repository,
              tags: at % 2 ? ['a', 'b'] : ['b', 'a'],
              layers,
              note: `${round} ${at}`,
            }),
          ),
        );
      }
      expect(await tagged(repository, 'a')).toBe((await tagged(repository, 'b')) as Digest);
      expect(attempts).toBe(5 * 8);
    },
    RACE_MS,
  );

  test(
    'a layer cannot go while a push that names it is being written',
    async () => {
      const repository = freshRepository();
      await pushBlob(repository, '{}');
      const layer = await pushBlob(repository, 'layer');
      const ended = await against(
        () => push({ repository, tags: ['v1'], layers: [layer] }),
        () => commands.run('deleteBlob', { repository, actor: SYSTEM, digest: layer }),
      );
      expect(ended).toEqual({ first: 'done', second: 'DENIED' });
    },
    RACE_MS,
  );

  test(
    'a child cannot go while an index that names it is being written, at any depth',
    async () => {
      const repository = freshRepository();
      await pushBlob(repository, '{}');
      const child = await push({ repository, tags: [], layers: [EMPTY] });
      const index = await push({ repository, tags: [], children: [child] });
      const ended = await against(
        () => push({ repository, tags: ['outer'], children: [index] }),
        () => commands.run('deleteManifest', { repository, actor: SYSTEM, digest: child }),
      );
      expect(ended).toEqual({ first: 'done', second: 'DENIED' });
    },
    RACE_MS,
  );

  test(
    'whoever comes first, no tag is left with a lost part',
    async () => {
      for (let round = 0; round < 15; round += 1) {
        const repository = freshRepository();
        await pushBlob(repository, '{}');
        const layer = await pushBlob(repository, `layer ${round}`);
        const deletion = { repository, actor: SYSTEM, digest: layer };
        const [pushed, deleted] = await Promise.all([
          codeOf(push({ repository, tags: ['v1'], layers: [layer] })),
          codeOf(commands.run('deleteBlob', deletion)),
        ]);
        // One of the two is refused, whatever the order.
        expect([
          ['done', 'DENIED'],
          ['MANIFEST_BLOB_UNKNOWN', 'done'],
        ]).toContainEqual([pushed, deleted]);
      }
    },
    RACE_MS,
  );

  test(
    'deletes and pushes of one manifest and its tags never wait in a circle',
    async () => {
      const repository = freshRepository();
      await pushBlob(repository, '{}');
      const digest = await push({ repository, tags: ['a', 'b'], layers: [EMPTY] });
      const key = { repository, actor: SYSTEM };
      attempts = 0;
      for (let round = 0; round < 10; round += 1) {
        const ended = await Promise.all([
          codeOf(push({ repository, tags: ['b', 'a'], layers: [EMPTY] })),
          codeOf(commands.run('deleteManifest', { ...key, digest })),
          codeOf(commands.run('deleteTag', { ...key, tag: 'a' as Tag })),
          codeOf(push({ repository, tags: ['a', 'c'], layers: [EMPTY] })),
        ]);
        for (const end of ended) expect(['done', 'MANIFEST_UNKNOWN']).toContain(end);
      }
      expect(attempts).toBe(10 * 4);
    },
    RACE_MS,
  );

  test(
    'of many that take an upload at once one gets it; of taking, finishing and expiring one wins',
    async () => {
      const digest = hashBytes('sha256', Buffer.from('upload'));
      for (let round = 0; round < 10; round += 1) {
        const repository = freshRepository();
        const id = `race-${round}`;
        const algorithm = 'sha256' as const;
        await commands.run('startUpload', { id, repository, actor: 'x', algorithm });
        const take = (seen: number, writer: string) =>
          commands.run('takeOver', { id, seen, writer, file: undefined, storageKey: undefined });
        const fences = await Promise.all(Array.from({ length: 12 }, (_, n) => take(0, `p${n}`)));
        expect(fences.filter((fence) => fence !== undefined)).toEqual([1]);

        const [taken, finished, expired] = await Promise.all([
          take(1, 'newer'),
          codeOf(
            commands.run('finishUpload', {
              upload: { id, fence: 1 },
              repository,
              digest,
              size: 6,
              place: { payload: Buffer.from('upload') },
            }),
          ),
          commands.run('expireUpload', { id, before: round % 2 ? 9_000_000_000_000 : 0 }),
        ]);
        // The newer request may take it and then lose it to expiry; the older one never finishes then.
        if (taken !== undefined) expect(finished).not.toBe('done');
        if (finished === 'done') expect([taken, expired]).toEqual([undefined, false]);
        if (round % 2 === 0) expect(expired).toBe(false);
        else expect([taken !== undefined, finished === 'done', expired]).toContain(true);
      }
    },
    RACE_MS,
  );

  test(
    'no job is given to two workers',
    async () => {
      for (let n = 0; n < 6; n += 1) {
        const job = { kind: 'work', key: `job${n}`, arguments: '{}', runAt: 0 };
        await Promise.all([commands.run('addJob', job), commands.run('addJob', job)]);
      }
      const taken: number[] = [];
      // A worker that passes over what another is just taking may find nothing: it looks again.
      while (taken.length < 6) {
        const leases = await Promise.all(
          Array.from({ length: 12 }, (_, n) =>
            commands.run('leaseJob', { owner: `w${n}`, leaseMs: 600_000 }),
          ),
        );
        for (const job of leases) if (job !== undefined) taken.push(job.id);
      }
      expect(new Set(taken).size).toBe(6);
      expect(taken).toHaveLength(6);
      expect(await commands.run('leaseJob', { owner: 'late', leaseMs: 1 })).toBeUndefined();
    },
    RACE_MS,
  );

  test(
    'counts of pulls that two nodes flush at once add up',
    async () => {
      const repository = freshRepository();
      await pushBlob(repository, '{}');
      const ids: number[] = [];
      for (let at = 0; at < 5; at += 1) {
        await push({ repository, tags: [`t${at}`], layers: [EMPTY], note: `${at}` });
        const found = await findManifestByTag(sql, { repository, tag: `t${at}` as Tag });
        ids.push(found?.id as number);
      }
      const counts = ids.map((manifest) => ({ manifest, count: 1, lastAt: 1 }));
      await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          commands.run('addPulls', at % 2 ? counts : counts.toReversed()),
        ),
      );
      const rows = await pool.unsafe('select sum(count)::int as n from manifest_pulls');
      expect(rows[0]?.n).toBe(50);
    },
    RACE_MS,
  );
});
