// The form of a retention policy, as people write it. Apart from policy.ts, so that who decides needs no zod.
import { z } from 'zod';
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import { durationMs } from './duration.ts';
import type { RetentionPolicy } from './policy.ts';

/** Each is tried for each tag of a repository, which may have 10,000 and more. */
const MOST_RULES = 30;
const MOST_PATTERNS = 30;
/** Of all rules. */
const MOST_PATTERNS_IN_ALL = 200;
/** Of a label or annotation with its pattern. Keys of real ones stay under 100 characters. */
const PAIR_LENGTH = 256;
/** More than any repository has: a rule that keeps so many keeps all. */
const MOST_KEPT = 1_000_000;
/** A build pushes the parts of an index by digest and names them at its end. */
const SHORTEST_UNTAGGED_MS = 60 * 60 * 1000;
const MOST_HOURS = 24 * 366;

const pattern = z
  .string()
  .max(LIMITS.tagLength)
  .regex(/^[\w.*?-]+$/, {
    error:
      'is no pattern of tags: write such as release-* or v?.*, where * is any run of characters and ? one',
  });

const duration = z.string().refine((text) => durationMs(text) !== undefined, {
  error: 'is no duration: write a number and s, m, h, d, w or y, such as 30d',
});

const longDuration = duration.refine(
  (text) => (durationMs(text) ?? SHORTEST_UNTAGGED_MS) >= SHORTEST_UNTAGGED_MS,
  { error: 'must be an hour or more, so that a build can name what it pushes' },
);

const pair = z
  .string()
  .max(PAIR_LENGTH)
  .regex(/^[^=]/, { error: 'is neither a key nor key=pattern, such as tier=prod*' });

const count = z.int().min(1).max(MOST_KEPT);

const limits = {
  tags: z.array(pattern).min(1).max(MOST_PATTERNS).optional(),
  except: z.array(pattern).max(MOST_PATTERNS).optional(),
};

const rule = z.discriminatedUnion('keep', [
  z.strictObject({ keep: z.literal('last-pushed'), count, ...limits }),
  z.strictObject({ keep: z.literal('last-pulled'), count, ...limits }),
  z.strictObject({
    keep: z.literal('highest-versions'),
    count,
    each: z.enum(['major', 'minor']).optional(),
    preReleases: z.enum(['skip', 'count']).optional(),
    ...limits,
  }),
  z.strictObject({ keep: z.literal('pushed-within'), within: duration, ...limits }),
  z.strictObject({ keep: z.literal('pulled-within'), within: duration, ...limits }),
  z.strictObject({ keep: z.literal('all'), ...limits }),
  z.strictObject({ keep: z.literal('label'), label: pair, ...limits }),
  z.strictObject({ keep: z.literal('annotation'), annotation: pair, ...limits }),
]);

/** Keys in one order, so that two that say the same are the same text. */
export const RETENTION_POLICY = z.strictObject({
  rules: z
    .array(rule)
    .max(MOST_RULES)
    .refine(
      (rules) =>
        rules.reduce((sum, { tags = [], except = [] }) => sum + tags.length + except.length, 0) <=
        MOST_PATTERNS_IN_ALL,
      { error: `must have at most ${MOST_PATTERNS_IN_ALL} patterns in all` },
    ),
  expireByLabel: z.enum(['unless-kept', 'always']).optional(),
  untaggedAfter: longDuration.optional(),
  signaturesWithoutImageAfter: longDuration.optional(),
  immutable: z.enum(['expire', 'keep']).optional(),
  schedule: z
    .union([z.literal('off'), z.strictObject({ everyHours: z.int().min(1).max(MOST_HOURS) })])
    .optional(),
}) satisfies z.ZodType<RetentionPolicy>;

/** @throws RegistryError REQUEST_INVALID that names the place in the document. */
export function parseRetentionPolicy(text: string): RetentionPolicy {
  const parsed = RETENTION_POLICY.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join('.') || 'the whole';
  throw new RegistryError(
    'REQUEST_INVALID',
    `The retention policy is not valid: ${at}: ${issue?.message}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = 'The retention policy is not valid: it is no JSON.';
    throw new RegistryError('REQUEST_INVALID', message, undefined, { cause });
  }
}
