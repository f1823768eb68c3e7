// The entry of SQLite's writer thread.
import { serveCommands } from '../metadata/writer-thread.ts';
import { allCommands } from './commands.ts';

serveCommands(allCommands());
