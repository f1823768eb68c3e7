// SQLite between processes: what a killed one was answered, what two that share the file write, what is synced.
import { afterEach, describe, expect, test } from 'bun:test';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { written } from '../../src/metadata/commands.suite.ts';
import { openSqliteReader } from '../../src/metadata/sqlite.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { requires } from '../support/requires.ts';

const SCRIPT = join(import.meta.dir, 'writing-process.ts');
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const testTraced = requires('strace', canTrace, 'not installed, or not allowed to trace here');

const folders: { path: string; remove(): void }[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const folder of folders.splice(0)) folder.remove();
});

function newPath(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return join(folder.path, 'entrepot.db');
}

function start(args: readonly string[], under: readonly string[] = []): ChildProcess {
  const [command, ...rest] = [...under, process.execPath, SCRIPT, ...args];
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** The lines that a process printed until it ended or `enough` says so. */
async function linesOf(child: ChildProcess, enough: (lines: string[]) => boolean = () => false) {
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (enough(lines)) break;
  }
  return lines;
}

async function inDatabase(path: string): Promise<Set<string>> {
  const sql = openSqliteReader(path, Date.now);
  try {
    return new Set(await written({ sql }));
  } finally {
    sql.close();
  }
}

describe('processes that write', () => {
  for (const name of ['writeNamespaceRelaxed', 'writeNamespace']) {
    test(`killed at any instant: what ${name} was answered is there`, async () => {
      const path = newPath();
      const child = start([path, name, 'n', '1000000']);
      const answered = await linesOf(child, (lines) => lines.length > 200);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const kept = await inDatabase(path);
      const lost = answered.slice(1).filter((line) => !kept.has(line));
      expect(lost).toEqual([]);
      expect(answered.length).toBeGreaterThan(200);
    }, 30_000);
  }

  test('two that make and share one file lose nothing of each other', async () => {
    const path = newPath();
    const both = ['a', 'b'].map((prefix) => start([path, 'writeNamespace', prefix, '300']));
    const ended = both.map((child) => once(child, 'exit'));
    const lines = await Promise.all(both.map((child) => linesOf(child)));
    expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0]);
    const kept = await inDatabase(path);
    for (const answered of lines) {
      expect(answered).toHaveLength(301);
      expect(answered.slice(1).filter((line) => !kept.has(line))).toEqual([]);
    }
  }, 60_000);

  test('many that make one file at once make its tables once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const path = newPath();
      const all = Array.from({ length: 6 }, () => start([path, 'writeNamespace', 'n', '0']));
      const ended = await Promise.all(all.map((child) => once(child, 'exit')));
      expect(ended.map(([code]) => code)).toEqual([0, 0, 0, 0, 0, 0]);
      expect([...(await inDatabase(path))]).toEqual([]);
    }
  }, 60_000);

  testTraced(
    'a synced command is synced before its answer, a relaxed one is not',
    async () => {
      const syncs = async (name: string): Promise<number> => {
        const path = newPath();
        const log = `${path}.trace`;
        const calls = [
          '-f',
          '-o',
          log,
          '-e',
          'trace=fsync,fdatasync,write,writev,pwritev2,sendto,sendmsg',
        ];
        const child = start([path, name, 'n', '20'], ['strace', ...calls]);
        const ended = once(child, 'exit');
        await linesOf(child);
        expect((await ended)[0]).toBe(0);
        const lines = readFileSync(log, 'utf8').split('\n');
        const first = lines.findIndex((line) => line.includes('ready'));
        const last = lines.findLastIndex((line) => line.includes('n19'));
        expect(first).toBeGreaterThan(0);
        const between = lines.slice(first, last);
        return between.filter((line) => /f(data)?sync\(/.test(line)).length;
      };
      expect(await syncs('writeNamespace')).toBeGreaterThanOrEqual(20);
      expect(await syncs('writeNamespaceRelaxed')).toBeLessThanOrEqual(1);
    },
    60_000,
  );
});
