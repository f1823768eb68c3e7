// The suites on SQLite, with the writer in this thread. The writer thread and PostgreSQL: test/metadata/.
import { describeCommands } from './commands.suite.ts';
import { describeMetadata } from './metadata.suite.ts';
import { openInMemory, openOverFile } from './suite-drivers.ts';

describeMetadata('metadata in SQLite over a file', () => openOverFile());
describeMetadata('metadata in SQLite in memory', () => openInMemory());
describeCommands('commands in SQLite over a file', () => openOverFile());
describeCommands('commands in SQLite in memory', () => openInMemory());
