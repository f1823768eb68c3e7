// The worker over a real queue, with a clock that the test drives.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import type { Commands } from '../metadata/command.ts';
import { GroupCommit } from '../metadata/group-commit.ts';
import { countJobs, type Job } from '../metadata/jobs.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import { openSqliteWriter, type SqliteConnection } from '../metadata/sqlite.ts';
import { type JobCommands, jobCommands } from './job.command.ts';
import { backOffMs, type JobKind, JobStopped, LEASE_MS, MAX_ATTEMPTS } from './job-kinds.ts';
import { JobWorker, type WorkerParts } from './worker.ts';

let now = 0;
let sql: SqliteConnection;
let commit: GroupCommit;
let commands: Commands<JobCommands>;
let failures: { kind: string; error: unknown }[];
let unreached: unknown[];
beforeEach(async () => {
  now = 1_000_000;
  failures = [];
  unreached = [];
  sql = openSqliteWriter(':memory:', () => now);
  await migrateSqlite(sql, { version: '0.3.0' });
  commit = new GroupCommit({ connection: sql, commands: jobCommands() });
  commands = commit as unknown as Commands<JobCommands>;
});
afterEach(() => commit.close());

const noRest: WorkerParts['sleep'] = async () => {};

function worker(kinds: JobKind[], owner = 'me', sleep = noRest): JobWorker {
  const failed = (job: Job, error: unknown) => void failures.push({ kind: job.kind, error });
  const unreachable = (error: unknown) => void unreached.push(error);
  return new JobWorker({ commands, kinds, owner, sleep, failed, unreachable });
}

const single = (kind: string, run: JobKind['run']): JobKind => ({ kind, everyMs: undefined, run });
const add = (kind: string, args: unknown = {}) =>
  commands.run('addJob', { kind, key: kind, arguments: JSON.stringify(args), runAt: 0 });
const states = async () => (await countJobs(sql)).map(({ kind, state }) => `${kind} ${state}`);

