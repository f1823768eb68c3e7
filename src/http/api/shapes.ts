// Shapes that several answers of the management API share.
import { z } from '@hono/zod-openapi';
import { ACTIONS } from '../../access/action.ts';
import { CONDITION } from '../../access/condition-form.ts';

export const TIME = z.iso.datetime().openapi({ description: 'UTC, ISO 8601.' });

export const ACTION = z.enum(ACTIONS);

export const SCOPE = z
  .object({
    actions: z.array(ACTION).readonly(),
    names: z
      .array(z.string())
      .readonly()
      .openapi({ description: 'Such as `team/app` or `team/**`.' }),
  })
  .openapi('Scope');

// Anew: a schema that was made before zod was extended for documents lacks what they need.
export const CONDITION_SHAPE = z.strictObject(CONDITION.shape).openapi('Condition');

/** A namespace or repository; '' is the root. */
export const PATH = z
  .string()
  .max(255)
  .openapi({ description: 'A namespace or repository; empty: the root.', example: 'team/backend' });

export const ID = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const FLAG = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

export function timeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timeOf(milliseconds);
}

/** A time that somebody sends; null = never. */
export const WANTED_TIME = z.iso
  .datetime({ offset: true })
  .openapi({ description: 'ISO 8601, such as 2030-01-31T12:00:00Z.' });

export function millisecondsOf(time: string): number {
  return Date.parse(time);
}

/** Without what is undefined, for commands that keep what is absent. */
export function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
