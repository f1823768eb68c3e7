// The jobs of the audit log over a real queue: sealed soon, nothing written while nothing happens.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { type AuditCommands, auditCommands } from '../access/audit/audit.command.ts';
import { verifyAudit } from '../access/audit/verify.ts';
import { recordAct, SYSTEM } from '../metadata/audit.ts';
import { type Command, type Commands, synced } from '../metadata/command.ts';
import { GroupCommit } from '../metadata/group-commit.ts';
import { countJobs } from '../metadata/jobs.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import type { Transaction } from '../metadata/sql.ts';
import { openSqliteWriter, type SqliteConnection } from '../metadata/sqlite.ts';
import { auditJobs, pruneEvents, sealEvents } from './audit-upkeep.ts';
import { type JobCommands, jobCommands } from './job.command.ts';
import { JobWorker } from './worker.ts';

const testCommands = {
  recordMany: synced(async (tx: Transaction, count: number) => {
    const act = { actor: SYSTEM, action: 'tag.delete', target: 'team/app:v1' };
    for (let at = 0; at < count; at += 1) await recordAct(tx, act);
  }),
} satisfies Record<string, Command<never, unknown>>;

let now: number;
let sql: SqliteConnection;
let commit: GroupCommit;
let commands: Commands<AuditCommands & JobCommands & typeof testCommands>;
let asked: string[];
let isStopping: boolean;
let afterSealing: () => Promise<unknown>;
const context = { extend: async () => void asked.push('extend'), isStopping: () => isStopping };

beforeEach(async () => {
  now = 1_000_000;
  asked = [];
  isStopping = false;
  afterSealing = async () => {};
  sql = openSqliteWriter(':memory:', () => now);
  await migrateSqlite(sql, { version: '0.3.0' });
  commit = new GroupCommit({
    connection: sql,
    commands: { ...auditCommands(), ...jobCommands(), ...testCommands },
  });
  commands = {
    async run(name: string, args: unknown) {
      asked.push(name);
      const answer = await commit.run(name, args);
      if (name === 'sealAudit') await afterSealing();
      return answer;
    },
  } as unknown as typeof commands;
});
afterEach(() => commit.close());

const rowsWritten = () => (sql.query('select total_changes() as n', []) as { n: number }[])[0]?.n;

/** A worker that lets `turn` look at things each time it rests, and ends after the last. */
async function work(turns: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...turns];
  const rested = Promise.withResolvers<void>();
  const worker = new JobWorker({
    commands,
    kinds: auditJobs({ sql, commands, now: () => now, retentionMs: 0 }),
    owner: 'me',
    failed: (_job, error) => rested.reject(error),
    unreachable: (error) => rested.reject(error),
    async sleep(_ms, signal) {
      const turn = left.shift();
      if (turn === undefined) {
        rested.resolve();
        await once(signal, 'abort');
        return;
      }
      await turn().catch(rested.reject);
      now += 1_000;
    },
  });
  await worker.start();
  await rested.promise;
  await worker.stop();
}

describe('sealing in the background', () => {
  test('follows an act, then writes nothing while nothing happens', async () => {
    const written: (number | undefined)[] = [];
    const look = async () => void written.push(rowsWritten());
    const nothing = async () => {};
    await work([
      () => commands.run('recordMany', 5),
      async () => expect((await verifyAudit(sql)).verified).toBe(5),
      nothing,
      look,
      nothing,
      nothing,
      look,
    ]);
    expect(written[1]).toBe(written[0] as number);
    expect((await countJobs(sql)).map(({ kind }) => kind)).toEqual(['prune-audit']);
  });

  test('runs once a second at most, however many acts there are', async () => {
    let pushes = 20;
    // Something waits to be sealed at every moment, until the pushes end.
    afterSealing = async () => {
      pushes -= 1;
      if (pushes > 0) await commit.run('recordMany', 1);
    };
    const nothing = async () => {};
    await work([() => commands.run('recordMany', 1), nothing, nothing, nothing]);
    expect(asked.filter((name) => name === 'sealAudit')).toHaveLength(4);
  });

  test('takes a backlog in batches, and goes on after a stop', async () => {
    await commands.run('recordMany', 2_500);
    isStopping = true;
    await sealEvents({ commands }, context);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 1_000, unsealed: { count: 1_500 } });
    isStopping = false;
    asked = [];
    await sealEvents({ commands }, context);
    expect(asked).toEqual(['sealAudit', 'extend', 'sealAudit']);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 2_500, broken: undefined });
  });

  test('of an owner that died in between is finished by the next', async () => {
    await commands.run('recordMany', 1_500);
    const died = { ...context, extend: () => Promise.reject(new Error('the lease was lost')) };
    await expect(sealEvents({ commands }, died)).rejects.toThrow('the lease was lost');
    await sealEvents({ commands }, context);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 1_500, broken: undefined });
  });
});

describe('pruning in the background', () => {
  test('takes what is older than the setting, in batches; 0 keeps it for ever', async () => {
    await commands.run('recordMany', 1_500);
    await sealEvents({ commands }, context);
    now += 10_000;
    await commands.run('recordMany', 1);
    await sealEvents({ commands }, context);
    await pruneEvents({ commands, now: () => now, retentionMs: 0 }, context);
    expect((await verifyAudit(sql)).anchor.sequence).toBe(0);
    await pruneEvents({ commands, now: () => now, retentionMs: 5_000 }, context);
    expect(await verifyAudit(sql)).toMatchObject({ verified: 1, broken: undefined });
    expect((await verifyAudit(sql)).anchor.sequence).toBe(1_500);
  });
});
