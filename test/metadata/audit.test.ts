// The audit log on PostgreSQL, with transactions that end in another order than they began; and a process
// that is killed while it seals.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  ALICE,
  type AuditSuiteCommands,
  auditSuiteCommands,
  describeAudit,
  type OpenedAudit,
} from '../../src/access/audit/audit.suite.ts';
import { followAudit, listAudit } from '../../src/access/audit/read-audit.ts';
import { verifyAudit } from '../../src/access/audit/verify.ts';
import { recordAct } from '../../src/metadata/audit.ts';
import { type Command, type Commands, synced } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

/** Holds its transaction open after it has recorded, until a test lets it go. */
const held = new Map<string, { recorded(): void; readonly go: Promise<void> }>();

const lateCommands = {
  recordAndWait: synced(async (tx: Transaction, target: string) => {
    await recordAct(tx, { actor: ALICE, action: 'tag.delete', target });
    held.get(target)?.recorded();
    await held.get(target)?.go;
  }),
} satisfies Record<string, Command<never, unknown>>;

type LateCommands = Commands<AuditSuiteCommands & typeof lateCommands>;

async function openPostgres(): Promise<OpenedAudit & { readonly commands: LateCommands }> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 16);
  const runner = new PostgresCommands(pool, { ...auditSuiteCommands(), ...lateCommands });
  const commands = runner as unknown as LateCommands;
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
const testPostgres = requires('postgres', missing === undefined, missing ?? '');
if (missing === undefined) describeAudit('the audit log in PostgreSQL', openPostgres);

describe('a transaction that ends late', () => {
  let opened: Awaited<ReturnType<typeof openPostgres>> | undefined;
  beforeEach(async () => {
    if (missing === undefined) opened = await openPostgres();
  }, 60_000);
  afterEach(async () => {
    held.clear();
    await opened?.close();
  });

  /** Begins a transaction that records, and gives what ends it. */
  async function begin(commands: LateCommands, target: string): Promise<() => Promise<void>> {
    const recorded = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    held.set(target, { recorded: recorded.resolve, go: go.promise });
    const ended = commands.run('recordAndWait', target);
    await recorded.promise;
    return async () => {
      go.resolve();
      await ended;
    };
  }

  testPostgres('is numbered later, neither skipped nor seen twice', async () => {
    if (opened === undefined) throw new Error('the database is not open');
    const { sql, commands } = opened;
    const seal = () => commands.run('sealAudit', { limit: 100 });
    const endFirst = await begin(commands, 'first');
    const endSecond = await begin(commands, 'second');
    await endSecond();
    expect(await seal()).toBe(1);
    const early = await followAudit(sql, { cursor: 's0' });
    expect(early.events.map((event) => event.target)).toEqual(['second']);
    await endFirst();
    expect(await verifyAudit(sql)).toMatchObject({ verified: 1, unsealed: { count: 1 } });
    expect(await seal()).toBe(1);
    const late = await followAudit(sql, { cursor: early.next });
    expect(late.events.map((event) => event.target)).toEqual(['first']);
    // The premise: it has the lower id and the higher number.
    const { events } = await listAudit(sql);
    const numbers = events.toSorted((a, b) => a.id - b.id).map((event) => event.sequence);
    expect(numbers).toEqual([2, 1]);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 2, broken: undefined });
  });

  testPostgres('does not hold up sealing, nor does sealing hold up an act', async () => {
    if (opened === undefined) throw new Error('the database is not open');
    const { sql, commands } = opened;
    const endLate = await begin(commands, 'late');
    const act = { actor: ALICE, action: 'sign-in', target: 'user alice' };
    const all = Array.from({ length: 40 }, async () => {
      await commands.run('recordActs', [act]);
      return commands.run('sealAudit', { limit: 3 });
    });
    await Promise.all(all);
    await endLate();
    while ((await commands.run('sealAudit', { limit: 100 })) > 0);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 41, broken: undefined });
  });
});

test('a process killed while it seals leaves a whole chain, and the next one goes on', async () => {
  const folder = temporaryFolder();
  try {
    const path = join(folder.path, 'entrepot.db');
    const script = join(import.meta.dir, 'sealing-process.ts');
    const child = spawn(process.execPath, [script, path, '10000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let batches = 0;
    for await (const _ of createInterface({ input: child.stdout })) {
      batches += 1;
      if (batches === 50) break;
    }
    child.kill('SIGKILL');
    await exit;
    const connection = openSqliteWriter(path, Date.now);
    const commit = new GroupCommit({ connection, commands: auditSuiteCommands() });
    const commands = commit as unknown as Commands<AuditSuiteCommands>;
    const found = await verifyAudit(connection);
    expect(found.broken).toBeUndefined();
    // What it was answered is sealed, and no batch by halves.
    expect(found.verified).toBeGreaterThanOrEqual(50 * 7);
    expect(found.verified % 7).toBe(0);
    const { end, verified, unsealed } = found;
    await commands.run('recordActs', [{ actor: ALICE, action: 'sign-in', target: 'user alice' }]);
    while ((await commands.run('sealAudit', { limit: 1_000 })) > 0);
    const whole = await verifyAudit(connection, { expected: end });
    expect(whole).toMatchObject({ broken: undefined, expected: 'found' });
    expect(whole.verified).toBe(verified + unsealed.count + 1);
    await commit.close();
  } finally {
    folder.remove();
  }
}, 60_000);
