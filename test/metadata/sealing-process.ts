// A process that opens the database at PATH and, ROUNDS times, records 70 acts, seals them 7 at a time, and
// prints a line for each batch once it was answered.
import {
  ALICE,
  type AuditSuiteCommands,
  auditSuiteCommands,
} from '../../src/access/audit/audit.suite.ts';
import type { Commands } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';

const [path = '', rounds = '0'] = process.argv.slice(2);
const connection = openSqliteWriter(path, Date.now);
await migrateSqlite(connection, { version: '0.3.0' });
const commit = new GroupCommit({ connection, commands: auditSuiteCommands() });
const commands = commit as unknown as Commands<AuditSuiteCommands>;
const act = { actor: ALICE, action: 'tag.delete', target: 'team/app:v1' };
for (let round = 0; round < Number(rounds); round += 1) {
  await commands.run('recordActs', Array(70).fill(act));
  while ((await commands.run('sealAudit', { limit: 7 })) > 0) process.stdout.write('.\n');
}
await commit.close();
