import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKLOADS } from './list.ts';

const GUIDE = readFileSync(join(import.meta.dir, '../../docs/performance.md'), 'utf8');

test('every workload has a name of its own', () => {
  const ids = WORKLOADS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

for (const { id } of WORKLOADS) {
  test(`docs/performance.md says what ${id} is`, () => expect(GUIDE).toContain(`\`${id}\``));
}
