// A registry for the tests of this folder: one database in memory, one blob store in memory, and as many
// nodes over them as a test wants. Faults are planned by the test.

import { type BlobStore, BlobStoreError } from '../blobs/blob-store.ts';
import { type FaultPlan, withFaults } from '../blobs/faulty.ts';
import { hashBytes } from '../blobs/hasher.ts';
import { createMemoryBlobStore, type MemoryBlobStore } from '../blobs/memory.ts';
import { type Actor, SYSTEM } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { GroupCommit } from '../metadata/group-commit.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import { openSqliteWriter, type SqliteConnection } from '../metadata/sqlite.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { type RegistryCommands, registryCommands } from './commands.ts';
import { type Guards, NO_GUARDS } from './guards.ts';
import type { VisibleRepositories } from './list.ts';
import { LiveUploads } from './live-uploads.ts';
import type { Grace } from './pull.ts';
import type { UploadBody } from './upload-body.ts';
import type { UploadParts } from './upload-state.ts';

export interface Node extends UploadParts {
  /** Bytes that this node had to read again. */
  readonly readAgainBytes: () => number;
}

export interface SuiteRegistry {
  readonly sql: SqliteConnection;
  readonly commands: Commands<RegistryCommands>;
  readonly store: MemoryBlobStore;
  /** The clock of the database. */
  clock: () => number;
  /** What every node asks before each operation on the blob store. */
  plan: FaultPlan | undefined;
  /** Runs before each command, with its name: throws, or waits, to stop one in its tracks. */
  beforeCommand: ((name: string) => Promise<void> | void) | undefined;
  node(instance: string, boot?: string): Node;
  close(): Promise<void>;
}

export async function openSuiteRegistry(guards: Guards = NO_GUARDS): Promise<SuiteRegistry> {
  const sql = openSqliteWriter(':memory:', () => registry.clock());
  const commit = new GroupCommit({ connection: sql, commands: registryCommands(guards) });
  const store = createMemoryBlobStore();
  let ids = 0;
  const registry: SuiteRegistry = {
    sql,
    store,
    clock: Date.now,
    plan: undefined,
    beforeCommand: undefined,
    commands: {
      async run(name: string, args: unknown) {
        await registry.beforeCommand?.(name);
        return commit.run(name, args);
      },
    } as unknown as Commands<RegistryCommands>,
    node(instance, boot = 'boot-1') {
      let readAgainBytes = 0;
      const blobs: BlobStore = withFaults(store, (operation, subject) =>
        registry.plan?.(operation, subject),
      );
      return {
        sql,
        commands: registry.commands,
        blobs,
        live: new LiveUploads(),
        instance,
        boot,
        newId: () => `id${++ids}`,
        readAgain: (bytes) => {
          readAgainBytes += bytes;
        },
        readAgainBytes: () => readAgainBytes,
      };
    },
    close: () => commit.close(),
  };
  await migrateSqlite(sql, { version: '0.3.0' });
  return registry;
}

export const REPOSITORY = 'team/app' as RepositoryName;

/** Bytes that differ from place to place. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
}

export function sha256(bytes: Uint8Array): Digest {
  return hashBytes('sha256', bytes);
}

/** A body whose bytes come when the test sends them. */
export class SentBody implements UploadBody {
  readonly length: number | undefined;
  readonly #ready: Uint8Array[] = [];
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #isEnded = false;
  #fault: unknown;
  /** Resolves each time that the reader has taken all and asks for more. */
  #hungry = Promise.withResolvers<void>();

  constructor(length?: number) {
    this.length = length;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#fault !== undefined) throw this.#fault;
    const chunk = this.#ready.shift();
    if (chunk !== undefined || this.#isEnded) return chunk;
    this.#waiting = Promise.withResolvers();
    this.#hungry.resolve();
    return this.#waiting.promise;
  }

  /** All that was sent so far is with the reader. */
  taken(): Promise<void> {
    return this.#hungry.promise;
  }

  send(chunk: Uint8Array): void {
    this.#hungry = Promise.withResolvers();
    const waiting = this.#take();
    if (waiting === undefined) this.#ready.push(chunk);
    else waiting.resolve(chunk);
  }

  end(): void {
    this.#isEnded = true;
    this.#take()?.resolve(undefined);
  }

  fail(error: unknown): void {
    this.#fault = error;
    this.#take()?.reject(error);
  }

  cancel(reason: RegistryError): void {
    this.fail(reason);
  }

  #take(): PromiseWithResolvers<Uint8Array | undefined> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

/** A body that is all there, in chunks of at most 64 KiB; with `error` it breaks after them. */
export function bodyOf(bytes: Uint8Array, options: { length?: number; error?: Error } = {}) {
  const body = new SentBody('length' in options ? options.length : bytes.length);
  for (let at = 0; at < bytes.length; at += 65_536) body.send(bytes.slice(at, at + 65_536));
  if (options.error === undefined) body.end();
  else {
    const next = body.next.bind(body);
    let left = Math.ceil(bytes.length / 65_536);
    const { error } = options;
    body.next = async () => {
      if (left-- > 0) return next();
      throw error;
    };
  }
  return body;
}

/** A body without announced length, as docker sends it. */
export function streamOf(bytes: Uint8Array): SentBody {
  const body = new SentBody();
  for (let at = 0; at < bytes.length; at += 65_536) body.send(bytes.slice(at, at + 65_536));
  body.end();
  return body;
}

/** What a refused or failed use case says: the code of the registry, or the fault of the store. */
export async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    if (error instanceof BlobStoreError) return `store: ${error.fault}`;
    return String(error);
  }
}

/** What nothing names stays for ever. */
export const ENDLESS_GRACE: Grace = { ms: Infinity, now: () => 0, renew: async () => true };

/** Who acts in these tests. */
export const SOMEONE: Actor = { ...SYSTEM, name: 'someone', principal: 'user:1' };

/** Who may see everything. */
export const EVERYTHING: VisibleRepositories = {
  isEverything: true,
  paths: [''],
  visibilities: [],
  mayShow: () => true,
};
