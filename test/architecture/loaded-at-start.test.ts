// What a server carries that has nothing to do: a library that only some registries need, or that is needed
// for the first time later, is loaded when it is. On SQLite nothing of PostgreSQL is.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const SOURCE = join(import.meta.dir, '../../src');
const transpiler = new Bun.Transpiler({ loader: 'ts' });

/** Packages that a file needs before it runs, by itself and by all that it imports. */
function packagesOf(file: string): string[] {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const waiting = [join(SOURCE, file)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next) || !next.endsWith('.ts')) continue;
    seen.add(next);
    for (const { kind, path } of transpiler.scanImports(readFileSync(next))) {
      if (kind !== 'import-statement') continue;
      if (path.startsWith('.')) waiting.push(resolve(dirname(next), path));
      else if (!/^(node|bun):/.test(path)) packages.add(path);
    }
  }
  return [...packages].sort();
}

test('the server', () => {
  expect(packagesOf('app/start.ts')).toEqual(['kysely', 'ldapts', 'pino', 'zod']);
});

test('the writer thread, which has its own copy of everything', () => {
  expect(packagesOf('app/writer.ts')).toEqual(['kysely']);
});

test('the thread of reports, on either engine', () => {
  expect(packagesOf('app/reader.ts')).toEqual(['kysely']);
});
