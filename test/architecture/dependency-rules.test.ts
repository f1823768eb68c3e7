// Proves that the dependency rules can fail: each is broken once, in a small tree of its own.
import { afterAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dir, '../..');
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

type Files = Readonly<Record<string, string>>;

function check(files: Files, reporter: string): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-rules-'));
  folders.push(folder);
  const packages = { dependencies: { zod: '*', postgres: '*' }, devDependencies: { knip: '*' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', ...packages }));
  const installed = Object.keys({ ...packages.dependencies, ...packages.devDependencies }).map(
    (name): [string, string] => [`node_modules/${name}/index.js`, 'export default 1;\n'],
  );
  for (const [path, text] of [...installed, ...Object.entries(files)]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const tool = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const options = [
    `--config=${join(root, '.dependency-cruiser.cjs')}`,
    `--output-type=${reporter}`,
  ];
  return spawnSync(process.execPath, [tool, ...options, 'src'], { cwd: folder, encoding: 'utf8' });
}

/** Names of the rules that a tree breaks. */
function brokenRules(files: Files): string[] {
  const { summary } = JSON.parse(check(files, 'json').stdout) as {
    summary: { violations: { rule: { name: string } }[]; totalCruised: number };
  };
  expect(summary.totalCruised).toBeGreaterThan(1);
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

const leaf = { 'src/oci/leaf.ts': 'export type Leaf = string;\nexport const leaf = 1;\n' };

test('a tree that keeps the rules is accepted', () => {
  expect(
    brokenRules({
      ...leaf,
      'src/oci/near.ts': `import { leaf } from './leaf.ts';\nexport const near = leaf;\n`,
      'src/blobs/store.ts': `import { near } from '../oci/near.ts';\nimport 'node:fs';\nexport const store = near;\n`,
      'src/blobs/store.test.ts': `import './store.ts';\nimport '../../test/support/there.ts';\nimport { test } from 'bun:test';\n`,
      'src/metadata/rows.ts': `import 'bun:sqlite';\nimport postgres from 'postgres';\nimport '../oci/leaf.ts';\n`,
      'src/http/host.ts': `import '../blobs/store.ts';\nimport '../metadata/rows.ts';\nimport { z } from 'zod';\n`,
      'test/support/there.ts': 'export {};\n',
    }),
  ).toEqual([]);
});

test.each([
  ['rank-of-oci', 'src/oci/bad.ts', `import '../blobs/there.ts';`, 'src/blobs/there.ts'],
  ['rank-of-blobs', 'src/blobs/bad.ts', `import '../metadata/there.ts';`, 'src/metadata/there.ts'],
  [
    'rank-of-registry',
    'src/registry/bad.ts',
    `import '../access/there.ts';`,
    'src/access/there.ts',
  ],
  [
    'rank-of-registry',
    'src/registry/bad.ts',
    `import type { T } from '../http/there.ts';`,
    'src/http/there.ts',
  ],
  [
    'rank-of-metadata',
    'src/metadata/bad.ts',
    `export { T } from '../registry/there.ts';`,
    'src/registry/there.ts',
  ],
  [
    'rank-of-http',
    'src/http/bad.ts',
    `export const load = () => import('../app/there.ts');`,
    'src/app/there.ts',
  ],
  ['rank-of-app', 'src/app/bad.ts', `import '../cli/there.ts';`, 'src/cli/there.ts'],
  ['rank-of-blobs', 'src/blobs/bad.test.ts', `import '../http/there.ts';`, 'src/http/there.ts'],
  ['every-file-has-a-folder', 'src/utils/bad.ts', `import '../oci/there.ts';`, 'src/oci/there.ts'],
  ['every-file-has-a-folder', 'src/bad.ts', `import './oci/there.ts';`, 'src/oci/there.ts'],
  [
    'program-without-tests',
    'src/oci/bad.ts',
    `import '../../test/support/there.ts';`,
    'test/support/there.ts',
  ],
  [
    'program-without-tests',
    'src/oci/bad.ts',
    `import './there.suite.ts';`,
    'src/oci/there.suite.ts',
  ],
  [
    'tests-of-src-use-support-only',
    'src/oci/bad.test.ts',
    `import '../../test/clients/there.ts';`,
    'test/clients/there.ts',
  ],
  ['oci-is-pure', 'src/oci/bad.ts', `import { readFileSync } from 'node:fs';`, 'src/oci/there.ts'],
  ['oci-is-pure', 'src/oci/bad.ts', `import { file } from 'bun';`, 'src/oci/there.ts'],
  [
    'only-metadata-speaks-sql',
    'src/registry/bad.ts',
    `import { Database } from 'bun:sqlite';`,
    'src/oci/there.ts',
  ],
  [
    'only-metadata-speaks-sql',
    'src/app/bad.ts',
    `import postgres from 'postgres';`,
    'src/oci/there.ts',
  ],
  ['packages-are-declared', 'src/app/bad.ts', `import 'knip';`, 'src/oci/there.ts'],
])('%s is broken by %s with %s', (rule, path, text, target) => {
  const used = `import '${target.endsWith('.ts') ? './leaf.ts' : ''}';`;
  expect(
    brokenRules({
      ...leaf,
      'src/oci/user.ts': used,
      [target]: `export type T = 1;\nexport const t = 1;\n`,
      [path]: `${text}\n`,
    }).filter((name) => name !== 'no-orphans'),
  ).toEqual([rule]);
});

test('no-cycles and no-orphans', () => {
  expect(
    brokenRules({
      'src/oci/a.ts': `import './b.ts';\n`,
      'src/oci/b.ts': `import './c.ts';\n`,
      'src/oci/c.ts': `import type {} from './a.ts';\nimport './a.ts';\n`,
      'src/oci/alone.ts': 'export const alone = 1;\n',
    }),
  ).toEqual(['no-cycles', 'no-orphans']);
});

test('a broken rule fails the run and says what to do', () => {
  const files = {
    'src/oci/bad.ts': `import '../http/there.ts';\n`,
    'src/http/there.ts': 'export const t = 1;\n',
  };
  const { status, stdout } = check(files, 'err-long');
  expect(status).not.toBe(0);
  expect(stdout).toContain('src/oci may import only oci. Move the code down');
});
