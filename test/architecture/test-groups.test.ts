// Every test belongs to exactly one stage of `npm test`: one that no stage runs would look passed for ever.
import { expect, test } from 'bun:test';
import { join, resolve } from 'node:path';
import { Glob } from 'bun';
import { chooseStages, STAGES, stagesOf } from '../../scripts/test-stages.ts';

const root = resolve(import.meta.dir, '../..');

test('every test file is run by one stage', () => {
  const groups = STAGES.flatMap((stage) => (stage.kind === 'tests' ? stage.paths : []));
  const files = [
    ...new Glob('{bin,bench,scripts,src,test,web}/**/*.test.{ts,tsx}').scanSync({ cwd: root }),
  ];
  expect(files.length).toBeGreaterThan(20);
  const stray = files
    .filter((file) => !file.includes('node_modules/'))
    .filter((file) => groups.filter((path) => file.startsWith(`${path}/`)).length !== 1);
  // To mend it: name the folder in scripts/test-stages.ts.
  expect(stray).toEqual([]);
});

test('limits leave room within the budget of docs/ci.md', () => {
  const seconds = STAGES.reduce((sum, stage) => sum + stage.limitSeconds, 0);
  expect(seconds).toBeLessThanOrEqual(55 * 60);
  for (const stage of STAGES) {
    if (stage.kind === 'tests') expect(stage.testLimitSeconds).toBeLessThan(stage.limitSeconds);
  }
});

test('stages are chosen by name, files by path, and anything else is refused', () => {
  const stages = stagesOf(root);
  expect(chooseStages(stages, [])).toEqual(stages);
  expect(chooseStages(stages, ['unit', 'types'])).toEqual(
    stages.filter(({ name }) => name === 'types' || name === 'unit'),
  );
  expect(chooseStages(stages, ['src/oci/tag.test.ts'])).toMatchObject([
    { kind: 'tests', paths: ['src/oci/tag.test.ts'] },
  ]);
  expect(chooseStages(stages, ['unti'])).toContain(
    'There is no stage "unti". There are: types, lint',
  );
});

test('a group whose folders are absent is no stage', () => {
  expect(stagesOf(join(root, 'docs')).every((stage) => stage.kind === 'tool')).toBe(true);
});
