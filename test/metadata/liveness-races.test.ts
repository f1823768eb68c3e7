// What is live on PostgreSQL when one transaction lets go of what another one is just taking: each pair is
// stopped at the worst moment, and what the columns say is worked out anew from nothing.
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { moveTagCommands } from '../../src/lifecycle/history/move-tag.command.ts';
import { leaseCommands } from '../../src/lifecycle/leases/lease.command.ts';
import { nameCommands } from '../../src/lifecycle/names/commands.ts';
import { trashCommands } from '../../src/lifecycle/trash/commands.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import {
  type Command,
  type Commands,
  type CommandTable,
  synced,
} from '../../src/metadata/command.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { listTrash } from '../../src/metadata/trash-items.ts';
import { recountUsage } from '../../src/metadata/usage-scopes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { registryCommands } from '../../src/registry/commands.ts';
import { type Guards, NO_GUARDS, type TagChange } from '../../src/registry/guards.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { recomputeLiveness } from './recompute-liveness.ts';

const missing = postgresMissing();
const test = requires('postgres', missing === undefined, missing ?? '');
/** Milliseconds: a deadlock is noticed by the server after a second. */
const RACE_MS = 60_000;

function raceCommands(guards: Guards) {
  return {
    ...registryCommands(guards),
    ...moveTagCommands(guards),
    ...trashCommands(guards),
    ...nameCommands(guards),
    ...leaseCommands(),
  };
}

let sql: PostgresSql;
let commands: Commands<ReturnType<typeof raceCommands>>;
let pool: ReturnType<typeof openPostgresPool>;
let close = async () => {};
/** Waits inside a transaction, before a tag of it moves. */
let beforeTagChange: (change: TagChange) => Promise<void> = async () => {};

beforeAll(async () => {
  if (missing !== undefined) return;
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  pool = openPostgresPool(url, 20);
  const guards: Guards = {
    ...NO_GUARDS,
    beforeTagChange: (_tx: Transaction, change) => beforeTagChange(change),
  };
  const runner = new PostgresCommands(pool, counted(raceCommands(guards)));
  sql = new PostgresSql(pool);
  commands = runner as unknown as typeof commands;
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
  return `race${made}/app` as RepositoryName;
}

const OCI = 'application/vnd.oci.image';

async function pushBlob(repository: RepositoryName, text: string): Promise<Digest> {
  const payload = Buffer.from(text);
  const digest = hashBytes('sha256', payload);
  const blob = { repository, digest, size: payload.length, place: { payload } };
  await commands.run('finishUpload', { upload: undefined, ...blob });
  return digest;
}

/** An image with one layer of its own. */
async function push(repository: RepositoryName, text: string, tags: string[]): Promise<Digest> {
  const config = await pushBlob(repository, '{}');
  const layer = await pushBlob(repository, text);
  return pushImage(repository, { config, layers: [layer], tags });
}

async function pushImage(
  repository: RepositoryName,
  image: { config: Digest; layers: Digest[]; tags: string[]; note?: string },
): Promise<Digest> {
  const { config, layers, tags, note = '' } = image;
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: `${OCI}.config.v1+json`, digest: config, size: 2 },
    layers: layers.map((digest) => ({ mediaType: `${OCI}.layer.v1.tar`, digest, size: 1 })),
    annotations: { note },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = hashBytes('sha256', bytes);
  await pushManifest(
    { commands, missingParts: 'refuse' },
    {
      repository,
      actor: SYSTEM,
      reference: { kind: 'digest', digest },
      tags: tags as Tag[],
      contentType: mediaType,
      bytes,
      condition: { ifMatch: null, ifNoneMatch: null },
    },
  );
  return digest;
}

/** How many transactions wait for another's lock now. */
async function waitingForLocks(): Promise<number> {
  const rows = await pool.unsafe(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.n as number;
}

/** Stops `first` before it moves its tag, lets `second` run until it waits or ends, then lets `first` go on. */
async function against(
  tag: string,
  { first, second }: { first: () => Promise<unknown>; second: () => Promise<unknown> },
): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  beforeTagChange = async (change) => {
    if (change.tag !== tag) return;
    stopped.resolve();
    await goOn.promise;
  };
  const one = first();
  await Promise.race([stopped.promise, one]);
  beforeTagChange = async () => {};
  let isOver = false;
  const other = second().finally(() => {
    isOver = true;
  });
  while (!isOver && (await waitingForLocks()) === 0);
  goOn.resolve();
  await Promise.all([one, other]);
}

async function expectSound(repository: RepositoryName): Promise<void> {
  expect((await recomputeLiveness(sql)).differences).toEqual([]);
  await expectCounted(repository);
}

async function expectCounted(repository: RepositoryName): Promise<void> {
  const [scope] = repository.split('/');
  const rows = await pool.unsafe(
    `select (s.bytes + coalesce(sum(c.bytes), 0))::bigint as bytes, (s.tags + coalesce(sum(c.tags), 0))::bigint as tags
     from usage_scopes s left join usage_changes c on c.scope_id = s.id where s.path = $1 group by s.id`,
    [scope ?? ''],
  );
  const { bytes, tags } = await recountUsage(sql, scope ?? '');
  expect({ ...rows[0] }).toEqual({ bytes, tags });
}

