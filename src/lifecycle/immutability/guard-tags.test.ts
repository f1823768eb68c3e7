// Which changes of an immutable tag pass, by why they are made and whether somebody overrides the rule.
import { expect, test } from 'bun:test';
import type { PathPolicy } from '../../metadata/policies.ts';
import type { RepositoryId } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { TagCause } from '../../metadata/tags.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import { parseRepositoryName } from '../../oci/repository-name.ts';
import { parseTag } from '../../oci/tag.ts';
import type { TagChange } from '../../registry/guards.ts';
import { refuseChangeOfImmutable } from './guard-tags.ts';
import { ruleThatMeets } from './rules.ts';

const [A, B] = [digestOf('sha256', 'a'.repeat(64)), digestOf('sha256', 'b'.repeat(64))];
const POLICIES: PathPolicy[] = [
  {
    path: '',
    kind: 'immutability',
    document: JSON.stringify({
      rules: [
        { tags: ['old-*'], mayExpire: true },
        { tags: ['*'], except: ['free'] },
      ],
    }),
    updatedAt: 0,
    updatedBy: 'admin',
  },
];

/** One that finds that digest in the trash, under whatever name. */
function trashWith(digest: Digest | undefined): Transaction {
  return { first: async () => digest && { digest } } as unknown as Transaction;
}

async function isAllowed(
  change: Partial<TagChange> & Pick<TagChange, 'from' | 'to'>,
  { tag = 'v1', trashed }: { tag?: string; trashed?: Digest } = {},
): Promise<boolean> {
  const whole: TagChange = {
    repository: 1 as RepositoryId,
    name: parseRepositoryName('team/app'),
    tag: parseTag(tag),
    cause: 'push',
    isOverriding: false,
    ...change,
  };
  try {
    await refuseChangeOfImmutable(trashWith(trashed), whole, POLICIES);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'DENIED' });
    expect(String(error)).toContain('set on the root');
    return false;
  }
}

const CAUSES: readonly TagCause[] = [
  'push',
  'delete-tag',
  'delete-manifest',
  'rollback',
  'restore',
  'retention',
  'undo',
  'copy',
  'replication',
];

test('it moves and goes only by a return of somebody who overrides the rule', async () => {
  for (const cause of CAUSES) {
    const isReturn = ['rollback', 'restore', 'undo'].includes(cause);
    for (const to of [B, undefined]) {
      for (const isOverriding of [false, true]) {
        const allowed = await isAllowed({ from: A, to, cause, isOverriding });
        expect({ cause, to, isOverriding, allowed }).toEqual({
          cause,
          to,
          isOverriding,
          allowed: isReturn && isOverriding,
        });
      }
    }
  }
});

test('retention takes away what its rule lets expire, and moves nothing', async () => {
  const change = { from: A, to: undefined, cause: 'retention' } as const;
  expect(await isAllowed(change, { tag: 'old-1' })).toBe(true);
  expect(await isAllowed(change, { tag: 'new-1' })).toBe(false);
  expect(await isAllowed({ ...change, to: B }, { tag: 'old-1' })).toBe(false);
  expect(await isAllowed({ ...change, cause: 'delete-tag' }, { tag: 'old-1' })).toBe(false);
});

test('a name in the trash is taken, but for what it pointed to and for returns', async () => {
  const first = { from: undefined, to: B };
  expect(await isAllowed(first)).toBe(true);
  expect(await isAllowed(first, { trashed: A })).toBe(false);
  expect(await isAllowed(first, { trashed: B })).toBe(true);
  expect(await isAllowed(first, { trashed: A, tag: 'free' })).toBe(true);
  const override = { ...first, cause: 'restore', isOverriding: true } as const;
  expect(await isAllowed(override, { trashed: A })).toBe(true);
});

test('a tag of signatures moves under *, unless a pattern means such tags', async () => {
  const tag = `sha256-${'a'.repeat(64)}.sig`;
  expect(await isAllowed({ from: A, to: B }, { tag })).toBe(true);
  expect(await isAllowed({ from: A, to: B }, { tag: 'sha256-short.sig' })).toBe(false);
  const rules = [{ tags: ['sha256-*.sig'] }];
  const policy = { ...(POLICIES[0] as PathPolicy), document: JSON.stringify({ rules }) };
  expect(ruleThatMeets([policy], { tag })).toEqual({ rule: { tags: ['sha256-*.sig'] }, path: '' });
});
