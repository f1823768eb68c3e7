// The lock file works with `npm ci` on every system, and every version in package.json is exact.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '../..');
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));

test('every optional package that another names is in the lock file', () => {
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const held = new Set(Object.keys(packages).map((path) => path.split('node_modules/').pop()));
  const absent = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !held.has(name));
  // npm ci would refuse the file. To mend it: node scripts/complete-lock-file.mjs
  expect(absent).toEqual([]);
});

test('versions are exact, and the lock file has the same', () => {
  const { dependencies, devDependencies } = read('package.json');
  const locked = read('package-lock.json').packages[''];
  expect(locked.dependencies).toEqual(dependencies);
  expect(locked.devDependencies).toEqual(devDependencies);
  for (const version of Object.values({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  }
});
