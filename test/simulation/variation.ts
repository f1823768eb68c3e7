// A change to the registry under simulation: a bug planted on purpose, put in from outside.
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { Commands } from '../../src/metadata/command.ts';
import type { Sql } from '../../src/metadata/sql.ts';
import type { SimulationCommands } from './commands.ts';
import type { Profile } from './profile.ts';
import type { Turn } from './turns.ts';

export interface Parts {
  readonly commands: Commands<SimulationCommands>;
  readonly blobs: BlobStore;
}

export interface Variation {
  readonly name: string;
  /** A sync of the disk that is left out. */
  readonly skip?: 'sync-data' | 'sync-directory';
  /** The machine keeps its name over a power cut. */
  readonly keepsBoot?: boolean;
  /** Where in the space of histories the bug is likely to show. */
  readonly focus?: Partial<Profile>;
  /** Milliseconds that the collector leaves what nothing names. */
  readonly graceMs?: number;
  /** What a writer runs instead of the real commands. */
  wrapTable?(table: SimulationCommands): SimulationCommands;
  /** What a process has instead of its real parts. */
  wrapParts?(parts: Parts, turn: Turn): Parts;
  /** What upkeep reads instead of the database. */
  wrapUpkeepSql?(sql: Sql): Sql;
}

/** The registry as it is. */
export const REAL: Variation = { name: 'the registry as it is' };

/** The same, with the collector beside everything, days that pass, and people who go back. */
export const COLLECTING: Variation = {
  name: 'the registry with its collector',
  focus: { collects: true, nights: 6 },
};
