// The database of a server on this machine, which may run: for commands that need no server.
import { existsSync } from 'node:fs';
import type { Configuration } from '../app/configuration.ts';
import type { OpenDatabase } from '../app/database.ts';
import { programVersion } from '../app/version.ts';
import { CommandFailure } from './command.ts';

/** A wrong --data would make a new database, and tell of what nobody has. @throws CommandFailure */
export async function openExisting({ database }: Configuration): Promise<OpenDatabase> {
  if (database.kind === 'sqlite' && !existsSync(database.path)) {
    throw new CommandFailure(
      `There is no database ${database.path}. Name the data directory of the server with --data, or its file of settings with --config.`,
    );
  }
  // Only here, so that the other commands need not load the drivers.
  const { openDatabase } = await import('../app/database.ts');
  try {
    return await openDatabase({
      database,
      version: programVersion(),
      observe: () => {},
      checkpointFailed: () => {},
      failed: () => {},
    });
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  }
}
