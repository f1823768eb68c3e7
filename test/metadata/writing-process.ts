// A process that opens the database at PATH, writes COUNT namespaces PREFIX0, PREFIX1, … one after the
// other with the command NAME, and prints each once it was answered.
import type { Commands } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { type SuiteCommands, suiteCommands } from '../../src/metadata/suite.command.ts';

const [path = '', name = '', prefix = '', count = '0'] = process.argv.slice(2);
const connection = openSqliteWriter(path, Date.now);
await migrateSqlite(connection, { version: '0.3.0' });
const commit = new GroupCommit({ connection, commands: suiteCommands });
const commands = commit as unknown as Commands<SuiteCommands>;
process.stdout.write('ready\n');
for (let at = 0; at < Number(count); at += 1) {
  await commands.run(name as 'writeNamespace', { path: `${prefix}${at}` });
  process.stdout.write(`${prefix}${at}\n`);
}
await commit.close();
