// One process of the registry in a history: the real use cases over the simulated disk and database,
// with everything that a process holds in memory. It dies with all of it.
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { UpkeepParts } from '../../src/jobs/upload-upkeep.ts';
import type { CollectionParts } from '../../src/lifecycle/collection/collect.ts';
import type { Commands } from '../../src/metadata/command.ts';
import type { Sql } from '../../src/metadata/sql.ts';
import { ByteCache } from '../../src/registry/byte-cache.ts';
import { LiveUploads } from '../../src/registry/live-uploads.ts';
import type { PullParts } from '../../src/registry/pull.ts';
import type { UploadParts } from '../../src/registry/upload-state.ts';
import type { SimulationCommands } from './commands.ts';
import type { SimulatedDatabase } from './database.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Scheduler } from './scheduler.ts';
import { sqlWithTurns, type Turn } from './turns.ts';
import type { Variation } from './variation.ts';

/** Milliseconds that an upload may rest: as in the program. */
export const UPLOAD_AGE_MS = 24 * 60 * 60 * 1000;

/** As long as in the program. */
export const GRACE_MS = 24 * 60 * 60 * 1000;

/** That what was let go of or deleted can be brought back: as in the program. */
export const WINDOW_MS = 30 * 24 * 60 * 60 * 1000;

export interface ServerOptions {
  readonly name: string;
  readonly boot: string;
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  readonly database: SimulatedDatabase;
  readonly variation: Variation;
  now(): number;
}

export class SimulatedServer {
  readonly name: string;
  readonly sql: Sql;
  readonly commands: Commands<SimulationCommands>;
  readonly upload: UploadParts;
  readonly pull: PullParts;
  readonly upkeep: UpkeepParts;
  readonly collection: CollectionParts;
  readonly turn: Turn;
  readonly #scheduler: Scheduler;
  readonly #death = Promise.withResolvers<'died'>();
  #isDead = false;
  #ids = 0;

  constructor(options: ServerOptions) {
    const { name, boot, scheduler, database, variation } = options;
    this.name = name;
    this.#scheduler = scheduler;
    this.turn = (label) => this.#takeTurn(label);
    this.sql = sqlWithTurns(
      {
        engine: 'sqlite',
        all: (statement, parameters) => database.connection.all(statement, parameters),
        first: (statement, parameters) => database.connection.first(statement, parameters),
      },
      this.turn,
    );
    const plain = {
      commands: database.forProcess(this.turn),
      blobs: options.disk.forProcess(this.turn),
    };
    const { commands, blobs } = variation.wrapParts?.(plain, this.turn) ?? plain;
    this.commands = commands;
    const live = new LiveUploads();
    this.upload = this.#uploadParts({ commands, blobs, live, boot });
    this.pull = {
      sql: this.sql,
      blobs,
      cache: new ByteCache(1024 * 1024),
      grace: {
        ms: GRACE_MS,
        now: options.now,
        renew: (right) => commands.run('renewGrace', right),
      },
    };
    const upkeepSql = variation.wrapUpkeepSql?.(this.sql) ?? this.sql;
    this.collection = this.#collectionParts({
      sql: upkeepSql,
      commands,
      now: options.now,
      graceMs: variation.graceMs ?? GRACE_MS,
    });
    this.upkeep = {
      sql: upkeepSql,
      commands,
      blobs,
      now: options.now,
      uploadAgeMs: UPLOAD_AGE_MS,
      isWriting: (id) => live.isWriting(id),
    };
  }

  #collectionParts(parts: {
    sql: Sql;
    commands: Commands<SimulationCommands>;
    now(): number;
    graceMs: number;
  }): CollectionParts {
    const { graceMs, ...rest } = parts;
    // Rests behind each batch.
    const settings = { graceMs, rowsPerSecond: 100 };
    return { ...rest, settings, pause: () => this.turn('the collector rests') };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Resolves when this process ends. */
  get death(): Promise<'died'> {
    return this.#death.promise;
  }

  die(): void {
    this.#isDead = true;
    this.#scheduler.drop(this);
    this.#death.resolve('died');
  }

  #takeTurn(label: string): Promise<void> {
    // What a dead process still begins never comes to anything.
    if (this.#isDead) return new Promise(() => {});
    return this.#scheduler.turn(this, `${this.name}: ${label}`);
  }

  #uploadParts(parts: {
    commands: Commands<SimulationCommands>;
    blobs: BlobStore;
    live: LiveUploads;
    boot: string;
  }): UploadParts {
    return {
      sql: this.sql,
      ...parts,
      instance: this.name,
      newId: () => `${this.name}-${++this.#ids}`,
      readAgain() {},
    };
  }
}
