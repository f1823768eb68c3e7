// The rules of retention, stated a second time: one tag at a time, without sorting, sets or graphs, for a
// person to check against what was meant. Nothing of the decision is used here but its facts.
import { matchesGlob } from '../../access/glob.ts';
import type { ManifestFact, RepositoryFacts, TagFact } from './facts.ts';
import type { KeepRule, RetentionPolicy } from './policy.ts';
import { HOUR } from './suite-facts.ts';

const LENGTHS: Readonly<Record<string, number>> = {
  '1h': HOUR,
  '2h': 2 * HOUR,
  '3h': 3 * HOUR,
  '4h': 4 * HOUR,
  '1d': 24 * HOUR,
  '1w': 7 * 24 * HOUR,
};

function lengthOf(text: string): number {
  const length = LENGTHS[text];
  if (length === undefined) throw new Error(`unknown here: ${text}`);
  return length;
}

/** With three parts, and without the v, as the runtime compares them. */
function versionOf(tag: string): string | undefined {
  const [, core, patch = '.0', rest = ''] = /^v?(\d+\.\d+)(\.\d+)?(-.+)?$/.exec(tag) ?? [];
  return core === undefined ? undefined : `${core}${patch}${rest}`;
}

function speaksOf(rule: KeepRule, { tag }: TagFact): boolean {
  const fits = (pattern: string) => matchesGlob(pattern, tag, { isPath: false });
  if (rule.tags !== undefined && !rule.tags.some(fits)) return false;
  if (rule.except?.some(fits)) return false;
  if (rule.keep !== 'highest-versions') return true;
  const version = versionOf(tag);
  return version !== undefined && (!version.includes('-') || rule.preReleases === 'count');
}

/** Whether `a` has a better place than `b`. */
function isBetter(rule: KeepRule, a: TagFact, b: TagFact): boolean {
  if (rule.keep === 'highest-versions') {
    const order = Bun.semver.order(versionOf(a.tag) ?? '', versionOf(b.tag) ?? '');
    if (order !== 0) return order > 0;
  }
  const [left, right] =
    rule.keep === 'last-pulled' ? [a.pulledAt ?? 0, b.pulledAt ?? 0] : [a.pushedAt, b.pushedAt];
  return left !== right ? left > right : a.tag > b.tag;
}

function isRanked(rule: KeepRule, tag: TagFact): boolean {
  return rule.keep !== 'last-pulled' || tag.pulledAt !== undefined;
}

function lineOf(rule: KeepRule, { tag }: TagFact): string | undefined {
  if (rule.keep !== 'highest-versions' || rule.each === undefined) return '';
  const [major = '', minor] = (versionOf(tag) ?? '').split('.');
  return rule.each === 'major' ? major : `${major}.${minor}`;
}

/** Whether fewer than `count` other images have, in a line where this one is, a better tag than its best. */
function hasPlace(
  rule: KeepRule & { readonly count: number },
  ranked: readonly TagFact[],
  { digest }: TagFact,
): boolean {
  return ranked
    .filter((own) => own.digest === digest)
    .some((own) => {
      const before = ranked.filter(
        (other) =>
          other.digest !== digest &&
          lineOf(rule, other) === lineOf(rule, own) &&
          isBetter(rule, other, own),
      );
      return new Set(before.map((other) => other.digest)).size < rule.count;
    });
}

function keeps(rule: KeepRule, tag: TagFact, all: readonly TagFact[], now: number): boolean {
  switch (rule.keep) {
    case 'last-pushed':
    case 'last-pulled':
    case 'highest-versions': {
      const ranked = all.filter((other) => speaksOf(rule, other) && isRanked(rule, other));
      return hasPlace(rule, ranked, tag);
    }
    case 'pushed-within':
      return now - tag.pushedAt < lengthOf(rule.within);
    case 'pulled-within': {
      const pulled = tag.pulledAt !== undefined && now - tag.pulledAt < lengthOf(rule.within);
      return pulled || now - tag.pushedAt < lengthOf(rule.within);
    }
    case 'all':
      return true;
    case 'label':
      return tag.labels?.tier?.startsWith('p') ?? false;
    case 'annotation':
      return tag.annotations?.tier !== undefined;
  }
}

export function isExpired({ labels, annotations, pushedAt }: TagFact, now: number): boolean {
  const said = ['io.entrepot.expires-after', 'quay.expires-after'].flatMap((key) => [
    labels?.[key],
    annotations?.[key],
  ]);
  const first = said.find((text) => text !== undefined && text in LENGTHS);
  return first !== undefined && pushedAt + lengthOf(first) <= now;
}

export function isImmutable(policy: RetentionPolicy, { immutability }: TagFact): boolean {
  if (immutability === 'fixed') return true;
  return immutability === 'may-expire' && policy.immutable === 'keep';
}

/** Whether a tag, which is neither leased nor a signature tag, stays. */
export function staysByRules(
  policy: RetentionPolicy,
  tag: TagFact,
  all: readonly TagFact[],
  now: number,
): boolean {
  if (isImmutable(policy, tag)) return true;
  const { expireByLabel } = policy;
  if (expireByLabel === 'always' && isExpired(tag, now)) return false;
  const counted = expireByLabel === 'always' ? all.filter((other) => !isExpired(other, now)) : all;
  const speaking = policy.rules.filter((rule) => speaksOf(rule, tag));
  if (speaking.some((rule) => keeps(rule, tag, counted, now))) return true;
  if (expireByLabel === 'unless-kept' && isExpired(tag, now)) return false;
  return speaking.length === 0;
}

