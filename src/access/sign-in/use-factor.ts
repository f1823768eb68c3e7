// Uses up a code of a second factor, inside the transaction of what it is for.
import { useRecoveryCode, useTotpStep } from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { UsedFactor } from './second-factor-code.ts';

/** @returns false when it was used before. */
export function useFactor(
  tx: Transaction,
  { user, factor }: { user: number; factor: UsedFactor },
): Promise<boolean> {
  return factor.kind === 'totp'
    ? useTotpStep(tx, { user, step: factor.step })
    : useRecoveryCode(tx, { user, hash: factor.hash });
}
