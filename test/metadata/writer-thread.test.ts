// The writer thread: the suites, and what only a thread can do: end.
import { afterEach, describe, expect, test } from 'bun:test';
import { describeCommands, written } from '../../src/metadata/commands.suite.ts';
import { describeMetadata } from '../../src/metadata/metadata.suite.ts';
import { startWriterThread } from '../../src/metadata/writer-thread.ts';
import { openThread } from './drivers.ts';

describeMetadata('metadata in SQLite with the writer thread', () => openThread());
describeCommands('commands in SQLite with the writer thread', () => openThread());

describe('the writer thread', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  test('that dies answers those who wait and those who come later, and says so once', async () => {
    const failures: Error[] = [];
    const entry = new URL('./dying-writer.ts', import.meta.url);
    const opened = await openThread({ entry, failed: (error) => failures.push(error) });
    closing.push(() => opened.close());
    await opened.commands.run('writeNamespace', { path: 'kept' });
    const waiting = await Promise.allSettled([
      opened.runner.run('die', {}),
      opened.runner.run('writeNamespace', { path: 'lost' }),
    ]);
    const later = await Promise.allSettled([opened.runner.run('writeNamespace', { path: 'x' })]);
    for (const end of [...waiting, ...later]) {
      expect(end.status === 'rejected' && String(end.reason)).toContain('the writer thread failed');
    }
    expect(failures).toHaveLength(1);
    expect(await written(opened)).toContain('kept');
  });

  test('that ends by itself is a failure too', async () => {
    const failures: Error[] = [];
    const entry = new URL('./dying-writer.ts', import.meta.url);
    const opened = await openThread({ entry, failed: (error) => failures.push(error) });
    closing.push(() => opened.close());
    await expect(opened.runner.run('leave', {})).rejects.toThrow('the writer thread has ended');
    expect(failures).toHaveLength(1);
  });

  test('that cannot open the database says why, and is gone', async () => {
    const entry = new URL('./suite-writer.ts', import.meta.url);
    const path = '/nowhere/at/all/entrepot.db';
    const started = startWriterThread({ entry, path, failed: () => {} });
    await expect(started).rejects.toThrow(/unable to open/i);
  });
});
