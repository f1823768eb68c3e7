// The examples of docs/retention.md are policies, and do what the guide says of them.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { decideTags } from './decide-tags.ts';
import { parseRetentionPolicy } from './policy-form.ts';
import { HOUR, NOW, tagFact } from './suite-facts.ts';

const GUIDE = readFileSync(new URL('../../../docs/retention.md', import.meta.url), 'utf8');

/** The examples below a heading. */
function examples(heading: string) {
  const section = GUIDE.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) =>
    parseRetentionPolicy(text),
  );
}

/** Each tag an image of its own; hours since its push. */
function going(heading: string, pushes: Readonly<Record<string, number>>): string[] {
  const [policy] = examples(heading);
  if (policy === undefined) throw new Error(`no example below ${heading}`);
  const tags = Object.entries(pushes).map(([tag, hours], at) =>
    tagFact(tag, at + 1, { pushedAt: NOW - hours * HOUR }),
  );
  const decided = decideTags({ policy, tags, now: NOW, leases: new Map() });
  return decided.filter(({ stays }) => !stays).map(({ tag }) => tag);
}

test('each example is a policy', () => {
  const headings = [...GUIDE.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
  expect(headings.flatMap(examples).length).toBe(6);
});

test('builds of branches', () => {
  const builds = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].map((at) => [`main-${at}`, 15 * 24 + at]),
  );
  const others = { latest: 9999, '1.4.0': 9999, 'feature-x': 9999 };
  expect(going('Builds of branches', { ...builds, ...others })).toEqual(['main-6', 'main-7']);
});

test('releases', () => {
  const versions = ['1.9.0', '1.10.0', '1.10.1', '1.10.2', '1.10.3', 'latest', '1.11.0-alpine'];
  const pushes = Object.fromEntries(versions.map((version) => [version, 9999]));
  expect(going('Releases', pushes)).toEqual(['1.10.0']);
});

test('nightly builds', () => {
  const old = { 'nightly-1': 999, 'nightly-2': 998, 'nightly-3': 997, 'nightly-4': 996 };
  expect(going('Nightly builds', old)).toEqual(['nightly-1']);
  expect(going('Nightly builds', { ...old, 'nightly-5': 1 })).toEqual(['nightly-1', 'nightly-2']);
});
