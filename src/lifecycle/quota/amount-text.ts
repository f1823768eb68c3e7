// Amounts of what quotas limit, as a person reads them.
import type { Resource } from './quota.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const STEP = 1000;

/** Three digits, rounded down, so that what is over a limit by little does not look like more: `10.2 GB`. */
export function showBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= STEP && unit < UNITS.length - 1) {
    size /= STEP;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const scale = 10 ** digits;
  return `${Math.floor(size * scale) / scale} ${UNITS[unit]}`;
}

/** `1000 tags`, `10 GB`; with `isExact` also the bytes. */
export function showAmount(resource: Resource, amount: number): string {
  if (resource === 'bytes') {
    return amount < STEP ? `${amount} bytes` : `${amount} bytes (${showBytes(amount)})`;
  }
  const noun = resource === 'tags' ? 'tag' : amount === 1 ? 'repository' : 'repositories';
  return `${amount} ${resource === 'tags' && amount !== 1 ? 'tags' : noun}`;
}
