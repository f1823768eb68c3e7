// A small registry for tests of the scrubber: real pushes and pulls over a store in memory whose bytes a
// test can change behind everybody's back.
import { BlobStoreError } from '../../blobs/blob-store.ts';
import { type FaultPlan, withFaults } from '../../blobs/faulty.ts';
import { createMemoryBlobStore, type MemoryBlobStore } from '../../blobs/memory.ts';
import { SYSTEM } from '../../metadata/audit.ts';
import { findBlobId, readPayload } from '../../metadata/blobs.ts';
import { type Command, type Commands, synced } from '../../metadata/command.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { type Damage, listDamages } from '../../metadata/scrub.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseReference } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { ByteCache } from '../../registry/byte-cache.ts';
import { registryCommands } from '../../registry/commands.ts';
import { pushBlob } from '../../registry/finish-upload.ts';
import { NO_GUARDS } from '../../registry/guards.ts';
import { LiveUploads } from '../../registry/live-uploads.ts';
import { openBlob, pullBlob, pullManifest } from '../../registry/pull.ts';
import { pushManifest } from '../../registry/push-manifest.ts';
import { bodyOf, ENDLESS_GRACE, sha256 } from '../../registry/suite-registry.ts';
import { Pace } from './pace.ts';
import { scrubCommands } from './scrub.command.ts';
import { scrub } from './scrub.ts';
import type { ScrubContext, ScrubParts } from './scrub-parts.ts';
import { scrubReports } from './scrub-reports.ts';

const alter = statement<{ blob: number; bytes: Uint8Array }>()((q, p) =>
  q.updateTable('payloads').set({ bytes: p.bytes }).where('blob_id', '=', p.blob),
);
const events = statement()((q) =>
  q
    .selectFrom('audit_events')
    .select(['action', 'target', 'detail'])
    .where('action', 'in', ['blob.damage', 'orphan.remove', 'scrub.start'])
    .orderBy('id'),
);
const damageEvents = statement()((q) =>
  q.selectFrom('outbox').select('detail').where('kind', '=', 'damage').orderBy('id'),
);
const named = statement()((q) =>
  q.selectFrom('blobs').select('storage_key as key').where('storage_key', 'is not', null),
);
const waiting = statement()((q) =>
  q.selectFrom('removals').select('key').where('kind', '=', 'content'),
);

export function scrubSuiteCommands() {
  return {
    ...registryCommands(NO_GUARDS),
    ...scrubCommands(),
    alterPayload: synced((tx: Transaction, change: { blob: number; bytes: Uint8Array }) =>
      tx.run(alter, change),
    ),
  } satisfies Record<string, Command<never, unknown>>;
}

export interface OpenedScrub {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof scrubSuiteCommands>>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

export class ScrubWorld {
  readonly opened: OpenedScrub;
  readonly store: MemoryBlobStore = createMemoryBlobStore({ now: () => this.now() });
  readonly warnings: string[] = [];
  plan: FaultPlan = () => undefined;
  /** Throws, or changes something, before a command is run. */
  beforeCommand: (name: string) => Promise<void> | void = () => {};
  isAutomatic = true;
  #ahead = 0;
  #ids = 0;
  readonly #cache = new ByteCache(1_000_000);

