// What the proof refuses, and how it says so.
import { expect, test } from 'bun:test';
import { assertClosed, proveClosed, type Removal } from './prove-closed.ts';
import { digestOfId, manifestFact, signatureTag, tagFact } from './suite-facts.ts';

const NOTHING: Removal = {
  manifests: [
    manifestFact(1, { children: [2] }),
    manifestFact(2),
    manifestFact(3, { subject: 2 }),
    manifestFact(4),
    manifestFact(5, { leasedBy: ['cluster'] }),
    manifestFact(6, { children: [7] }),
    manifestFact(7),
  ],
  keptTags: [tagFact('prod', 1)],
  goingTags: [],
  released: new Set(),
  trashed: new Set(),
};

test.each<[string, Partial<Removal>, string, string]>([
  ['the manifest of a tag', { trashed: new Set([1]) }, 'the tag prod', digestOfId(1)],
  ['a child', { released: new Set([2]) }, 'the tag prod', digestOfId(2)],
  ['a referrer of a child', { released: new Set([4, 3]) }, 'the tag prod', digestOfId(3)],
  ['what is leased', { released: new Set([5]) }, 'the lease cluster', digestOfId(5)],
  [
    'a child of what stays without a tag',
    { trashed: new Set([7]) },
    `the manifest ${digestOfId(6)}`,
    digestOfId(7),
  ],
  [
    'the signature of a child',
    { goingTags: [tagFact(signatureTag(2), 4)], released: new Set([4]) },
    'the tag prod',
    `its signature tag ${signatureTag(2)}`,
  ],
])('%s is not lost', (_, change, holder, lost) => {
  const removal = { ...NOTHING, ...change };
  expect(proveClosed(removal)).toMatchObject({ holder, lost });
  expect(() => assertClosed(removal)).toThrow(
    `Nothing was removed: ${holder}, which stays, would lose ${lost}.`,
  );
});

test.each<[string, Partial<Removal>]>([
  ['nothing', {}],
  ['what only an untagged index held, released with its history', { released: new Set([7]) }],
  ['a whole untagged index', { trashed: new Set([6, 7]) }],
  ['the signature of what is not here', { goingTags: [tagFact(signatureTag(99), 4)] }],
  ['a second tag by the digest of its own image', { goingTags: [tagFact(signatureTag(1, ''), 1)] }],
])('%s may go', (_, change) => {
  const removal = { ...NOTHING, ...change };
  expect(proveClosed(removal)).toBeUndefined();
  expect(() => assertClosed(removal)).not.toThrow();
});
