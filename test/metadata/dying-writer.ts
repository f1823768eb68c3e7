// The entry of a writer thread that can be told to fail in ways that no command of the program does.
import { synced } from '../../src/metadata/command.ts';
import { suiteCommands } from '../../src/metadata/suite.command.ts';
import { serveCommands } from '../../src/metadata/writer-thread.ts';

serveCommands({
  ...suiteCommands,
  die: synced(async () => {
    queueMicrotask(() => {
      throw new Error('a fault outside every command');
    });
    await new Promise(() => {});
  }),
  leave: synced(async () => {
    process.exit(3);
  }),
});
