// Refusals in floods: bounded, counted beyond it, and never in the way of a request.
import { beforeEach, describe, expect, test } from 'bun:test';
import type { Act } from '../../metadata/audit.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { auditCommands, type RecordRefusals } from './audit.command.ts';
import { listAudit } from './read-audit.ts';
import { RefusalLog } from './refusals.ts';

let now: number;
let written: RecordRefusals[];
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
  write = async (batch: RecordRefusals) => {
    if (fault !== undefined) throw fault;
    written.push(batch);
  },
): RefusalLog {
  return new RefusalLog({
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

const refusal = (at: number, address = `192.0.2.${at}`, action = 'sign-in'): Act => ({
  actor: {
    name: 'anonymous',
    principal: 'anonymous',
    credential: '',
    address,
    client: '',
    requestId: `r${at}`,
  },
  action,
  target: `user u${at}`,
});

const rows = () => written.flatMap((batch) => batch.refusals);

describe('refusals', () => {
  test('are written together, each with how long it waited', async () => {
    const log = openLog();
    log.recordRefusal(refusal(1));
    now += 300;
    log.recordRefusal(refusal(2));
    now += 700;
    expect(written).toEqual([]);
    tick();
    await log.flush();
    const expected = [
      { act: refusal(1), agoMs: 1_000 },
      { act: refusal(2), agoMs: 700 },
    ];
    expect(written).toEqual([{ refusals: expected, more: {} }]);
    await log.flush();
    expect(written).toHaveLength(1);
  });

  test('beyond a thousand are counted by action', async () => {
    const log = openLog();
    for (let at = 0; at < 1_500; at += 1) {
      log.recordRefusal(refusal(at, `a${at}`, at % 2 === 0 ? 'sign-in' : 'manifest.push'));
    }
    await log.flush();
    expect(rows()).toHaveLength(1_000);
    expect(written[0]?.more).toEqual({ 'sign-in': 250, 'manifest.push': 250 });
    log.recordRefusal(refusal(1));
    await log.flush();
    expect(written[1]).toMatchObject({ refusals: [{}], more: {} });
  });

  test('of one address leave room for those of others', async () => {
    const log = openLog();
    for (let at = 0; at < 5_000; at += 1) log.recordRefusal(refusal(at, 'flood'));
    log.recordRefusal(refusal(1, 'other'));
    await log.flush();
    expect(rows()).toHaveLength(51);
    expect(written[0]?.more).toEqual({ 'sign-in': 4_950 });
    expect(rows().at(-1)?.act.actor.address).toBe('other');
  });

  test('of one network of IPv6 are those of one address', async () => {
    const log = openLog();
    for (let at = 0; at < 100; at += 1) log.recordRefusal(refusal(at, `2001:db8::${at}`));
    await log.flush();
    expect(rows()).toHaveLength(50);
  });

  test('wait while they cannot be written, as far as there is room', async () => {
    const log = openLog();
    fault = new Error('the database is away');
    for (let at = 0; at < 900; at += 1) log.recordRefusal(refusal(at, `a${at}`));
    await log.flush();
    expect(faults).toEqual([fault]);
    for (let at = 900; at < 1_200; at += 1) log.recordRefusal(refusal(at, `a${at}`));
    await log.flush();
    fault = undefined;
    now += 5_000;
    await log.flush();
    expect(rows()).toHaveLength(1_000);
    expect(rows()[0]).toEqual({ act: refusal(0, 'a0'), agoMs: 5_000 });
    expect(written[0]?.more).toEqual({ 'sign-in': 200 });
  });

  test('that come while others are written come with the next flush, or the last', async () => {
    const gate = Promise.withResolvers<void>();
    const log = openLog(async (batch) => {
      written.push(batch);
      await gate.promise;
    });
    log.recordRefusal(refusal(1));
    const first = log.flush();
    log.recordRefusal(refusal(2));
    tick();
    expect(written).toHaveLength(1);
    gate.resolve();
    await first;
    await log.close();
    expect(hasEnded).toBe(true);
    expect(rows().map(({ act }) => act.target)).toEqual(['user u1', 'user u2']);
  });

  test('never throw into a request', () => {
    const log = openLog();
    log.recordRefusal(undefined as unknown as Act);
    expect(faults).toHaveLength(1);
  });

  test('are rows of the log, with one row for those beyond', async () => {
    const connection = openSqliteWriter(':memory:', () => 50_000);
    await migrateSqlite(connection, { version: '0.3.0' });
    const commit = new GroupCommit({ connection, commands: auditCommands() });
    const log = openLog(async (batch) => {
      await commit.run('recordRefusals', batch);
    });
    for (let at = 0; at < 53; at += 1) log.recordRefusal(refusal(at, 'one'));
    now += 2_000;
    await log.close();
    const filter = { outcome: 'refused' } as const;
    const { events } = await listAudit(connection, { filter, limit: 1_000 });
    expect(events).toHaveLength(51);
    expect(events.at(-1)).toMatchObject({ action: 'sign-in', target: 'user u0', at: 48_000 });
    expect(events[0]).toMatchObject({
      principal: 'system',
      action: 'audit.merge-refusals',
      target: 'and 3 more',
      detail: '{"actions":{"sign-in":3}}',
    });
    await commit.close();
  });
});
