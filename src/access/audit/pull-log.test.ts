// Pulls on record: written together, bounded, counted beyond it, and kept while the database is away.
import { beforeEach, expect, test } from 'bun:test';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { auditCommands, type RecordPulls } from './audit.command.ts';
import { type Pull, PullLog } from './pull-log.ts';
import { listAudit } from './read-audit.ts';

let now: number;
let written: RecordPulls[];
let faults: unknown[];
let fault: Error | undefined;
let tick: () => void;
let hasEnded: boolean;

beforeEach(() => {
  now = 1_000;
  written = [];
  faults = [];
  fault = undefined;
  hasEnded = false;
});

function openLog(
  write = async (batch: RecordPulls) => {
    if (fault !== undefined) throw fault;
    written.push(batch);
  },
): PullLog {
  return new PullLog({
    write,
    failed: (error) => void faults.push(error),
    now: () => now,
    repeat: (work) => {
      tick = work;
      return () => {
        hasEnded = true;
      };
    },
  });
}

const pull = (at: number): Pull => ({
  actor: {
    name: 'anonymous',
    principal: 'anonymous',
    credential: '',
    address: '192.0.2.1',
    client: 'docker/27',
    requestId: `r${at}`,
  },
  target: `team/app:v${at}`,
  digest: 'sha256:aa',
});

test('are written together, each with how long it waited', async () => {
  const log = openLog();
  log.record(pull(1));
  now += 300;
  log.record(pull(2));
  now += 700;
  expect(written).toEqual([]);
  tick();
  await log.flush();
  expect(written).toEqual([
    {
      pulls: [
        { ...pull(1), agoMs: 1_000 },
        { ...pull(2), agoMs: 700 },
      ],
      more: 0,
    },
  ]);
  tick();
  await log.flush();
  expect(written).toHaveLength(1);
});

test('a flood is bounded and counted, in memory too while the database is away', async () => {
  const log = openLog();
  fault = new Error('away');
  for (let at = 0; at < 2_500; at += 1) log.record(pull(at));
  await log.flush();
  expect(faults).toEqual([fault]);
  for (let at = 2_500; at < 2_600; at += 1) log.record(pull(at));
  await log.flush();
  fault = undefined;
  await log.flush();
  // The oldest first.
  expect(written.map(({ pulls, more }) => [pulls.length, pulls[0]?.target, more])).toEqual([
    [2_000, 'team/app:v0', 600],
  ]);
});

test('one that comes while a batch is being written is in the next one', async () => {
  let release = () => {};
  const log = openLog(async (batch) => {
    written.push(batch);
    await new Promise<void>((resolve) => (release = resolve));
  });
  log.record(pull(1));
  const first = log.flush();
  log.record(pull(2));
  const closed = log.close();
  release();
  await first;
  while (written.length < 2) await Promise.resolve();
  release();
  await closed;
  expect(hasEnded).toBe(true);
  expect(written.map(({ pulls }) => pulls.map(({ target }) => target))).toEqual([
    ['team/app:v1'],
    ['team/app:v2'],
  ]);
});

test('stand in the audit log with the time at which they came', async () => {
  const connection = openSqliteWriter(':memory:', () => 50_000);
  await migrateSqlite(connection, { version: '0.3.0' });
  const runner = new GroupCommit({ connection, commands: auditCommands() });
  const log = openLog(async (batch) => {
    await runner.run('recordPulls', batch);
  });
  for (let at = 0; at < 2_003; at += 1) log.record(pull(at));
  now += 400;
  await log.flush();
  const newest = await listAudit(connection, { limit: 1 });
  expect(newest.events).toMatchObject([
    { action: 'audit.merge-pulls', target: 'and 3 more', at: 50_000, principal: 'system' },
  ]);
  const oldest = await listAudit(connection, { order: 'oldest-first', limit: 1 });
  expect(oldest.events).toMatchObject([
    {
      action: 'manifest.pull',
      target: 'team/app:v0',
      at: 49_600,
      outcome: 'done',
      client: 'docker/27',
    },
  ]);
  await runner.close();
});
