// What hangs together, on graphs with circles, absent parts and shared ones.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { closureOf, graphOf, leasesByManifest, topsOf } from './closure.ts';
import { bytesFreed, exclusiveBytes } from './freed-bytes.ts';
import { arbitraryManifests, manifestFact, SIZES } from './suite-facts.ts';

/** An index of two platforms, one with an attestation, a signature of the index, and one of that. */
const IMAGE = [
  manifestFact(1, { children: [2, 3, 4, 99] }),
  manifestFact(2, { blobs: [20, 21] }),
  manifestFact(3, { blobs: [21, 22] }),
  manifestFact(4, { subject: 2, blobs: [23] }),
  manifestFact(5, { subject: 1, children: [6] }),
  manifestFact(6, { subject: 5 }),
  manifestFact(7, { blobs: [20] }),
];

describe('a closure', () => {
  test('has children, referrers, their referrers and their children', () => {
    expect([...closureOf(graphOf(IMAGE), [1])].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...closureOf(graphOf(IMAGE), [2])].sort()).toEqual([2, 4]);
    expect([...closureOf(graphOf(IMAGE), [99])]).toEqual([]);
  });

  test('ends in a circle of child and subject', () => {
    const circle = [manifestFact(1, { children: [2], subject: 2 }), manifestFact(2)];
    expect([...closureOf(graphOf(circle), [2])].sort()).toEqual([1, 2]);
    expect(topsOf(graphOf(circle), [2, 1])).toEqual([2]);
  });
});

test('tops are those that no other one holds', () => {
  expect(topsOf(graphOf(IMAGE), [6, 5, 4, 3, 2, 1])).toEqual([1]);
  expect(topsOf(graphOf(IMAGE), [6, 4, 3, 2])).toEqual([6, 3, 2]);
});

test('a lease on a part is one on the indexes above it, and not on its subject', () => {
  const leased = IMAGE.map((one) =>
    one.id === 3 || one.id === 5 ? { ...one, leasedBy: [`lease-${one.id}`] } : one,
  );
  expect([...leasesByManifest(graphOf(leased))].sort()).toEqual([
    [1, ['lease-3']],
    [3, ['lease-3']],
    [5, ['lease-5']],
  ]);
});

describe('bytes', () => {
  const sizes = new Map([1, 2, 3, 4, 5, 6, 7].map((id) => [id, 1]));
  for (const [at, blob] of [20, 21, 22, 23].entries()) sizes.set(blob, 10 ** (at + 1));

  test('shared ones are freed by none alone', () => {
    const contents = { graph: graphOf(IMAGE), sizes };
    // 20 is shared by the two roots; the rest is of one only.
    expect(exclusiveBytes(contents, [1, 7])).toEqual([100 + 1000 + 10_000 + 6, 1]);
    expect(exclusiveBytes(contents, [1, 1])).toEqual([0, 0]);
    expect(bytesFreed(contents, { going: [1, 2, 3, 4, 5, 6], staying: [7] })).toBe(11_106);
    expect(bytesFreed(contents, { going: [7], staying: [] })).toBe(11);
  });

  test('what something outside needs is freed by nothing here', () => {
    const contents = { graph: graphOf(IMAGE), sizes, heldElsewhere: new Set([22]) };
    expect(exclusiveBytes(contents, [1, 7])).toEqual([100 + 10_000 + 6, 1]);
  });

  test('a child that is no manifest here counts as the blob that it is', () => {
    const contents = { graph: graphOf([manifestFact(1, { children: [20] })]), sizes };
    expect(exclusiveBytes(contents, [1])).toEqual([11]);
  });

  test('of each root are what would be missing without it', () => {
    let exclusive = 0;
    fc.assert(
      fc.property(
        arbitraryManifests,
        fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 5 }),
        (manifests, roots) => {
          const contents = { graph: graphOf(manifests), sizes: SIZES };
          const total = bytesFreed(contents, {
            going: closureOf(contents.graph, roots),
            staying: [],
          });
          for (const [at, bytes] of exclusiveBytes(contents, roots).entries()) {
            const others = closureOf(contents.graph, roots.toSpliced(at, 1));
            expect(bytes).toBe(total - bytesFreed(contents, { going: others, staying: [] }));
            if (bytes > 0) exclusive += 1;
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(exclusive).toBeGreaterThan(1_000);
  });
});
