// Reports in a thread of their own, on both engines; and what only a thread can do: end.
import { afterEach, describe, expect, test } from 'bun:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenedMetadata } from '../../src/metadata/metadata.suite.ts';
import { ThreadReports } from '../../src/metadata/read-thread.ts';
import type { Reports } from '../../src/metadata/report.ts';
import { openOverFile } from '../../src/metadata/suite-drivers.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import { postgresMissing } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';
import { openPostgres } from './drivers.ts';
import type { SuiteReports } from './suite-reader.ts';

interface Opened {
  readonly metadata: OpenedMetadata;
  /** For the thread's end. */
  readonly database: unknown;
}

/** Waits for a condition, and not for ever. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (await holds()) return;
    await delay(5);
  }
  throw new Error('what the test waits for has not come');
}

function newGate() {
  const cells = new SharedArrayBuffer(8);
  const state = new Int32Array(cells);
  return {
    args: { cells },
    reads: () => Atomics.load(state, 0),
    open() {
      Atomics.store(state, 1, 1);
      Atomics.notify(state, 1);
    },
  };
}

function describeReports(
  engine: string,
  { test: testOn, open }: { test: ConditionalTest; open(): Promise<Opened> },
): void {
  describe(`reports in ${engine}`, () => {
    const closing: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close();
    });

    async function start(options: { idleMs?: number } = {}) {
      const { metadata, database } = await open();
      closing.push(() => metadata.close());
      const entry = new URL('./suite-reader.ts', import.meta.url);
      const runner = new ThreadReports({ entry, database, ...options });
      closing.push(() => runner.close());
      const reports = runner as unknown as Reports<SuiteReports>;
      return { commands: metadata.commands, reports, runner };
    }

    testOn('see what was answered before', async () => {
      const { commands, reports } = await start();
      await commands.run('writeNamespace', { path: 'first' });
      expect(await reports.run('paths', {})).toContain('first');
      await commands.run('writeNamespace', { path: 'second' });
      expect(await reports.run('paths', {})).toContain('second');
    });

    testOn('refuse with the error that was thrown', async () => {
      const { runner } = await start();
      const error = await runner.run('refuse', {}).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RegistryError);
      expect(error).toMatchObject({ code: 'NOT_FOUND', detail: { name: 'a' } });
      const unknown = await runner.run('nothing', {}).catch((thrown: unknown) => thrown);
      expect(String(unknown)).toContain('there is no report "nothing"');
    });

    testOn('read one instant within a snapshot, while others write', async () => {
      const { commands, reports } = await start();
      await commands.run('writeNamespace', { path: 'early' });
      const gate = newGate();
      const twice = reports.run('twice', gate.args);
      await until(() => gate.reads() > 0);
      await commands.run('writeNamespace', { path: 'late' });
      gate.open();
      const { before, after } = await twice;
      expect(before).toContain('early');
      expect(before).not.toContain('late');
      expect(after).toEqual(before);
    });

    testOn('let short ones pass between the pages of a long one', async () => {
      const { reports } = await start();
      const gate = newGate();
      const long = reports.run('pages', gate.args);
      await until(() => gate.reads() > 0);
      expect(await reports.run('paths', {})).toContain('');
      gate.open();
      expect(await long).toBeGreaterThan(0);
    });

    for (const [name, message] of [
      ['die', 'the thread of reports failed: '],
      ['leave', 'the thread of reports has ended'],
    ] as const) {
      testOn(`a thread that ends (${name}) is told to those who wait, and replaced`, async () => {
        const { reports, runner } = await start();
        const first = await reports.run('thread', {});
        const gate = newGate();
        const ends = await Promise.allSettled([
          runner.run('pages', gate.args),
          runner.run(name, {}),
        ]);
        for (const end of ends) {
          expect(end.status === 'rejected' && String(end.reason)).toContain(message);
        }
        expect(await reports.run('thread', {})).not.toBe(first);
      });
    }

    testOn('a thread with nothing to do ends, and another starts when it is wanted', async () => {
      const { reports } = await start({ idleMs: 1 });
      const first = await reports.run('thread', {});
      await until(async () => {
        await delay(5);
        return (await reports.run('thread', {})) !== first;
      });
    });

    testOn('are bounded in number', async () => {
      const { runner } = await start();
      const gate = newGate();
      const many = Array.from({ length: 64 }, () => runner.run('pages', gate.args));
      const tooMany = await runner.run('paths', {}).catch((error: unknown) => error);
      expect(tooMany).toMatchObject({ code: 'TOOMANYREQUESTS' });
      gate.open();
      await Promise.all(many);
      expect(await runner.run('paths', {})).toContain('');
    });

    testOn('closing gives up what runs', async () => {
      const { runner } = await start();
      const gate = newGate();
      const long = runner.run('pages', gate.args).catch((error: unknown) => String(error));
      await until(() => gate.reads() > 0);
      await runner.close();
      expect(await long).toMatch(/closed|connection/i);
      await expect(runner.run('paths', {})).rejects.toThrow('the reports are closed');
    });
  });
}

const missing = postgresMissing();
describeReports('SQLite', {
  test: test as ConditionalTest,
  async open() {
    const metadata = await openOverFile();
    return { metadata, database: { path: metadata.path } };
  },
});
describeReports('PostgreSQL', {
  test: requires('postgres', missing === undefined, missing ?? ''),
  async open() {
    const metadata = await openPostgres();
    return { metadata, database: { url: metadata.url } };
  },
});
