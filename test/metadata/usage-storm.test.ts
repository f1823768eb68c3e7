// Counters and liveness after a storm: random pushes, moves, deletes, mounts and leases, many at once, on
// both engines; then everything is worked out a second time, from nothing, in another way, and compared.
import { describe, expect } from 'bun:test';
import { allCommands } from '../../src/app/commands.ts';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { countUsage, foldChanges } from '../../src/jobs/usage-counters.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import type { Commands } from '../../src/metadata/command.ts';
import { synced } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import type { Sql, Transaction } from '../../src/metadata/sql.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { ensureScope, readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { recomputeLiveness } from './recompute-liveness.ts';

const missing = postgresMissing();

/** A counter beside those that the program makes by itself. */
const makeScope = synced((tx: Transaction, path: string) =>
  ensureScope(tx, { path, state: 'counting' }),
);

function stormCommands() {
  return { ...allCommands(), makeScope };
}
type StormCommands = Commands<ReturnType<typeof stormCommands>>;

interface Registry {
  readonly sql: Sql;
  readonly commands: StormCommands;
  close(): Promise<void>;
}

async function openSqlite(): Promise<Registry> {
  const sql = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({ connection: sql, commands: stormCommands() });
  return { sql, commands: commit as unknown as StormCommands, close: () => commit.close() };
}

async function openPostgres(): Promise<Registry> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 12);
  const runner = new PostgresCommands(pool, stormCommands());
  return {
    sql: new PostgresSql(pool),
    commands: runner as unknown as StormCommands,
    close: () => runner.close(),
  };
}

/** The same numbers for the same seed; what runs at once on PostgreSQL is not the same. */
function numbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const REPOSITORIES = ['a/x', 'a/y', 'a/deep/z', 'b/x'] as RepositoryName[];
const TAGS = ['one', 'two', 'three'] as Tag[];
const CONDITION = { ifMatch: null, ifNoneMatch: null };
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Everything that was pushed anywhere, to be named again. */
class Storm {
  readonly #parts: Registry;
  readonly #pick: (below: number) => number;
  readonly #manifests: { digest: Digest; size: number; mediaType: string }[] = [];

  constructor(parts: Registry, pick: (below: number) => number) {
    this.#parts = parts;
    this.#pick = pick;
  }

  #any<T>(list: readonly T[]): T {
    return list[this.#pick(list.length)] as T;
  }

