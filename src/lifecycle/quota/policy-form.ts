// The form of a quota, as people write it. Apart from quota.ts, so that the writer needs no zod.
import { z } from 'zod';
import { type Quota, RESOURCES } from './quota.ts';

const CONTACT_LENGTH = 200;

const amount = z.int().min(0);
const limit = z
  .strictObject({ soft: amount.optional(), hard: amount.optional() })
  .refine(({ soft, hard }) => soft === undefined || hard === undefined || soft <= hard, {
    error: 'has a soft limit above the hard one',
  });

export const QUOTA_POLICY = z
  .strictObject({
    /** Each blob once. */
    bytes: limit.optional(),
    repositories: limit.optional(),
    tags: limit.optional(),
    contact: z
      .string()
      .max(CONTACT_LENGTH)
      .refine((text) => !/\p{Cc}/u.test(text), { error: 'is one line' })
      .optional(),
  })
  .refine((quota) => RESOURCES.some((resource) => isLimited(quota[resource])), {
    error: 'limits nothing: say how many bytes, repositories or tags',
  }) satisfies z.ZodType<Quota>;

function isLimited(limits: Quota['bytes']): boolean {
  return limits?.soft !== undefined || limits?.hard !== undefined;
}
