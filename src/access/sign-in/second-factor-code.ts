// A code of a second factor as somebody typed it: which kind it is, and whether it can be right. That it
// was not used before is for the transaction that uses it (`useFactor`).
import type { UserSecrets } from '../../metadata/users.ts';
import type { Seal } from '../seal.ts';
import { hashRecoveryCode } from './recovery-codes.ts';

/** Plain data, for a command. */
export type UsedFactor =
  | { readonly kind: 'totp'; readonly step: number }
  | { readonly kind: 'recovery-code'; readonly hash: Uint8Array }
  | {
      readonly kind: 'passkey';
      readonly id: number;
      readonly counter: number;
      readonly challengedAt: number;
    };

export async function readCode(
  { seal, now }: { seal: Seal; now(): number },
  { user, code }: { user: UserSecrets; code: string },
): Promise<UsedFactor | undefined> {
  const digits = code.replace(/\s/g, '');
  if (/^\d{6}$/.test(digits)) {
    if (user.totpSecret === null || user.totpConfirmed !== 1) return undefined;
    // Most people have none: the library is loaded with the first code.
    const { openTotp, totpStepOf } = await import('./totp.ts');
    const secret = openTotp(seal, { userId: user.id, sealed: user.totpSecret });
    const step = totpStepOf({ secret, code: digits, now: now() });
    return step === undefined || step <= user.totpStep ? undefined : { kind: 'totp', step };
  }
  const hash = hashRecoveryCode(code);
  return hash && { kind: 'recovery-code', hash };
}