  constructor(opened: OpenedScrub) {
    this.opened = opened;
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  pass(hours: number): void {
    this.#ahead += hours * HOUR_MS;
  }

  get sql(): Sql {
    return this.opened.sql;
  }

  get parts(): ScrubParts & { isAutomatic: boolean } {
    const { sql, commands } = this.opened;
    const reports = scrubReports();
    return {
      sql,
      commands: {
        run: async (name: string, args: unknown) => {
          await this.beforeCommand(name);
          return commands.run(name as 'beginScrub', args as never);
        },
      } as unknown as ScrubParts['commands'],
      reports: {
        run: (name: keyof typeof reports, args: never) => reports[name](sql as ReportSql, args),
      } as unknown as ScrubParts['reports'],
      blobs: withFaults(this.store, (operation, subject) => this.plan(operation, subject)),
      pace: new Pace({ bytesPerSecond: Infinity, elapsed: () => 0, sleep: async () => {} }),
      now: () => this.now(),
      newId: () => `made-${++this.#ids}`,
      warn: (message) => void this.warnings.push(message),
      isAutomatic: this.isAutomatic,
    };
  }

  scrub(context: Partial<ScrubContext> = {}): Promise<void> {
    return scrub(this.parts, { extend: async () => {}, isStopping: () => false, ...context });
  }

  async push(repository: string, bytes: Uint8Array): Promise<Digest> {
    const digest = sha256(bytes);
    const { sql, commands } = this.opened;
    const parts = {
      sql,
      commands,
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

  /** An image of one config and layers, or an index of manifests. @returns its digest. */
  async pushManifest(
    repository: string,
    reference: string,
    content: { layers?: readonly Digest[]; manifests?: readonly Digest[]; subject?: Digest },
  ): Promise<Digest> {
    const of = (mediaType: string) => (digest: Digest) => ({ mediaType, digest, size: 1 });
    const { layers = [], manifests, subject } = content;
    const [type, body] =
      manifests === undefined
        ? [
            IMAGE,
            { config: of(CONFIG)(layers[0] as Digest), layers: layers.slice(1).map(of(LAYER)) },
          ]
        : [INDEX, { manifests: manifests.map(of(IMAGE)) }];
    const json = {
      schemaVersion: 2,
      mediaType: type,
      ...body,
      ...(subject !== undefined && { subject: of(IMAGE)(subject) }),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    const digest = sha256(bytes);
    const { commands } = this.opened;
    await pushManifest(
      { commands, missingParts: 'refuse' },
      {
        repository: repository as RepositoryName,
        actor: SYSTEM,
        reference: parseReference(reference === '' ? digest : reference),
        tags: [],
        contentType: type,
        bytes,
        condition: { ifMatch: null, ifNoneMatch: null },
      },
    );
    return digest;
  }

  async keyOf(digest: Digest): Promise<string> {
    const key = this.store.keys().find((one) => one.includes(digest.split(':')[1] as string));
    if (key === undefined) throw new Error(`there are no bytes of ${digest}`);
    return key;
  }

  /** Changes one byte of what is stored. */
  async flip(digest: Digest): Promise<string> {
    const key = await this.keyOf(digest);
    this.store.damage(key, (bytes) =>
      bytes.with(bytes.length >> 1, 255 - (bytes.at(bytes.length >> 1) ?? 0)),
    );
    return key;
  }

  async alterPayload(digest: Digest): Promise<number> {
    const blob = await findBlobId(this.sql, digest);
    const bytes = blob === undefined ? undefined : await readPayload(this.sql, blob);
    if (blob === undefined || bytes === undefined) throw new Error(`${digest} has no payload`);
    const altered = Uint8Array.from(bytes).with(3, 255 - (bytes[3] ?? 0));
    await this.opened.commands.run('alterPayload', { blob, bytes: altered });
    return blob;
  }

  /** As HEAD answers: is it there? */
  holds(repository: string, digest: Digest): Promise<boolean> {
    return pullBlob(this.#pull, { repository: repository as RepositoryName, digest }).then(
      () => true,
      () => false,
    );
  }

  holdsManifest(repository: string, reference: string): Promise<boolean> {
    const key = { repository: repository as RepositoryName, reference: parseReference(reference) };
    return pullManifest(this.#pull, key).then(
      () => true,
      () => false,
    );
  }

  /** The bytes as a GET gives them. */
  async get(repository: string, digest: Digest): Promise<Uint8Array> {
    const blob = await pullBlob(this.#pull, { repository: repository as RepositoryName, digest });
    const opened = await openBlob(this.#pull, blob);
    if (opened.kind === 'bytes') return opened.bytes;
    if (opened.kind === 'file') throw new Error('the memory store gives streams');
    return new Uint8Array(await new Response(opened.open()).arrayBuffer());
  }

  damages(): Promise<Damage[]> {
    return listDamages(this.sql, { after: undefined, limit: 100 });
  }

  async audit(): Promise<{ action: string; target: string; detail: Record<string, unknown> }[]> {
    const rows = await this.sql.all(events, {});
    return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) }));
  }

  /** What webhooks will hear of damages. */
  async announced(): Promise<Record<string, unknown>[]> {
    return (await this.sql.all(damageEvents, {})).map(({ detail }) => JSON.parse(detail));
  }

  /** Every key that a row of `blobs` names. */
  async namedKeys(): Promise<string[]> {
    return (await this.sql.all(named, {})).flatMap(({ key }) => key ?? []);
  }

  async removals(): Promise<string[]> {
    return (await this.sql.all(waiting, {})).map(({ key }) => key);
  }

  get #pull() {
    return { sql: this.sql, blobs: this.store, cache: this.#cache, grace: ENDLESS_GRACE };
  }
}

export function brokenDisk(): BlobStoreError {
  const cause = Object.assign(new Error('i/o error'), { code: 'EIO' });
  return new BlobStoreError('failed', 'The disk reports a fault.', { cause });
}

const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