describe('what is taken while its last tag goes', () => {
  const actor = SYSTEM;

  test(
    'a tag that is set to it',
    async () => {
      const repository = freshRepository();
      const digest = await push(repository, 'one', ['old']);
      await against('new', {
        first: () => commands.run('setTag', { repository, actor, tag: 'new' as Tag, digest }),
        second: () => commands.run('deleteTag', { repository, actor, tag: 'old' as Tag }),
      });
      await expectSound(repository);
    },
    RACE_MS,
  );

  test(
    'a tag that returns to it',
    async () => {
      const repository = freshRepository();
      await push(repository, 'one', ['old', 'new']);
      await commands.run('deleteTag', { repository, actor, tag: 'new' as Tag });
      const way = { kind: 'steps', count: 1 } as const;
      await against('new', {
        first: () =>
          commands.run('rollBackTag', {
            repository,
            actor,
            tag: 'new' as Tag,
            way,
            restores: false,
            isOverriding: false,
          }),
        second: () => commands.run('deleteTag', { repository, actor, tag: 'old' as Tag }),
      });
      await expectSound(repository);
    },
    RACE_MS,
  );

  test(
    'a tag that comes back from the trash',
    async () => {
      const repository = freshRepository();
      await push(repository, 'one', ['old', 'new']);
      await commands.run('deleteTag', { repository, actor, tag: 'new' as Tag });
      const filter = { path: repository };
      const [item] = await listTrash(sql, { filter, after: undefined, limit: 1 });
      await against('new', {
        first: () =>
          commands.run('restoreItem', {
            id: item?.id as number,
            actor,
            tags: null,
            isReplacing: false,
          }),
        second: () => commands.run('deleteTag', { repository, actor, tag: 'old' as Tag }),
      });
      await expectSound(repository);
    },
    RACE_MS,
  );
});

describe('pushes at once', () => {
  test(
    'of images that share new layers never wait in a circle',
    async () => {
      const repository = freshRepository();
      const config = await pushBlob(repository, '{}');
      // The first push of all has the repository listed, and the others wait for that.
      await push(repository, 'before', []);
      const layers = [await pushBlob(repository, 'one'), await pushBlob(repository, 'two')];
      const holding = await pool.reserve();
      await holding`begin`;
      await holding`select 1 from repository_blobs for share`;
      attempts = 0;
      const pushes = ['a', 'b', 'c'].map((note) =>
        pushImage(repository, { config, layers, tags: [], note }),
      );
      // All stand before the same rights at once.
      while ((await waitingForLocks()) < pushes.length);
      await holding`commit`;
      holding.release();
      await Promise.all(pushes);
      expect(attempts).toBe(pushes.length);
      await expectSound(repository);
    },
    RACE_MS,
  );

  test(
    'that move tags of one repository never wait in a circle',
    async () => {
      const repository = freshRepository();
      const config = await pushBlob(repository, '{}');
      const layers = [await pushBlob(repository, 'base')];
      attempts = 0;
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(
          Array.from({ length: 8 }, async (_, at) => {
            const own = await pushBlob(repository, `layer ${round} of ${at}`);
            await pushImage(repository, { config, layers: [...layers, own], tags: [`t${at}`] });
          }),
        );
      }
      expect(attempts).toBe(5 * 8 * 2);
      await expectSound(repository);
    },
    RACE_MS,
  );
});

describe('what a lease lets go of while its repository moves', () => {
  test(
    'is taken off the counters of where it lies now',
    async () => {
      const actor = SYSTEM;
      const repository = freshRepository();
      const to = freshRepository();
      const name = `lease-${repository.replace('/', '-')}`;
      await push(to.replace('app', 'other') as RepositoryName, 'other', ['v1']);
      const digest = await push(repository, 'one', []);
      await commands.run('putLease', {
        name,
        actor,
        managed: [],
        ttlMs: 60_000,
        items: [{ repository, digest }],
        detail: '',
      });
      await commands.run('endLease', { name, actor, managed: [] });
      const release = await pool.reserve();
      await release`begin`;
      await release`select 1 from lease_items for update`;
      const released = commands.run('releaseEndedLeases', null);
      while ((await waitingForLocks()) === 0);
      const renamed = commands.run('renamePlace', {
        kind: 'repository',
        path: repository,
        to,
        keepMs: 0,
        grants: 'take',
        actor,
      });
      while ((await waitingForLocks()) < 2 && (await isOpen(renamed)));
      await release`commit`;
      release.release();
      await Promise.all([released, renamed]);
      await expectSound(to);
      await expectCounted(repository);
    },
    RACE_MS,
  );
});

async function isOpen(work: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  return (await Promise.race([work, Promise.resolve(open)])) === open;
}
