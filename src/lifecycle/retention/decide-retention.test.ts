// A whole repository: closures, signatures, untagged manifests, leases and the bytes that all of it frees.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { imageOfSignatureTag } from '../signature-tag.ts';
import { closureOf, graphOf } from './closure.ts';
import { decideRetention } from './decide-retention.ts';
import type { RepositoryFacts, TagFact } from './facts.ts';
import { bytesFreed } from './freed-bytes.ts';
import type { RetentionPolicy } from './policy.ts';
import { proveClosed } from './prove-closed.ts';
import {
  arbitraryPolicy,
  arbitraryRepository,
  digestOfId,
  HOUR,
  manifestFact,
  NOW,
  SIZES,
  signatureTag,
  tagFact,
} from './suite-facts.ts';
import { whatStays } from './suite-rules.ts';

const LAST_ONE: RetentionPolicy = { rules: [{ keep: 'last-pushed', count: 1 }] };

function world(tags: TagFact[], manifests: RepositoryFacts['manifests']): RepositoryFacts {
  return { tags, manifests, sizes: SIZES };
}

function outcome(policy: RetentionPolicy, facts: RepositoryFacts) {
  const decision = decideRetention(policy, facts, NOW);
  return {
    decision,
    stays: decision.tags.filter(({ stays }) => stays).map(({ tag }) => tag),
    released: [...decision.released].sort((a, b) => a - b),
    trashed: [...decision.trashed].sort((a, b) => a - b),
    reasons: Object.fromEntries(decision.tags.map(({ tag, reason }) => [tag, reason])),
  };
}

const old = (tag: string, image: number) => tagFact(tag, image, { pushedAt: NOW - 9 * HOUR });

describe('the closure of a tag', () => {
  const manifests = [
    manifestFact(1, { children: [2, 3] }),
    manifestFact(2, { blobs: [8] }),
    manifestFact(3, { subject: 2, blobs: [9] }),
    manifestFact(4, { subject: 1, blobs: [10] }),
    manifestFact(5, { children: [2, 6] }),
    manifestFact(6, { blobs: [11] }),
    manifestFact(7, { subject: 5 }),
  ];

  test('goes whole, but for what a tag that stays needs', () => {
    const { stays, released, decision } = outcome(
      LAST_ONE,
      world([tagFact('new', 1), old('old', 5)], manifests),
    );
    expect(stays).toEqual(['new']);
    expect(released).toEqual([5, 6, 7]);
    const bytes = 2 ** 5 + 2 ** 6 + 2 ** 7 + 2 ** 11;
    expect(decision.tags.map((tag) => tag.bytes)).toEqual([2 ** 1 + 2 ** 4 + 2 ** 10, bytes]);
    expect(decision.freed).toEqual({ live: bytes, stored: bytes });
  });

  test('two tags of one image free nothing alone, and all of it together', () => {
    const simple = [manifestFact(1), manifestFact(6, { blobs: [11] })];
    const facts = world([tagFact('new', 1), old('a', 6), old('b', 6)], simple);
    const { decision } = outcome(LAST_ONE, facts);
    expect(decision.tags.map(({ bytes }) => bytes > 0)).toEqual([true, false, false]);
    expect(decision.freed.live).toBe(2 ** 6 + 2 ** 11);
  });

  test('a lease on the image of one platform keeps the tag of the index', () => {
    const leased = manifests.map((one) => (one.id === 6 ? { ...one, leasedBy: ['k8s'] } : one));
    const facts = world([tagFact('new', 1), old('old', 5)], leased);
    expect(outcome(LAST_ONE, facts).reasons).toMatchObject({ old: 'leased by k8s' });
  });
});

