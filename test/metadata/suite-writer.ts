// The entry of a writer thread that runs the commands of the suites.
import { suiteCommands } from '../../src/metadata/suite.command.ts';
import { serveCommands } from '../../src/metadata/writer-thread.ts';

serveCommands(suiteCommands);