describe('the worker', () => {
  test('runs a job with its arguments, once', async () => {
    const seen: unknown[] = [];
    const one = worker([single('greet', async (_context, args) => void seen.push(args))]);
    await add('greet', { name: 'you' });
    expect(await one.runNext()).toBe(true);
    expect(await one.runNext()).toBe(false);
    expect(seen).toEqual([{ name: 'you' }]);
    expect(await states()).toEqual([]);
  });

  test('begins again what a stop has ended in its middle, and calls it no failure', async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
      if (runs === 1) throw new JobStopped();
    };
    const one = worker([single('purge', run)]);
    await add('purge');
    await one.runNext();
    expect(await states()).toEqual(['purge waiting']);
    await one.runNext();
    expect([runs, await states(), failures]).toEqual([2, [], []]);
  });

  test('runs beside the others what takes long, once at a time, and waits for it at the end', async () => {
    const going = Promise.withResolvers<void>();
    const seen: string[] = [];
    const run = async () => {
      seen.push('long');
      await going.promise;
      seen.push('long ended');
    };
    const long: JobKind = { kind: 'long', everyMs: 1_000, isLong: true, run };
    const short = single('short', async () => void seen.push('short'));
    const one = worker([long, short], 'me', async (_ms, signal) => {
      await once(signal, 'abort');
    });
    await add('long');
    expect(await one.runNext()).toBe(true);
    now += 30_000;
    expect(await one.runNext()).toBe(false);
    await add('short');
    expect(await one.runNext()).toBe(true);
    expect(seen).toEqual(['long', 'short']);
    const stopped = one.stop().then(() => seen.push('stopped'));
    going.resolve();
    await stopped;
    expect(seen).toEqual(['long', 'short', 'long ended', 'stopped']);
    now += 1_000;
    expect(await one.runNext()).toBe(true);
  });

  test('runs what comes again when its time has come, for ever', async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
    };
    const kind: JobKind = { kind: 'tick', everyMs: 5_000, run };
    const rested = Promise.withResolvers<void>();
    let rests = 0;
    const one = worker([kind], 'me', async (_ms, signal) => {
      now += 1_000;
      rests += 1;
      if (rests < 11) return;
      rested.resolve();
      await once(signal, 'abort');
    });
    await one.start();
    await rested.promise;
    await one.stop();
    expect(runs).toBe(3);
  });

  test('tries again what failed, with a growing pause, and lays it aside in the end', async () => {
    let runs = 0;
    const one = worker([
      single('bad', async () => {
        runs += 1;
        throw new Error(`no ${runs}`);
      }),
    ]);
    await add('bad');
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      expect(await one.runNext()).toBe(true);
      expect(await one.runNext()).toBe(false);
      if (attempt === MAX_ATTEMPTS) break;
      expect(await states()).toEqual(['bad waiting']);
      now += backOffMs(attempt) - 1;
      expect(await one.runNext()).toBe(false);
      now += 1;
    }
    expect(runs).toBe(MAX_ATTEMPTS);
    expect(failures).toHaveLength(MAX_ATTEMPTS);
    expect(await states()).toEqual(['bad dead']);
  });

  test('never gives up what comes round again', async () => {
    const run = async () => {
      throw new Error('no');
    };
    const one = worker([{ kind: 'tick', everyMs: 1_000, run }]);
    await add('tick');
    for (let attempt = 1; attempt <= MAX_ATTEMPTS + 5; attempt += 1) {
      expect(await one.runNext()).toBe(true);
      now += 3_600_000;
    }
    expect(await states()).toEqual(['tick waiting']);
  });

  test('leaves what it does not know to a newer version, without ending itself', async () => {
    const one = worker([]);
    await add('unheard-of');
    expect(await one.runNext()).toBe(true);
    expect(String(failures[0]?.error)).toContain('unheard-of');
    expect(await states()).toEqual(['unheard-of waiting']);
  });

  test('learns that it lost the lease, and does not end what another has taken', async () => {
    let isFirst = true;
    const kind = single('slow', async (context) => {
      if (!isFirst) return;
      isFirst = false;
      await context.extend();
      now += LEASE_MS + 1;
      // The other one fails and waits: the job is still there.
      await commands.run('leaseJob', { owner: 'other', leaseMs: LEASE_MS });
      await context.extend();
    });
    await add('slow');
    await worker([kind]).runNext();
    expect(String(failures[0]?.error)).toContain('lease');
    // It is still the other's: nobody else gets it, and it was not rescheduled.
    expect(await worker([kind], 'third').runNext()).toBe(false);
    now += LEASE_MS + 1;
    expect(await worker([kind], 'third').runNext()).toBe(true);
    expect(await states()).toEqual([]);
  });

  test('lets the running job end when it is stopped', async () => {
    const begun = Promise.withResolvers<void>();
    const ending = Promise.withResolvers<void>();
    let wasStopping: boolean | undefined;
    const kind: JobKind = {
      kind: 'long',
      everyMs: 1_000,
      async run(context) {
        begun.resolve();
        await ending.promise;
        wasStopping = context.isStopping();
      },
    };
    const one = worker([kind]);
    await one.start();
    await begun.promise;
    const stopping = one.stop();
    ending.resolve();
    await stopping;
    expect(wasStopping).toBe(true);
  });

  test('goes on after the database could not be asked, and tells of it once', async () => {
    let runs = 0;
    const done = Promise.withResolvers<void>();
    const kind: JobKind = {
      kind: 'tick',
      everyMs: 1,
      async run() {
        runs += 1;
        done.resolve();
      },
    };
    const real = commands;
    let faults = 3;
    commands = {
      run(name: 'leaseJob', args: never) {
        if (name === 'leaseJob' && faults-- > 0) return Promise.reject(new Error('away'));
        return real.run(name, args);
      },
    } as unknown as Commands<JobCommands>;
    const one = worker([kind]);
    await one.start();
    await done.promise;
    await one.stop();
    expect(runs).toBeGreaterThan(0);
    expect(faults).toBeLessThan(0);
    expect(unreached).toEqual([new Error('away')]);
  });
});

test('the pause doubles from a second to an hour', () => {
  expect([1, 2, 3, 11, 12, 13, 100].map(backOffMs)).toEqual([
    1_000, 2_000, 4_000, 1_024_000, 2_048_000, 3_600_000, 3_600_000,
  ]);
});