describe('signature tags', () => {
  const manifests = [1, 2, 3, 4, 5, 6].map((id) => manifestFact(id));
  const beside = (...tags: TagFact[]) =>
    world([tagFact('new', 1), old('old', 2), ...tags], manifests);

  test('stay and go with their image, and take no place among the last ones', () => {
    const facts = beside(
      ...[tagFact(signatureTag(1), 3), tagFact(signatureTag(2, '.att'), 4)],
      // Signatures of the two signatures.
      ...[tagFact(signatureTag(3, ''), 5), tagFact(signatureTag(4, ''), 6)],
    );
    const { stays, released, reasons } = outcome(LAST_ONE, facts);
    expect(stays).toEqual(['new', signatureTag(1), signatureTag(3, '')]);
    expect(released).toEqual([2, 4, 6]);
    expect(reasons[signatureTag(1)]).toBe('it belongs to sha256:000000000000…, which stays');
    expect(reasons[signatureTag(2, '.att')]).toBe('it belongs to sha256:000000000000…, which goes');
  });

  test('stay with an image that is part of an index', () => {
    const index = [manifestFact(1, { children: [2] }), manifestFact(2), manifestFact(3)];
    const facts = world([tagFact('new', 1), tagFact(signatureTag(2), 3)], index);
    expect(outcome(LAST_ONE, facts).stays).toEqual(['new', signatureTag(2)]);
  });

  test('stay with an image of the history, as long as it can be pulled', () => {
    const [first, ...others] = manifests;
    const history = [{ ...first, id: 1, digest: digestOfId(1), releasedAt: NOW - HOUR }, ...others];
    const facts = world([tagFact('new', 2), old(signatureTag(1), 3)], history as typeof manifests);
    expect(outcome(LAST_ONE, facts).stays).toEqual(['new', signatureTag(1)]);
    const policy: RetentionPolicy = { ...LAST_ONE, untaggedAfter: '1h' };
    const { stays, trashed, released } = outcome(policy, facts);
    expect([stays, trashed, released]).toEqual([['new'], [1, 4, 5, 6], [3]]);
  });

  test('of images elsewhere stay, unless the image was purged or the policy says so', () => {
    const facts = beside(old(signatureTag(77), 3), old(signatureTag(78), 4));
    expect(outcome(LAST_ONE, facts).stays).toEqual(['new', signatureTag(77), signatureTag(78)]);
    const purged = { ...facts, purgedImages: new Set([digestOfId(78)]) };
    expect(outcome(LAST_ONE, purged).stays).toEqual(['new', signatureTag(77)]);
    const policy: RetentionPolicy = { ...LAST_ONE, signaturesWithoutImageAfter: '4h' };
    expect(outcome(policy, facts).stays).toEqual(['new']);
  });

  test('a tag by the digest of its own image is an ordinary one', () => {
    const facts = beside(old(signatureTag(3, ''), 3));
    expect(outcome({ rules: [] }, facts).stays).toContain(signatureTag(3, ''));
    expect(outcome(LAST_ONE, facts).stays).not.toContain(signatureTag(3, ''));
  });

  test('that alone hold their image stay, until a decision leads to them', () => {
    const graph = [
      ...[manifestFact(1, { children: [2] }), manifestFact(2), manifestFact(7)],
      ...[manifestFact(3, { children: [4] }), manifestFact(4)],
      ...[manifestFact(5, { children: [6] }), manifestFact(6)],
    ];
    // One by itself, two by each other.
    const circles = [[2, 1] as const, [6, 3] as const, [4, 5] as const].map(([image, at]) =>
      tagFact(signatureTag(image), at),
    );
    const names = circles.map(({ tag }) => tag);
    const untouched = outcome({ rules: [] }, world(circles, graph));
    expect(untouched.stays).toEqual(names);
    expect(new Set(Object.values(untouched.reasons))).toEqual(
      new Set(['only signature tags hold its image, and no decision lets go of those']),
    );
    const facts = world([...circles, tagFact('new', 7), old('old', 4)], graph);
    expect(outcome(LAST_ONE, facts).stays).toEqual([signatureTag(2), 'new']);
  });

  test.each([
    [`sha256-${'a'.repeat(64)}.sig`, `sha256-${'a'.repeat(64)}`],
    [`sha256-${'a'.repeat(64)}`, `sha256-${'a'.repeat(64)}`],
    [`sha512-${'b'.repeat(64)}.att`, `sha512-${'b'.repeat(64)}`],
    [`sha256-${'a'.repeat(64)}.my.sbom`, `sha256-${'a'.repeat(64)}`],
    [`sha256-${'a'.repeat(63)}.sig`, undefined],
    [`sha256-${'a'.repeat(65)}`, undefined],
    [`sha256-${'A'.repeat(64)}`, undefined],
    [`x-sha256-${'a'.repeat(64)}`, undefined],
    [`sha256-${'a'.repeat(64)}-arm64`, undefined],
    ['latest', undefined],
  ])('%s names %p', (tag, image) => expect<unknown>(imageOfSignatureTag(tag)).toBe(image));
});

