// The suite on SQLite, and what one act costs the transaction that it stands in.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { recordAct } from '../../metadata/audit.ts';
import type { CommandRunner } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { openSqliteReader, openSqliteWriter } from '../../metadata/sqlite.ts';
import type { Engine } from '../../metadata/statement.ts';
import { temporaryFolder } from '../../metadata/suite-drivers.ts';
import { ALICE, auditSuiteCommands, describeAudit, type OpenedAudit } from './audit.suite.ts';

function typed(runner: CommandRunner): OpenedAudit['commands'] {
  return runner as unknown as OpenedAudit['commands'];
}

async function openInMemory(): Promise<OpenedAudit> {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: auditSuiteCommands() });
  return { sql: connection, commands: typed(commit), close: () => commit.close() };
}

async function openOverFile(): Promise<OpenedAudit> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'entrepot.db');
  const connection = openSqliteWriter(path, Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: auditSuiteCommands() });
  const sql = openSqliteReader(path, Date.now);
  return {
    sql,
    commands: typed(commit),
    async close() {
      sql.close();
      await commit.close();
      folder.remove();
    },
  };
}

describeAudit('the audit log in SQLite in memory', openInMemory);
describeAudit('the audit log in SQLite over a file', openOverFile);

test.each<Engine>(['sqlite', 'postgres'])(
  'an act is one insert and no read on %s',
  async (engine) => {
    const asked: string[] = [];
    const tx: Transaction = {
      engine,
      all: async () => {
        throw new Error('an act reads nothing');
      },
      first: async () => {
        throw new Error('an act reads nothing');
      },
      async run(statement) {
        asked.push(statement.compile(engine).sql);
        return 1;
      },
      async now() {
        // On SQLite that is the clock of the process; on PostgreSQL it would be a query.
        if (engine === 'postgres') asked.push('now');
        return 1_000;
      },
    };
    await recordAct(tx, { actor: ALICE, action: 'manifest.push', target: 'team/app:v1' });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toStartWith('insert into "audit_events"');
  },
);
