// The database of a history: real SQL in memory, real group commit. After each commit since the last
// synced one it keeps a picture, because a power cut may go back to any of them.
import type { Commands, CommandTable } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { openSqliteWriter, type SqliteConnection } from '../../src/metadata/sqlite.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { SimulationCommands } from './commands.ts';
import type { Random } from './random.ts';
import type { Turn } from './turns.ts';

/** A small page makes a small picture: there are many of them. */
const PAGE_BYTES = 1024;

let template: Promise<Uint8Array> | undefined;

/** A database with all tables and no rows, made once. */
async function emptyDatabase(): Promise<Uint8Array> {
  const connection = openSqliteWriter(':memory:', () => 0);
  connection.execute(`pragma page_size = ${PAGE_BYTES}`);
  connection.execute('vacuum');
  await migrateSqlite(connection, { version: '0.3.0' });
  const bytes = connection.serialize();
  connection.close();
  return bytes;
}

export interface DatabaseOptions {
  readonly random: Random;
  now(): number;
  faultRate(): number;
  readonly commands: CommandTable;
  /** False: no power cut will come, so no picture is needed but the newest. */
  readonly keepsPictures: boolean;
}

export class SimulatedDatabase {
  readonly #options: DatabaseOptions;
  #connection: SqliteConnection;
  #writer: GroupCommit;
  /** The state at the last synced commit, then after each commit since. */
  #pictures: Uint8Array[];

  private constructor(options: DatabaseOptions, bytes: Uint8Array) {
    this.#options = options;
    this.#pictures = [bytes];
    this.#connection = openSqliteWriter(bytes.slice(), options.now);
    this.#writer = this.#startWriter();
  }

  static async create(options: DatabaseOptions): Promise<SimulatedDatabase> {
    template ??= emptyDatabase();
    return new SimulatedDatabase(options, await template);
  }

  /** For the checks: reads at once, without a turn. */
  get connection(): SqliteConnection {
    return this.#connection;
  }

  /** The writer as one process sees it. A fault loses the command, or only its answer. */
  forProcess(turn: Turn): Commands<SimulationCommands> {
    const run = async (name: string, args: unknown): Promise<unknown> => {
      await turn(`command ${name}`);
      const { random } = this.#options;
      const isFaulty = random.chance(this.#options.faultRate());
      const unavailable = new RegistryError('UNAVAILABLE', 'a fault of the simulated database');
      if (isFaulty && random.chance(0.5)) throw unavailable;
      const value = await this.#writer.run(name, args);
      if (isFaulty) throw unavailable;
      return value;
    };
    return { run } as Commands<SimulationCommands>;
  }

  /** Goes back to the last synced commit, or to any after it. @returns how many commits were lost. */
  powerCut(): number {
    const { random } = this.#options;
    const kept = random.chance(0.4) ? 0 : random.below(this.#pictures.length);
    const lost = this.#pictures.length - 1 - kept;
    const bytes = this.#pictures[kept] as Uint8Array;
    this.#connection.close();
    this.#pictures = [bytes];
    this.#connection = openSqliteWriter(bytes.slice(), this.#options.now);
    this.#writer = this.#startWriter();
    return lost;
  }

  close(): void {
    this.#connection.close();
  }

  #startWriter(): GroupCommit {
    const connection = this.#connection;
    return new GroupCommit({
      connection,
      commands: this.#options.commands,
      observe: ({ synced }) => {
        if (!this.#options.keepsPictures) return;
        if (synced) this.#pictures = [];
        this.#pictures.push(connection.serialize());
      },
    });
  }
}