describe('manifests without a tag', () => {
  const policy: RetentionPolicy = { rules: [], untaggedAfter: '4h' };
  const aged = (hours: number) => ({ createdAt: NOW - hours * HOUR });

  test('go after their time, and nothing that is not due loses a part', () => {
    const { decision, trashed } = outcome(
      policy,
      world(
        [tagFact('new', 1)],
        [
          manifestFact(1, { children: [2], ...aged(9) }),
          manifestFact(2, aged(9)),
          manifestFact(3, { children: [4], ...aged(9) }),
          manifestFact(4, { ...aged(9), blobs: [9] }),
          manifestFact(5, { children: [6], ...aged(3) }),
          manifestFact(6, { ...aged(9), blobs: [9] }),
          manifestFact(7, { ...aged(9), releasedAt: NOW - 3 * HOUR }),
        ],
      ),
    );
    expect(trashed).toEqual([3, 4]);
    const shown = decision.untagged.map(({ id, reason, bytes }) => [id, reason, bytes]);
    expect(shown).toEqual([
      [3, 'without a tag for 4h or longer', 2 ** 3 + 2 ** 4],
      [4, 'without a tag for 4h or longer', 0],
      [5, 'without a tag for less than 4h', 2 ** 5 + 2 ** 6],
      [6, `part of ${digestOfId(5)}, which stays`, 0],
      [7, 'without a tag for less than 4h', 2 ** 7],
    ]);
    expect(decision.freed).toEqual({ live: 2 ** 3 + 2 ** 4, stored: 2 ** 3 + 2 ** 4 });
  });

  test('stay when the policy does not speak of them', () => {
    const facts = world([], [manifestFact(1, aged(10_000))]);
    expect(outcome({ rules: [] }, facts).trashed).toEqual([]);
  });

  test('what loses its tag in this run is not without a tag for long', () => {
    const facts = world(
      [tagFact('new', 1), old('old', 2)],
      [manifestFact(1), manifestFact(2, aged(99))],
    );
    const { released, trashed } = outcome({ ...LAST_ONE, untaggedAfter: '4h' }, facts);
    expect([released, trashed]).toEqual([[2], []]);
  });

  test('a circle of child and subject goes when it is due', () => {
    const circle = [
      manifestFact(1, { children: [2], subject: 2, ...aged(9) }),
      manifestFact(2, aged(9)),
    ];
    expect(outcome(policy, world([], circle)).trashed).toEqual([1, 2]);
    const [first, second] = circle as [(typeof circle)[0], (typeof circle)[0]];
    expect(outcome(policy, world([], [{ ...first, ...aged(1) }, second])).trashed).toEqual([]);
  });
});

test('a tag whose manifest is not among the facts is an error, not a loss', () => {
  expect(() => outcome(LAST_ONE, world([tagFact('a', 1)], []))).toThrow(/not among the facts/);
});

test('stated twice, the same stays', () => {
  const seen = { released: 0, trashed: 0, signatures: 0 };
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryRepository, (policy, facts) => {
      const { stays, decision } = outcome(policy, facts);
      const expected = whatStays(policy, facts, NOW);
      expect(new Set(stays)).toEqual(new Set(expected.tags));
      for (const { id } of facts.manifests) {
        const isLost = decision.released.has(id) || decision.trashed.has(id);
        if (expected.live.has(id)) expect([id, isLost]).toEqual([id, false]);
        if (!expected.present.has(id)) expect([id, isLost]).toEqual([id, true]);
        if (decision.trashed.has(id)) expect(expected.present.has(id)).toBe(false);
        if (decision.trashed.has(id)) expect(decision.released.has(id)).toBe(false);
      }
      seen.released += decision.released.size;
      seen.trashed += decision.trashed.size;
      seen.signatures += decision.tags.filter(({ cause }) => cause === 'signature').length;
    }),
    { numRuns: 4_000 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(300);
});

test('nothing that stays loses a part, and the proof agrees', () => {
  let lost = 0;
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryRepository, (policy, facts) => {
      const { stays, decision } = outcome(policy, facts);
      const { released, trashed } = decision;
      const isKept = ({ tag }: TagFact) => stays.includes(tag);
      const keptTags = facts.tags.filter(isKept);
      const goingTags = facts.tags.filter((tag) => !isKept(tag));
      const { manifests } = facts;
      const removal = { manifests, keptTags, goingTags, released, trashed };
      expect(proveClosed(removal)).toBeUndefined();
      const ids = new Map(manifests.map(({ id, digest }) => [digest, id]));
      const roots = keptTags.map(({ digest }) => ids.get(digest) ?? 0);
      const needed = closureOf(graphOf(manifests), roots);
      expect([...needed].filter((id) => released.has(id) || trashed.has(id))).toEqual([]);
      // Planted: each part of what is needed, taken away, is noticed.
      for (const part of needed) {
        lost += 1;
        expect(proveClosed({ ...removal, released: new Set([...released, part]) })).toBeDefined();
        expect(proveClosed({ ...removal, trashed: new Set([...trashed, part]) })).toBeDefined();
      }
    }),
    { numRuns: 2_000 },
  );
  expect(lost).toBeGreaterThan(2_000);
});

test('the bytes together are those of what is live before and not afterwards', () => {
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryRepository, (policy, facts) => {
      const { decision } = outcome(policy, facts);
      const graph = graphOf(facts.manifests);
      const contents = { graph, sizes: facts.sizes, heldElsewhere: facts.heldElsewhere };
      const { live } = whatStays(policy, facts, NOW);
      const everything = { rules: [{ keep: 'all' as const }] };
      const nothingGoes = whatStays(everything, { ...facts, purgedImages: new Set() }, NOW);
      const before = bytesFreed(contents, { going: nothingGoes.live, staying: [] });
      const after = bytesFreed(contents, { going: live, staying: [] });
      expect(decision.freed.live).toBe(before - after);
      for (const { bytes, stays } of decision.tags) {
        if (!stays) expect(bytes).toBeLessThanOrEqual(decision.freed.live);
      }
    }),
    { numRuns: 2_000 },
  );
});
