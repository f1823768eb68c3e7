// Conditions as people write them, checked. Apart from condition.ts, so that the writer needs no zod.
import { z } from 'zod';
import { RegistryError } from '../oci/errors.ts';
import { addressSet } from './address-set.ts';
import { type Condition, DAY_MINUTES } from './condition.ts';

/** Each is tried for each request that a grant or token may allow. */
const MOST_NETWORKS = 50;
const MOST_WINDOWS = 20;

const network = z.string().max(64).refine(isNetwork, {
  error: 'is neither an address nor a block of them, such as 10.0.0.0/8',
});
const minute = z.int().min(0).max(DAY_MINUTES);
const timeWindow = z.strictObject({
  days: z.array(z.int().min(1).max(7)).min(1).max(7),
  from: minute,
  to: minute,
  zone: z.string().max(64).refine(isZone, { error: 'is no time zone, such as Europe/Paris' }),
});

/** What people write; keys in one order, so that two that say the same are the same text. */
export const CONDITION = z.strictObject({
  networks: z.array(network).max(MOST_NETWORKS).optional(),
  windows: z.array(timeWindow).max(MOST_WINDOWS).optional(),
});

/** @returns undefined when it asks for nothing. @throws RegistryError REQUEST_INVALID */
export function parseCondition(value: unknown): Condition | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = CONDITION.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.join('.') || 'the whole';
    throw new RegistryError(
      'REQUEST_INVALID',
      `The condition is not valid: ${at}: ${issue?.message}.`,
    );
  }
  const { networks = [], windows = [] } = parsed.data;
  if (networks.length === 0 && windows.length === 0) return undefined;
  return { ...(networks.length > 0 && { networks }), ...(windows.length > 0 && { windows }) };
}

function isNetwork(text: string): boolean {
  try {
    addressSet([text]);
    return true;
  } catch {
    return false;
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
