// The form of an immutability policy, as people write it. Apart from rules.ts, so that the writer needs no zod.
import { z } from 'zod';
import type { ImmutabilityPolicy } from './rules.ts';

/** Each is tried for each tag that moves. */
const MOST_RULES = 50;
const MOST_PATTERNS = 50;
/** Of all rules: they are tried inside the transaction that moves a tag, for which other pushes wait. */
const MOST_PATTERNS_IN_ALL = 200;
/** Characters: no tag is longer. */
const PATTERN_LENGTH = 128;

const pattern = z
  .string()
  .max(PATTERN_LENGTH)
  .regex(/^[\w.*?-]+$/, { error: 'is no pattern of tags: write such as v* or release-?' });

export const IMMUTABILITY_POLICY = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        tags: z.array(pattern).min(1).max(MOST_PATTERNS),
        except: z.array(pattern).max(MOST_PATTERNS).optional(),
        mayExpire: z.boolean().optional(),
      }),
    )
    .max(MOST_RULES)
    .refine(
      (rules) =>
        rules.reduce((sum, { tags, except = [] }) => sum + tags.length + except.length, 0) <=
        MOST_PATTERNS_IN_ALL,
      { error: `must have at most ${MOST_PATTERNS_IN_ALL} patterns in all` },
    ),
}) satisfies z.ZodType<ImmutabilityPolicy>;
