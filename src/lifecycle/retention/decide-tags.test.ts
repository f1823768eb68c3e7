// Which tags stay, by examples that people would recognise and by properties that must hold of all.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decideTags } from './decide-tags.ts';
import type { TagFact } from './facts.ts';
import type { KeepRule, RetentionPolicy } from './policy.ts';
import {
  arbitraryPolicy,
  arbitraryRule,
  arbitraryTags,
  HOUR,
  NOW,
  tagFact,
} from './suite-facts.ts';
import { staysByRules } from './suite-rules.ts';

const NO_LEASES = new Map<string, readonly string[]>();

function decide(policy: RetentionPolicy, tags: readonly TagFact[], leases = NO_LEASES) {
  return decideTags({ policy, tags, now: NOW, leases });
}

function staying(policy: RetentionPolicy, tags: readonly TagFact[]): string[] {
  return decide(policy, tags)
    .filter(({ stays }) => stays)
    .map(({ tag }) => tag);
}

/** Each a different image; the first was pushed last. */
function pushes(...names: string[]): TagFact[] {
  return names.map((name, at) => tagFact(name, at + 1, { pushedAt: NOW - (at + 1) * HOUR }));
}

function staysUnder(rule: KeepRule, tags: readonly TagFact[]): string[] {
  return staying({ rules: [rule] }, tags);
}

describe('the last ones', () => {
  test('pushed, of those that fit; what no rule speaks of stays', () => {
    const tags = pushes('main-3', 'pr-9', 'main-2', 'main-1', 'main-keep');
    const rule: KeepRule = {
      keep: 'last-pushed',
      count: 2,
      tags: ['main-*'],
      except: ['main-keep'],
    };
    expect(decide({ rules: [rule] }, tags).map(({ stays, reason }) => [stays, reason])).toEqual([
      [true, 'one of the 2 images last pushed of main-* except main-keep'],
      [true, 'no rule speaks of it'],
      [true, 'one of the 2 images last pushed of main-* except main-keep'],
      [false, 'none of the rules keeps it'],
      [true, 'no rule speaks of it'],
    ]);
  });

  test('several tags of one image take one place', () => {
    const tags = [
      ...[tagFact('latest', 1), tagFact('build-3', 1), tagFact('abc', 1)],
      ...[tagFact('build-2', 2, { pushedAt: NOW - 2 * HOUR })],
      ...[tagFact('build-1', 3, { pushedAt: NOW - 3 * HOUR })],
    ];
    const rule: KeepRule = { keep: 'last-pushed', count: 2 };
    expect(staysUnder(rule, tags)).toEqual(['latest', 'build-3', 'abc', 'build-2']);
  });

  test('pushed at the same instant, the later name is the later push', () => {
    const tags = ['b-1', 'b-3', 'b-2'].map((name, at) => tagFact(name, at + 1));
    expect(staysUnder({ keep: 'last-pushed', count: 1 }, tags)).toEqual(['b-3']);
  });

  test('pulled; what nobody pulled has no rank', () => {
    const pulled = (hours: number) => ({ pulledAt: NOW - hours * HOUR });
    const tags = [tagFact('a', 1), tagFact('b', 2, pulled(5)), tagFact('c', 3, pulled(3))];
    expect(staysUnder({ keep: 'last-pulled', count: 1 }, tags)).toEqual(['c']);
    expect(staysUnder({ keep: 'last-pulled', count: 3 }, tags)).toEqual(['b', 'c']);
  });
});

