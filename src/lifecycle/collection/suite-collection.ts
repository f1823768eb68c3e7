// A small registry for tests of the collector: real pushes, deletes and leases over a store in memory.
import { createMemoryBlobStore, type MemoryBlobStore } from '../../blobs/memory.ts';
import { SYSTEM } from '../../metadata/audit.ts';
import { findBlob } from '../../metadata/blobs.ts';
import { collectionRuns } from '../../metadata/collection-runs.ts';
import { type Command, type Commands, synced } from '../../metadata/command.ts';
import { holdManifests } from '../../metadata/liveness.ts';
import { findManifestByDigest, undeleteManifest } from '../../metadata/manifests.ts';
import { writePolicy } from '../../metadata/policies.ts';
import { purgeRepositoryBatch } from '../../metadata/purge.ts';
import { isStillNamed, nextRemovals } from '../../metadata/removals.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import { limitScope, readScopes } from '../../metadata/usage-scopes.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseReference } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { registryCommands } from '../../registry/commands.ts';
import { pushBlob } from '../../registry/finish-upload.ts';
import { NO_GUARDS } from '../../registry/guards.ts';
import { LiveUploads } from '../../registry/live-uploads.ts';
import { pushManifest } from '../../registry/push-manifest.ts';
import { bodyOf, patternBytes, sha256 } from '../../registry/suite-registry.ts';
import { leaseCommands } from '../leases/lease.command.ts';
import {
  type CollectionParts,
  type CollectionResult,
  type CollectionTurn,
  collect,
} from './collect.ts';
import { collectionCommands } from './collection.command.ts';

const rows = statement()((q) =>
  q.selectFrom('blobs').select(['id', 'state', 'unheld_since as unheldSince']),
);
const trash = statement()((q) => q.selectFrom('trash').select(['kind', 'path', 'digest', 'tag']));
const references = statement()((q) => q.selectFrom('manifest_references').select('child_id'));

interface Undelete {
  readonly repository: number;
  readonly name: string;
  readonly manifest: number;
}

export function collectionSuiteCommands() {
  return {
    ...registryCommands(NO_GUARDS),
    ...leaseCommands(),
    ...collectionCommands(),
    undelete: synced(async (tx: Transaction, { repository, manifest, name }: Undelete) => {
      const tally = new UsageTally();
      await undeleteManifest(tx, { repository, manifest });
      await holdManifests(tx, { repository, manifests: [manifest] }, tally);
      await settleUsage(tx, { name, tally });
    }),
    purge: synced((tx: Transaction, args: { repository: number; limit: number }) =>
      purgeRepositoryBatch(tx, args),
    ),
    limit: synced((tx: Transaction, { path }: { path: string }) =>
      limitScope(tx, { path, isLimited: true }),
    ),
    setTrashDays: synced((tx: Transaction, { path, days }: { path: string; days: number }) =>
      writePolicy(tx, { path, kind: 'trash', document: JSON.stringify({ days }), by: 'x' }),
    ),
  } satisfies Record<string, Command<never, unknown>>;
}

export interface OpenedCollection {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof collectionSuiteCommands>>;
  close(): Promise<void>;
}

export const DAY_MS = 24 * 60 * 60 * 1000;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

export interface Content {
  readonly layers?: readonly Digest[];
  readonly manifests?: readonly Digest[];
  readonly subject?: Digest;
  readonly mark?: string;
}

export class CollectionWorld {
  readonly opened: OpenedCollection;
  readonly store: MemoryBlobStore = createMemoryBlobStore();
  early = 0;
  #ahead = 0;
  #ids = 0;

  constructor(opened: OpenedCollection) {
    this.opened = opened;
  }

  get sql(): Sql {
    return this.opened.sql;
  }

