// The writer of SQLite when the disk is full or fails, and what it syncs. Its promises: commands.suite.ts.
import { afterEach, describe, expect, test } from 'bun:test';
import { digestOf } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Commands, CommitObservation } from './command.ts';
import { written } from './commands.suite.ts';
import { GroupCommit } from './group-commit.ts';
import { migrateSqlite } from './migrate.ts';
import { openSqliteWriter, type SqliteConnection } from './sqlite.ts';
import { type SuiteCommands, suiteCommands } from './suite.command.ts';

interface Opened {
  readonly connection: SqliteConnection;
  readonly commit: GroupCommit;
  readonly commands: Commands<SuiteCommands>;
  readonly commits: CommitObservation[];
  readonly checkpointFaults: unknown[];
  /** Everything that was executed as text, in order. */
  readonly executed: string[];
  /** Makes the next execution of this text fail. */
  failNext(text: string): void;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(): Promise<Opened> {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const executed: string[] = [];
  const failing = new Set<string>();
  const execute = connection.execute.bind(connection);
  connection.execute = (text) => {
    executed.push(text);
    if (failing.delete(text)) throw new Error(`"${text}" failed`);
    execute(text);
  };
  const commits: CommitObservation[] = [];
  const checkpointFaults: unknown[] = [];
  const commit = new GroupCommit({
    connection,
    commands: suiteCommands,
    observe: (observation) => commits.push(observation),
    checkpointFailed: (error) => checkpointFaults.push(error),
  });
  closing.push(() => commit.close().catch(() => {}));
  const commands = commit as unknown as Commands<SuiteCommands>;
  const failNext = (text: string) => void failing.add(text);
  return { connection, commit, commands, commits, checkpointFaults, executed, failNext };
}

describe('the writer of SQLite', () => {
  test('takes commands that wait together in one transaction', async () => {
    const { commands, commits } = await open();
    await Promise.all([1, 2, 3].map((n) => commands.run('writeNamespace', { path: `n${n}` })));
    expect(commits.map(({ commands }) => commands)).toEqual([3]);
    await commands.run('writeNamespace', { path: 'n4' });
    expect(commits.map(({ commands }) => commands)).toEqual([3, 1]);
  });

  test('a commit that fails rejects all that it carried, and the writer goes on', async () => {
    const { connection, commands, failNext } = await open();
    await commands.run('writeNamespace', { path: 'before' });
    failNext('commit');
    const lost = ['a', 'b'].map((path) => commands.run('writeNamespace', { path }));
    const ended = await Promise.allSettled(lost);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await commands.run('writeNamespace', { path: 'a' })).toBe('a');
    expect(await written({ sql: connection })).toEqual(['before', 'a']);
  });

  test('a transaction that cannot begin rejects all that wait, and the writer goes on', async () => {
    const { connection, commands, failNext } = await open();
    failNext('begin immediate');
    const [ended] = await Promise.allSettled([commands.run('writeNamespace', { path: 'a' })]);
    expect(ended.status).toBe('rejected');
    await commands.run('writeNamespace', { path: 'b' });
    expect(await written({ sql: connection })).toEqual(['b']);
  });

  test('a full disk is STORAGE_FULL for what did not fit, and what fits goes on', async () => {
    const { connection, commands } = await open();
    connection.execute('pragma max_page_count = 120');
    const bytes = new Uint8Array(100_000);
    const store = async (n: number) => {
      const digest = digestOf('sha256', n.toString(16).padStart(64, '0'));
      const place = { payload: bytes };
      return commands.run('storeBlob', { digest, size: bytes.length, place });
    };
    const work = [0, 1, 2, 3, 4, 5, 6, 7].map(store);
    const small = commands.run('writeNamespace', { path: 'small' });
    const refused = (await Promise.allSettled(work)).filter((end) => end.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(RegistryError);
      expect((reason as RegistryError).code).toBe('STORAGE_FULL');
    }
    await small;
    expect(await written({ sql: connection })).toEqual(['small']);
    connection.execute('pragma max_page_count = 100000');
    await store(99);
  });

  test('a checkpoint that fails harms nobody, and is told', async () => {
    const { commit, commands, checkpointFaults, executed, failNext } = await open();
    failNext('pragma wal_checkpoint(passive)');
    // One commit each, more of them than lie between two checkpoints.
    for (let n = 0; n < 600; n += 1) await commands.run('writeNamespaceRelaxed', { path: `n${n}` });
    expect(executed).toContain('pragma wal_checkpoint(passive)');
    expect(checkpointFaults).toHaveLength(1);
    failNext('pragma wal_checkpoint(truncate)');
    await commit.close();
    expect(checkpointFaults).toHaveLength(2);
  });

  test('syncs a batch when one of its commands asks for it, and no other batch', async () => {
    const { commands, commits, executed } = await open();
    const modes = () => executed.filter((text) => text.startsWith('pragma synchronous'));
    await commands.run('writeNamespaceRelaxed', { path: 'a' });
    expect(modes()).toEqual(['pragma synchronous = normal']);
    await Promise.all([
      commands.run('writeNamespaceRelaxed', { path: 'b' }),
      commands.run('writeNamespace', { path: 'c' }),
    ]);
    expect(modes()).toEqual(['pragma synchronous = normal', 'pragma synchronous = full']);
    expect(commits.map(({ synced }) => synced)).toEqual([false, true]);
  });

  test('one that came after closing is refused', async () => {
    const { commit, commands } = await open();
    await commit.close();
    await expect(commands.run('writeNamespace', { path: 'late' })).rejects.toThrow('closed');
  });
});