describe('the highest versions', () => {
  const names = ['1.9.0', '1.10.0', '1.10.1', '2.0.0', '2.1.0-rc.1', 'v2.0.1', 'latest', 'main'];
  const tags = pushes(...names);

  test('by their order, not by name or push; what is no version is not spoken of', () => {
    const expected = ['2.0.0', '2.1.0-rc.1', 'v2.0.1', 'latest', 'main'];
    expect(staysUnder({ keep: 'highest-versions', count: 2 }, tags)).toEqual(expected);
  });

  test('of each line', () => {
    expect(staysUnder({ keep: 'highest-versions', count: 1, each: 'major' }, tags)).toEqual([
      ...['1.10.1', '2.1.0-rc.1', 'v2.0.1', 'latest', 'main'],
    ]);
    expect(staysUnder({ keep: 'highest-versions', count: 1, each: 'minor' }, tags)).toEqual([
      ...['1.9.0', '1.10.1', '2.1.0-rc.1', 'v2.0.1', 'latest', 'main'],
    ]);
  });

  test('pre-releases count when the rule says so', () => {
    const rule: KeepRule = { keep: 'highest-versions', count: 2, preReleases: 'count' };
    expect(staysUnder(rule, tags)).toEqual(['2.1.0-rc.1', 'v2.0.1', 'latest', 'main']);
  });

  test('a floating tag stays with the image that it points at, and takes no place', () => {
    const floating = [tagFact('1.2', 9), tagFact('1.2.9', 9), tagFact('1.2.8', 8)];
    const rule: KeepRule = { keep: 'highest-versions', count: 1 };
    expect(staysUnder(rule, floating)).toEqual(['1.2', '1.2.9']);
  });
});

describe('by time', () => {
  const tags = [
    tagFact('new', 1, { pushedAt: NOW - HOUR }),
    tagFact('at-the-limit', 2, { pushedAt: NOW - 24 * HOUR }),
    tagFact('pulled', 3, { pushedAt: NOW - 99 * HOUR, pulledAt: NOW - HOUR }),
    tagFact('of-tomorrow', 4, { pushedAt: NOW + 24 * HOUR }),
  ];

  test('younger than', () => {
    expect(staysUnder({ keep: 'pushed-within', within: '1d' }, tags)).toEqual([
      'new',
      'of-tomorrow',
    ]);
  });

  test('pulled within; a push counts too, or what is new would go before its first pull', () => {
    expect(staysUnder({ keep: 'pulled-within', within: '1d' }, tags)).toEqual([
      ...['new', 'pulled', 'of-tomorrow'],
    ]);
  });
});

test('by label and annotation', () => {
  const tags = [
    tagFact('a', 1, { labels: { tier: 'production' } }),
    tagFact('b', 2, { labels: { tier: 'test' } }),
    tagFact('c', 3, { annotations: { keep: '' } }),
  ];
  expect(staysUnder({ keep: 'label', label: 'tier=prod*' }, tags)).toEqual(['a']);
  expect(staysUnder({ keep: 'label', label: 'tier' }, tags)).toEqual(['a', 'b']);
  expect(staysUnder({ keep: 'annotation', annotation: 'keep' }, tags)).toEqual(['c']);
});