  get commands(): OpenedCollection['commands'] {
    return this.opened.commands;
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  /** As the collector sees it: what transactions write bears the time of the database. */
  passDays(days: number): void {
    this.#ahead += days * DAY_MS;
  }

  get parts(): CollectionParts {
    const { sql, commands } = this.opened;
    const settings = { graceMs: DAY_MS, rowsPerSecond: 0 };
    return { sql, commands, settings, now: () => this.now(), pause: async () => {} };
  }

  /** Runs until nothing is due, and says how much went. */
  async collect(turn: Partial<CollectionTurn> = {}): Promise<CollectionResult> {
    let gone = 0;
    for (let runs = 0; runs < 50; runs += 1) {
      const all = { extend: async () => {}, isStopping: () => false, early: this.early, ...turn };
      const result = await collect(this.parts, all);
      gone += result.gone;
      if (result.isOver) return { gone, isOver: true };
    }
    throw new Error('the collector finds no end');
  }

  /** What the job `remove-bytes` does. */
  async removeBytes(): Promise<void> {
    for (const removal of await nextRemovals(this.sql, {
      after: 0,
      now: this.now(),
      limit: 1000,
    })) {
      if (!(await isStillNamed(this.sql, removal))) await this.store.remove(removal.key);
      const { id, size } = removal;
      await this.commands.run('forgetRemoval', { id, bytes: size });
    }
  }

  async blob(repository: string, seed: number, size = 50_000): Promise<Digest> {
    const bytes = patternBytes(size, seed);
    const digest = sha256(bytes);
    const parts = {
      sql: this.sql,
      commands: this.commands,
      blobs: this.store,
      live: new LiveUploads(),
      instance: 'one',
      boot: 'boot',
      newId: () => `made-${++this.#ids}`,
      readAgain: () => {},
    };
    const name = repository as RepositoryName;
    await pushBlob(parts, { repository: name, actor: 'x', digest, body: bodyOf(bytes) });
    return digest;
  }

  /** An image whose first layer is its config, or an index. `reference` '': by its digest. */
  async push(repository: string, reference: string, content: Content): Promise<Digest> {
    const { layers, manifests, subject, mark } = content;
    const of = (mediaType: string) => (digest: Digest) => ({ mediaType, digest, size: 1 });
    const mediaType = manifests === undefined ? MANIFEST : INDEX;
    const [config, ...others] = layers ?? [];
    const json = {
      schemaVersion: 2,
      mediaType,
      ...(manifests === undefined
        ? { config: of(LAYER)(config as Digest), layers: others.map(of(LAYER)) }
        : { manifests: manifests.map(of(MANIFEST)) }),
      ...(subject !== undefined && { subject: of(MANIFEST)(subject) }),
      ...(mark !== undefined && { annotations: { mark } }),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    const digest = sha256(bytes);
    await pushManifest(
      { commands: this.commands, missingParts: 'refuse' },
      {
        repository: repository as RepositoryName,
        actor: SYSTEM,
        reference: parseReference(reference === '' ? digest : reference),
        tags: [],
        contentType: mediaType,
        bytes,
        condition: { ifMatch: null, ifNoneMatch: null },
      },
    );
    return digest;
  }

  async deleteTag(repository: string, tag: string): Promise<void> {
    const name = repository as RepositoryName;
    await this.commands.run('deleteTag', { repository: name, actor: SYSTEM, tag: tag as never });
  }

  async deleteManifest(repository: string, digest: Digest): Promise<void> {
    const name = repository as RepositoryName;
    await this.commands.run('deleteManifest', { repository: name, actor: SYSTEM, digest });
  }

  async hasManifest(repository: string, digest: Digest): Promise<boolean> {
    const key = { repository: repository as RepositoryName, digest };
    return (await findManifestByDigest(this.sql, key)) !== undefined;
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const key = { repository: repository as RepositoryName, digest };
    return (await findBlob(this.sql, key)) !== undefined;
  }

  hasBytes(digest: Digest): boolean {
    const hex = digest.split(':')[1] as string;
    return this.store.keys().some((key) => key.includes(hex));
  }

  async usedBytes(path: string): Promise<number> {
    return (await readScopes(this.sql, [path]))[0]?.bytes ?? 0;
  }

  blobRows() {
    return this.sql.all(rows, {});
  }

  trashItems() {
    return this.sql.all(trash, {});
  }

  references() {
    return this.sql.all(references, {});
  }

  runs() {
    return collectionRuns(this.sql, { before: Number.MAX_SAFE_INTEGER, limit: 100 });
  }
}
