// What the tests of retention are made of: repositories over few names, times and digests, so that they
// often meet. Graphs may have circles, absent parts and manifests that are named as blobs too.
import fc from 'fast-check';
import type { ManifestFact, RepositoryFacts, TagFact } from './facts.ts';
import type { KeepRule, RetentionPolicy } from './policy.ts';

export const HOUR = 3_600_000;
export const NOW = 1_800_000_000_000;

export function digestOfId(id: number): string {
  return `sha256:${id.toString(16).padStart(64, '0')}`;
}

export function signatureTag(id: number, suffix = '.sig'): string {
  return `sha256-${id.toString(16).padStart(64, '0')}${suffix}`;
}

/** A tag with what a test says of it. */
export function tagFact(tag: string, image: number, more: Partial<TagFact> = {}): TagFact {
  const usual = { pushedAt: NOW - HOUR, pulledAt: undefined, immutability: 'none' } as const;
  return { tag, digest: digestOfId(image), ...usual, ...more };
}

export function manifestFact(id: number, more: Partial<ManifestFact> = {}): ManifestFact {
  const usual = { children: [], blobs: [], subject: undefined, leasedBy: [] };
  return {
    id,
    digest: digestOfId(id),
    createdAt: NOW - 2 * HOUR,
    releasedAt: undefined,
    ...usual,
    ...more,
  };
}

const MANIFESTS = 7;
/** Some of them are not there. */
const anyId = fc.integer({ min: 1, max: MANIFESTS + 2 });
const anyBlob = fc.integer({ min: 1, max: 14 });
const time = fc.integer({ min: 0, max: 6 }).map((hours) => NOW - hours * HOUR);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const NAMES = [
  ...[
    '1.0.0',
    'v1.0.0',
    '1.0.1',
    '1.1',
    '1.1.0-rc.1',
    '2.0',
    'v2.0.0',
    '2.0.0-rc.2',
    '2.1.0',
    'main',
    'main-1',
  ],
  ...['main-2', 'pr-1', 'latest'],
];

const labels = fc.dictionary(
  fc.constantFrom('tier', 'io.entrepot.expires-after', 'quay.expires-after'),
  fc.constantFrom('1h', '3h', '1d', 'prod', 'soon'),
  { maxKeys: 2 },
);

export const arbitraryTag: fc.Arbitrary<TagFact> = fc.record({
  tag: fc.constantFrom(...NAMES),
  digest: fc.integer({ min: 1, max: MANIFESTS }).map(digestOfId),
  pushedAt: time,
  pulledAt: maybe(time),
  immutability: fc.constantFrom('none' as const, 'none', 'none', 'may-expire', 'fixed'),
  labels: maybe(labels),
  annotations: maybe(labels),
});

const signatureName = fc
  .tuple(anyId, fc.constantFrom('', '.sig', '.att'))
  .map(([id, suffix]) => signatureTag(id, suffix));

const manyTags = fc.uniqueArray(
  fc.oneof(
    { weight: 3, arbitrary: arbitraryTag },
    {
      weight: 1,
      arbitrary: fc.tuple(arbitraryTag, signatureName).map(([fact, tag]) => ({ ...fact, tag })),
    },
  ),
  { selector: ({ tag }) => tag, maxLength: 8 },
);

export const arbitraryTags = fc.uniqueArray(arbitraryTag, {
  selector: ({ tag }) => tag,
  maxLength: 12,
});

const limits = {
  tags: maybe(fc.subarray(['1.*', 'main*', '*', 'pr-?'], { minLength: 1 })),
  except: maybe(fc.subarray(['main', '*-rc*'])),
};
const count = fc.integer({ min: 1, max: 3 });
const within = fc.constantFrom('1h', '2h', '4h', '1w');

export const arbitraryRule: fc.Arbitrary<KeepRule> = fc.oneof(
  fc.record({ keep: fc.constantFrom('last-pushed' as const, 'last-pulled'), count, ...limits }),
  fc.record({
    keep: fc.constant('highest-versions' as const),
    count,
    each: maybe(fc.constantFrom('major' as const, 'minor')),
    preReleases: maybe(fc.constantFrom('skip' as const, 'count')),
    ...limits,
  }),
  fc.record({
    keep: fc.constantFrom('pushed-within' as const, 'pulled-within'),
    within,
    ...limits,
  }),
  fc.record({ keep: fc.constant('all' as const), ...limits }),
  fc.record({ keep: fc.constant('label' as const), label: fc.constant('tier=p*'), ...limits }),
  fc.record({
    keep: fc.constant('annotation' as const),
    annotation: fc.constant('tier'),
    ...limits,
  }),
);

export const arbitraryPolicy: fc.Arbitrary<RetentionPolicy> = fc.record({
  rules: fc.array(arbitraryRule, { maxLength: 3 }),
  expireByLabel: maybe(fc.constantFrom('unless-kept' as const, 'always')),
  untaggedAfter: maybe(within),
  signaturesWithoutImageAfter: maybe(within),
  immutable: maybe(fc.constantFrom('expire' as const, 'keep')),
});

function arbitraryManifest(id: number): fc.Arbitrary<ManifestFact> {
  return fc.record({
    id: fc.constant(id),
    digest: fc.constant(digestOfId(id)),
    createdAt: time,
    releasedAt: maybe(time),
    children: fc.uniqueArray(anyId, { maxLength: 2 }),
    blobs: fc.uniqueArray(anyBlob, { maxLength: 3 }),
    subject: fc.option(anyId, { nil: undefined, freq: 2 }),
    leasedBy: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.constant(['cluster'])),
  });
}

export const arbitraryManifests: fc.Arbitrary<ManifestFact[]> = fc.tuple(
  ...Array.from({ length: MANIFESTS }, (_, at) => arbitraryManifest(at + 1)),
);

/** 2 to the power of the id: a sum says which blobs it is made of. */
export const SIZES: ReadonlyMap<number, number> = new Map(
  Array.from({ length: 16 }, (_, id) => [id, 2 ** id]),
);

export const arbitraryRepository: fc.Arbitrary<RepositoryFacts> = fc.record({
  tags: manyTags,
  manifests: arbitraryManifests,
  sizes: fc.constant(SIZES),
  heldElsewhere: maybe(fc.uniqueArray(anyBlob, { maxLength: 2 }).map((ids) => new Set(ids))),
  purgedImages: maybe(
    fc.constant(new Set([digestOfId(MANIFESTS + 1)])) as fc.Arbitrary<ReadonlySet<string>>,
  ),
});