describe('by its own label', () => {
  const old = NOW - 3 * HOUR;
  const tags = [
    tagFact('a', 1, { pushedAt: old, labels: { 'io.entrepot.expires-after': '2h' } }),
    tagFact('b', 2, { pushedAt: old, labels: { 'io.entrepot.expires-after': '4h' } }),
    tagFact('c', 3, { pushedAt: old, labels: { 'quay.expires-after': ' 3h ' } }),
    tagFact('d', 4, { pushedAt: old, annotations: { 'io.entrepot.expires-after': '1h' } }),
    tagFact('e', 5, { pushedAt: old, labels: { 'io.entrepot.expires-after': 'soon' } }),
    tagFact('f', 6, { pushedAt: old - HOUR }),
  ];

  test('only when the policy listens', () => {
    expect(staying({ rules: [] }, tags)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(staying({ rules: [], expireByLabel: 'unless-kept' }, tags)).toEqual(['b', 'e', 'f']);
    const [first] = decide({ rules: [], expireByLabel: 'always' }, tags);
    expect(first).toMatchObject({ stays: false, cause: 'expired' });
    expect(first?.reason).toBe(
      'its image says io.entrepot.expires-after=2h, counted from the push',
    );
  });

  test('a rule that keeps the tag wins, or the label, as chosen', () => {
    const rules: KeepRule[] = [{ keep: 'last-pushed', count: 4 }];
    expect(staying({ rules, expireByLabel: 'unless-kept' }, tags)).toEqual(['b', 'c', 'd', 'e']);
    // What has expired takes no place: there is room for the oldest one.
    expect(staying({ rules, expireByLabel: 'always' }, tags)).toEqual(['b', 'e', 'f']);
  });
});

test('what is leased or immutable stays, and takes its place among the others', () => {
  const tags = [
    tagFact('leased', 1),
    tagFact('fixed', 2, { immutability: 'fixed' }),
    tagFact('loose', 3, { immutability: 'may-expire' }),
  ];
  const leases = new Map([[tags[0]?.digest ?? '', ['cluster-a', 'cluster-b']]]);
  const rules: KeepRule[] = [{ keep: 'last-pulled', count: 1 }];
  expect(decide({ rules }, tags, leases).map(({ stays, reason }) => [stays, reason])).toEqual([
    [true, 'leased by cluster-a, cluster-b'],
    [true, 'it is immutable'],
    [false, 'none of the rules keeps it'],
  ]);
  const [, , loose] = decide({ rules, immutable: 'keep' }, tags, leases);
  expect(loose).toMatchObject({ stays: true, cause: 'immutable' });
});

test('the first rule that keeps a tag is named', () => {
  const rules: KeepRule[] = [
    { keep: 'last-pushed', count: 1 },
    { keep: 'pushed-within', within: '2h' },
  ];
  const decided = decide({ rules }, pushes('a', 'b'));
  expect(decided.map(({ rule }) => rule)).toEqual([0, undefined]);
  const both = decide({ rules: rules.toReversed() }, pushes('a', 'b'));
  expect(both.map(({ rule }) => rule)).toEqual([0, undefined]);
  expect(both[0]?.reason).toBe('pushed less than 2h ago');
});

test('the rules, stated twice, say the same', () => {
  let went = 0;
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryTags, (policy, tags) => {
      const decided = decide(policy, tags);
      for (const [at, tag] of tags.entries()) {
        const stays = staysByRules(policy, tag, tags, NOW);
        if (!stays) went += 1;
        expect([tag.tag, decided[at]?.stays]).toEqual([tag.tag, stays]);
      }
    }),
    { numRuns: 5_000 },
  );
  expect(went).toBeGreaterThan(2_000);
});

test('one more rule lets nothing go of which a rule spoke before', () => {
  fc.assert(
    fc.property(
      arbitraryPolicy,
      arbitraryRule,
      fc.nat(3),
      arbitraryTags,
      (policy, rule, at, tags) => {
        const before = decide(policy, tags);
        const after = decide({ ...policy, rules: policy.rules.toSpliced(at, 0, rule) }, tags);
        for (const [index, decision] of before.entries()) {
          if (!decision.stays || decision.cause === 'unconcerned') continue;
          expect(after[index]?.stays).toBe(true);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('a rule that keeps all it speaks of lets nothing go at all', () => {
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryTags, (policy, tags) => {
      const rules: KeepRule[] = [...policy.rules, { keep: 'all', tags: ['main*'] }];
      const kept = staying({ ...policy, rules }, tags);
      expect(kept).toEqual(expect.arrayContaining(staying(policy, tags)));
    }),
    { numRuns: 2_000 },
  );
});

test('the order in which tags are given says nothing', () => {
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryTags, (policy, tags) => {
      const there = decide(policy, tags);
      expect(decide(policy, tags.toReversed())).toEqual(there.toReversed());
    }),
    { numRuns: 2_000 },
  );
});

test('a greater count keeps what a smaller one keeps', () => {
  fc.assert(
    fc.property(arbitraryRule, arbitraryTags, (rule, tags) => {
      if (!('count' in rule)) return;
      const more = staysUnder({ ...rule, count: rule.count + 1 }, tags);
      expect(more).toEqual(expect.arrayContaining(staysUnder(rule, tags)));
    }),
    { numRuns: 2_000 },
  );
});
