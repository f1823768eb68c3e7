import { expect, test } from 'bun:test';
import { z } from '@hono/zod-openapi';
import { fieldProblem } from './field-problem.ts';

const RULE = z.discriminatedUnion('keep', [
  z.strictObject({ keep: z.literal('all') }),
  z.strictObject({ keep: z.literal('last-pushed'), count: z.int().min(1).max(9) }),
]);
const FORM = z.strictObject({
  name: z.string().min(2).max(4).optional(),
  tags: z.array(z.string()).min(1).optional(),
  kind: z.enum(['tag', 'blob']).optional(),
  at: z.iso.datetime().optional(),
  day: z.iso.date().optional(),
  limit: z.coerce.number().int().max(200).optional(),
  within: z
    .string()
    .regex(/^\d+d$/, 'is no length of time')
    .optional(),
  rule: RULE.optional(),
});

test.each([
  [{ name: 1 }, 'must be a text'],
  [{ name: 'x' }, 'must have at least 2 characters'],
  [{ name: 'long ago' }, 'must have at most 4 characters'],
  [{ tags: [] }, 'must have at least 1 entry'],
  [{ kind: 'secret' }, 'must be one of "tag", "blob"'],
  [{ at: 'secret' }, 'must be a time such as 2030-01-31T12:00:00Z'],
  [{ day: 'secret' }, 'must be a day such as 2030-01-31'],
  [{ limit: 201 }, 'must be at most 200'],
  [{ within: 'secret' }, 'is no length of time'],
  [{ nam: 'x' }, 'has no "nam"'],
  [{ rule: { keep: 'last-pushed' } }, 'is missing'],
  [{ rule: { keep: 'last-pushed', count: 'x' } }, 'must be a number'],
  [{ rule: { keep: 'secret' } }, 'must be one of "all", "last-pushed"'],
])('%j is told in words, without what was sent', (value, words) => {
  const parsed = FORM.safeParse(value, { error: fieldProblem });
  expect(parsed.error?.issues[0]?.message).toBe(words);
});
