// Images that say themselves when they expire: `io.entrepot.expires-after=2w`, counted from the push.
import { durationMs } from './duration.ts';
import type { TagFact } from './facts.ts';

/** The first one that says a duration counts. The second is what Quay reads. */
export const EXPIRY_KEYS = ['io.entrepot.expires-after', 'quay.expires-after'] as const;

export interface ImageExpiry {
  /** As a sentence shows it. */
  readonly shown: string;
  readonly at: number;
}

/** Labels before annotations: charts and other artifacts have only those. */
export function expiryOf({ labels, annotations, pushedAt }: TagFact): ImageExpiry | undefined {
  for (const key of EXPIRY_KEYS) {
    for (const values of [labels, annotations]) {
      if (values === undefined || !Object.hasOwn(values, key)) continue;
      const after = durationMs((values[key] ?? '').trim());
      if (after !== undefined) {
        return { shown: `${key}=${values[key]?.trim()}`, at: pushedAt + after };
      }
    }
  }
  return undefined;
}