  async #layer(repository: RepositoryName) {
    // Few and of different sizes, so that many images share them.
    const text = `layer ${this.#pick(6)}`.repeat(1 + this.#pick(3));
    const bytes = new Uint8Array(Buffer.from(text));
    const digest = hashBytes('sha256', bytes);
    const from = this.#any(REPOSITORIES);
    const isMounted =
      this.#pick(2) === 0 &&
      (await this.#parts.commands.run('mountBlob', { repository, from, digest }));
    if (!isMounted) {
      await this.#parts.commands.run('finishUpload', {
        upload: undefined,
        repository,
        digest,
        size: bytes.length,
        place: { payload: bytes },
      });
    }
    return { mediaType: LAYER, digest, size: bytes.length };
  }

  async #push(repository: RepositoryName, manifest: object): Promise<void> {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(manifest)));
    const digest = hashBytes('sha256', bytes);
    const isTagged = this.#pick(3) > 0;
    const tags = this.#pick(3) === 0 ? TAGS : [this.#any(TAGS)];
    await pushManifest(
      { commands: this.#parts.commands as never, missingParts: 'refuse' },
      {
        repository,
        actor: SYSTEM,
        reference: { kind: 'digest', digest },
        tags: isTagged ? tags : [],
        contentType: undefined,
        bytes,
        condition: CONDITION,
      },
    );
    const { mediaType } = manifest as { mediaType: string };
    this.#manifests.push({ digest, size: bytes.length, mediaType });
  }

  async #image(repository: RepositoryName): Promise<void> {
    const config = { ...(await this.#layer(repository)), mediaType: CONFIG };
    const layers = [await this.#layer(repository), await this.#layer(repository)];
    const subject = this.#pick(3) === 0 ? this.#manifests.at(-1) : undefined;
    const image = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
    await this.#push(repository, subject === undefined ? image : { ...image, subject });
  }

  async #index(repository: RepositoryName): Promise<void> {
    const manifests = [...this.#manifests].slice(-3).filter(() => this.#pick(2) === 0);
    await this.#push(repository, { schemaVersion: 2, mediaType: INDEX, manifests });
  }

  async step(): Promise<void> {
    const repository = this.#any(REPOSITORIES);
    const { commands } = this.#parts;
    const actor = SYSTEM;
    const act = this.#pick(12);
    if (act < 5) await this.#image(repository);
    else if (act < 7) await this.#index(repository);
    else if (act < 9) await commands.run('deleteTag', { repository, actor, tag: this.#any(TAGS) });
    else if (act < 11 && this.#manifests.length > 0) {
      const { digest } = this.#any(this.#manifests);
      await commands.run('deleteManifest', { repository, actor, digest });
    } else {
      const { digest } = await this.#layer(repository);
      await commands.run('deleteBlob', { repository, actor, digest });
    }
  }
}

/** What a registry says to a client who asks for what cannot be. */
const REFUSALS = [
  'DENIED',
  'NAME_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'BLOB_UNKNOWN',
  'MANIFEST_BLOB_UNKNOWN',
];

async function run(parts: Registry, storm: { seed: number; clients: number; steps: number }) {
  const workers = Array.from({ length: storm.clients }, async (_, client) => {
    const client_ = new Storm(parts, numbers(storm.seed * 100 + client));
    for (let step = 0; step < storm.steps; step += 1) {
      await client_.step().catch((error: unknown) => {
        if (!(error instanceof RegistryError) || !REFUSALS.includes(error.code)) throw error;
      });
      if (client === 0 && step === Math.floor(storm.steps / 2)) {
        await parts.commands.run('makeScope', 'a/deep');
        await parts.commands.run('makeScope', '');
      }
    }
  });
  await Promise.all(workers);
}

async function check(parts: Registry): Promise<void> {
  const context = { extend: async () => {}, isStopping: () => false };
  await countUsage(parts as never, context);
  const before = await readScopes(parts.sql, ['', 'a', 'a/deep', 'b']);
  await foldChanges(parts as never, context);
  const scopes = await readScopes(parts.sql, ['', 'a', 'a/deep', 'b']);
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
  expect(scopes.sort(byPath)).toEqual(before.sort(byPath));
  expect(scopes.map(({ path }) => path)).toEqual(['', 'a', 'a/deep', 'b']);
  for (const { path, bytes, blobs, tags, repositories, state } of scopes) {
    expect({ path, state, bytes, blobs, tags, repositories }).toEqual({
      path,
      state: 'exact',
      ...(await recountUsage(parts.sql, path)),
    });
  }
  const { differences, live, released } = await recomputeLiveness(parts.sql);
  expect(differences).toEqual([]);
  expect(live).toBeGreaterThan(0);
  expect(released).toBeGreaterThan(0);
}

const engines = [
  { engine: 'SQLite', open: openSqlite, test: requires('sqlite', true, ''), clients: 1, seeds: 6 },
  {
    engine: 'PostgreSQL',
    open: openPostgres,
    test: requires('postgres', missing === undefined, missing ?? ''),
    clients: 8,
    seeds: 4,
  },
] as const;

for (const { engine, open, test, clients, seeds } of engines) {
  describe(`after a storm on ${engine}`, () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      test(`with seed ${seed} all counters and all that is live are as if counted anew`, async () => {
        const parts = await open();
        try {
          await run(parts, { seed, clients, steps: clients === 1 ? 300 : 60 });
          await check(parts);
        } finally {
          await parts.close();
        }
      }, 120_000);
    }
  });
}
