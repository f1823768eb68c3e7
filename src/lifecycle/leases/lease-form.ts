// The form of a lease, as clusters and pipelines send it.
import { z } from 'zod';
import { LONGEST_LEASE_S, MOST_LEASE_ITEMS, SHORTEST_LEASE_S } from './lease-limits.ts';

const DETAIL_LENGTH = 500;
const NAME_LENGTH = 128;

/** Unique in the registry. */
export const LEASE_NAME = z
  .string()
  .max(NAME_LENGTH)
  .regex(/^[a-z0-9]+([._-]+[a-z0-9]+)*$/, {
    error: 'is no name of a lease: lower-case letters and digits, joined by . _ or -',
  });

export const LEASE_FORM = z.strictObject({
  ttlSeconds: z.int().min(SHORTEST_LEASE_S).max(LONGEST_LEASE_S),
  items: z
    .array(
      z
        .strictObject({
          repository: z.string().max(255),
          digest: z.string().max(135).optional(),
          tag: z.string().max(128).optional(),
        })
        .refine(({ digest, tag }) => (digest === undefined) !== (tag === undefined), {
          error: 'names one of digest and tag',
        }),
    )
    .max(MOST_LEASE_ITEMS),
  detail: z
    .string()
    .max(DETAIL_LENGTH)
    .refine((text) => !/\p{Cc}/u.test(text), { error: 'is one line' })
    .default(''),
});

export type LeaseForm = z.output<typeof LEASE_FORM>;
