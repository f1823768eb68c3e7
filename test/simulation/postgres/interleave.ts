// One history on PostgreSQL from one seed: something is there, then two to four connections do things at
// once, statement by statement, and then every promise is checked, also after all that is due was collected.
import type { Commands, CommandTable } from '../../../src/metadata/command.ts';
import { type Command, synced } from '../../../src/metadata/command.ts';
import { PostgresCommands } from '../../../src/metadata/postgres.ts';
import type { Transaction } from '../../../src/metadata/sql.ts';
import { RegistryError } from '../../../src/oci/errors.ts';
import { type SimulationCommands, simulationCommands } from '../commands.ts';
import { Random } from '../random.ts';
import { brokenPromise, leftover } from './checks.ts';
import type { Connection } from './connection.ts';
import { Operations } from './operations.ts';
import { Pauses, paused, type Turn } from './pauses.ts';

export interface Interleaving {
  readonly seed: number;
  /** Undefined: every promise was kept. */
  readonly broken: string | undefined;
  readonly trace: readonly string[];
  /** Transactions that the server ended to break a circle, or that came a second time for another reason. */
  readonly again: number;
}

/** What a bug on purpose changes. */
export type Change = (table: SimulationCommands) => SimulationCommands;

let histories = 0;

export async function interleave(
  connection: Connection,
  { seed, change = (table) => table }: { seed: number; change?: Change },
): Promise<Interleaving> {
  const random = new Random(seed);
  histories += 1;
  const path = `h${histories}`;
  const table = change(simulationCommands());
  const plain = new PostgresCommands(connection, table as CommandTable);
  const commands = plain as unknown as Commands<SimulationCommands>;
  const operations = new Operations({ path, connection, random });
  const firstBlob = await nextBlob(connection);
  const pauses = new Pauses(random);
  let tries = 0;
  let asked = 0;
  let fault: string | undefined;
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (error instanceof RegistryError && error.code !== 'UNAVAILABLE') return;
      fault ??= error instanceof Error ? `${error.stack ?? error.message}` : String(error);
    }
  };
  await attempt(() => operations.prepare(commands));
  const actors = Array.from({ length: random.between(2, 4) }, (_, at) => ({
    name: `c${at + 1}`,
    async work(turn: Turn) {
      const stopping = withPauses(table, turn, () => {
        tries += 1;
      });
      const runner = new PostgresCommands(connection, stopping);
      const run = (name: string, args: unknown) => {
        pauses.trace.push(`c${at + 1} begins ${name}`);
        asked += 1;
        return runner.run(name, args);
      };
      const own = { run } as Commands<SimulationCommands>;
      for (let count = random.between(1, 3); count > 0; count -= 1) {
        await attempt(() => operations.any(own));
      }
    },
  }));
  await pauses.run(actors);
  const broken = fault ?? (await brokenPromise(connection, path));
  const left = broken ?? (await settle({ operations, commands, connection, path, firstBlob }));
  return { seed, broken: left, trace: pauses.trace, again: tries - asked };
}

async function nextBlob(connection: Connection): Promise<number> {
  const [row] = await connection.unsafe('select coalesce(max(id), 0) + 1 as id from blobs');
  return row?.id as number;
}

function withPauses(table: SimulationCommands, turn: Turn, begun: () => void): CommandTable {
  const entries = Object.entries(table).map(([name, command]) => {
    const { run, durability } = command as Command<unknown, unknown>;
    const stopping = synced(async (tx: Transaction, args: unknown) => {
      begun();
      const result = await run(paused(tx, turn), args);
      await turn('commit');
      return result;
    });
    return [name, { ...stopping, durability }] as const;
  });
  return Object.fromEntries(entries) as CommandTable;
}

/** The collector alone, until nothing is due: tags are whole then too, and nothing else is left. */
async function settle(history: {
  operations: Operations;
  commands: Commands<SimulationCommands>;
  connection: Connection;
  path: string;
  firstBlob: number;
}): Promise<string | undefined> {
  const { operations, commands, connection, path, firstBlob } = history;
  await operations.endLeases(commands);
  for (let round = 0; round < 4; round += 1) {
    for (const step of [0, 1, 2]) await operations.collectStep(commands, step);
  }
  const broken = await brokenPromise(connection, path);
  return broken ?? (await leftover(connection, { path, firstBlob }));
}