/** The manifest that a signature tag is about, as its name says; undefined: an ordinary tag. */
function imageNamed({ tag, digest }: TagFact): string | undefined {
  const [, hex] = /^sha256-([0-9a-f]{64})(\..*)?$/.exec(tag) ?? [];
  return hex === undefined || digest === `sha256:${hex}` ? undefined : `sha256:${hex}`;
}

export interface Fates {
  readonly tags: ReadonlySet<string>;
  readonly live: ReadonlySet<number>;
  /** With those of the history that keep what they hold. */
  readonly present: ReadonlySet<number>;
}

/** What stays of a repository: everything is looked at again until nothing more is found to stay. */
export function whatStays(policy: RetentionPolicy, facts: RepositoryFacts, now: number): Fates {
  const { tags, manifests } = facts;
  const held = growing(facts, ({ digest, leasedBy }) => {
    return leasedBy.length > 0 || tags.some((tag) => tag.digest === digest);
  });
  const isEarly = ({ id, createdAt, releasedAt }: ManifestFact) => {
    if (held.has(id)) return false;
    if (policy.untaggedAfter === undefined) return true;
    return now - (releasedAt ?? createdAt) < lengthOf(policy.untaggedAfter);
  };
  const ordinary = tags.filter((tag) => imageNamed(tag) === undefined);
  const isLeased = ({ digest }: TagFact) => {
    const below = growing(
      { manifests: manifests.map((one) => ({ ...one, subject: undefined })) },
      (one) => one.digest === digest,
    );
    return manifests.some(({ id, leasedBy }) => leasedBy.length > 0 && below.has(id));
  };
  const stays = new Set<string>();
  for (const tag of ordinary) {
    if (isLeased(tag) || staysByRules(policy, tag, ordinary, now)) stays.add(tag.tag);
  }
  const letGo = whatIsLetGo(policy, facts, now, { stays, isEarly, held, isLeased });
  for (;;) {
    const isTagged = (one: ManifestFact) =>
      tags.some(({ tag, digest }) => digest === one.digest && stays.has(tag));
    const isHeld = (one: ManifestFact) => one.leasedBy.length > 0 || isTagged(one);
    const live = growing(
      facts,
      (one) => isHeld(one) || (isEarly(one) && one.releasedAt === undefined),
    );
    const present = growing(facts, (one) => isHeld(one) || isEarly(one));
    const before = stays.size;
    for (const tag of tags) {
      const image = imageNamed(tag);
      if (image === undefined) continue;
      const isHere = manifests.some(({ digest }) => digest === image);
      const isImage = ({ digest }: ManifestFact) => digest === image;
      const follows = isHere
        ? manifests.some((one) => isImage(one) && (present.has(one.id) || !letGo.has(one.id)))
        : staysWithoutImage(policy, facts, tag, now);
      if (follows || isLeased(tag) || isImmutable(policy, tag)) stays.add(tag.tag);
    }
    if (stays.size === before) return { tags: stays, live, present };
  }
}

interface Before {
  /** Ordinary tags that stay. */
  readonly stays: ReadonlySet<string>;
  readonly held: ReadonlySet<number>;
  readonly isEarly: (manifest: ManifestFact) => boolean;
  readonly isLeased: (tag: TagFact) => boolean;
}

/** All that a decision can lead to: what hangs on a tag that goes, or has been untagged for too long. */
function whatIsLetGo(
  policy: RetentionPolicy,
  facts: RepositoryFacts,
  now: number,
  { stays, held, isEarly, isLeased }: Before,
): Set<number> {
  const { tags, manifests } = facts;
  let found = new Set<number>();
  for (;;) {
    const goes = (tag: TagFact) => {
      const image = imageNamed(tag);
      if (image === undefined) return !stays.has(tag.tag);
      if (isLeased(tag) || isImmutable(policy, tag)) return false;
      if (manifests.some(({ digest }) => digest === image)) {
        return manifests.some(({ id, digest }) => digest === image && found.has(id));
      }
      return !staysWithoutImage(policy, facts, tag, now);
    };
    const before = found.size;
    found = growing(facts, (one) => {
      const isDue = !held.has(one.id) && !isEarly(one);
      return isDue || tags.some((tag) => tag.digest === one.digest && goes(tag));
    });
    if (found.size === before) return found;
  }
}

function staysWithoutImage(
  { signaturesWithoutImageAfter }: RetentionPolicy,
  { purgedImages }: RepositoryFacts,
  tag: TagFact,
  now: number,
): boolean {
  if (purgedImages?.has(imageNamed(tag) ?? '')) return false;
  if (signaturesWithoutImageAfter === undefined) return true;
  return now - tag.pushedAt < lengthOf(signaturesWithoutImageAfter);
}

/** Those that are meant, and what an index or a subject among them holds, until no more are found. */
function growing(
  { manifests }: { readonly manifests: readonly ManifestFact[] },
  isRoot: (manifest: ManifestFact) => boolean,
): Set<number> {
  const found = new Set<number>();
  for (;;) {
    const before = found.size;
    for (const manifest of manifests) {
      const { id, subject } = manifest;
      const isChild = manifests.some((other) => found.has(other.id) && other.children.includes(id));
      const isReferrer = subject !== undefined && found.has(subject);
      if (isRoot(manifest) || isChild || isReferrer) found.add(id);
    }
    if (found.size === before) return found;
  }
}
