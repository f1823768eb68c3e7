// Uses up what was shown of a second factor, inside the transaction of what it is for.
import { usePasskey } from '../../metadata/passkeys.ts';
import { useRecoveryCode, useTotpStep } from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { UsedFactor } from './second-factor-code.ts';

/** @returns false when it was used before. */
export function useFactor(
  tx: Transaction,
  { user, factor }: { user: number; factor: UsedFactor },
): Promise<boolean> {
  if (factor.kind === 'totp') return useTotpStep(tx, { user, step: factor.step });
  if (factor.kind === 'recovery-code') return useRecoveryCode(tx, { user, hash: factor.hash });
  const { id, counter, challengedAt } = factor;
  return usePasskey(tx, { id, user, counter, challengedAt });
}
