// People and their second factor: an authenticator app goes on and off, recovery codes are made anew, a
// passkey is taken away. What weakens an account wants a code or a passkey first; a session is not enough.
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { Actor } from '../../metadata/audit.ts';
import { readUserSecrets, type UserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type FactorChanged, type PasskeyParts, readPasskeyProof } from './passkeys.ts';
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { readCode, type UsedFactor } from './second-factor-code.ts';
import { newSecretFor } from './session.ts';
import { newTotpSecret, openTotp, sealTotp, totpStepOf, totpUri } from './totp.ts';

/** A code of the app or a recovery code, or a passkey's answer to `askForPasskey({ userId })`. */
export type FactorProof =
  | { readonly code: string }
  | { readonly passkey: { state: string; response: AuthenticationResponseJSON } };

export interface FactorChange {
  readonly userId: number;
  /** The session in which it is done: it goes on, with a new secret. */
  readonly sessionId: number | undefined;
}

/** To be shown once. Nothing is on before a first code is confirmed. */
export async function beginTotpApp(
  parts: PasskeyParts,
  { userId, registry }: { userId: number; registry: string },
  actor: Actor,
): Promise<{ secret: string; uri: string }> {
  const user = await userOf(parts, userId);
  const secret = newTotpSecret();
  const sealed = sealTotp(parts.seal, { userId, secret });
  await parts.commands.run('beginTotp', { userId, sealed, actor });
  return { secret, uri: totpUri({ secret, name: user.name, registry }) };
}

/** @throws RegistryError DENIED for a wrong code, CONFLICT, TOOMANYREQUESTS. */
export async function confirmTotpApp(
  parts: PasskeyParts,
  { userId, sessionId, code }: FactorChange & { code: string },
  actor: Actor,
): Promise<FactorChanged> {
  const user = await userOf(parts, userId);
  const sealed = user.totpSecret;
  if (sealed === null || user.totpConfirmed === 1) {
    throw new RegistryError('CONFLICT', 'There is no authenticator app to confirm. Begin first.');
  }
  parts.throttle.beginCode(userId);
  const secret = openTotp(parts.seal, { userId, sealed });
  const step = totpStepOf({ secret, code: code.replace(/\s/g, ''), now: parts.now() });
  if (step === undefined) throw wrong(parts, { name: user.name, actor });
  const recoveryCodes = newRecoveryCodes();
  const renewed = sessionId === undefined ? undefined : newSecretFor(sessionId);
  const isFirst = await parts.commands.run('confirmTotp', {
    userId,
    sealed,
    step,
    codes: hashesOf(recoveryCodes),
    session: renewed?.kept,
    actor,
  });
  parts.throttle.codeWasRight(userId);
  return { ...(isFirst && { recoveryCodes }), sessionSecret: renewed?.secret };
}

/** @throws RegistryError DENIED, CONFLICT, TOOMANYREQUESTS. */
export async function removeTotpApp(
  parts: PasskeyParts,
  { userId, sessionId, proof }: FactorChange & { proof: FactorProof },
  actor: Actor,
): Promise<FactorChanged> {
  const renewed = sessionId === undefined ? undefined : newSecretFor(sessionId);
  await proven(parts, { userId, proof, actor }, (factor) =>
    parts.commands.run('removeTotp', { userId, factor, session: renewed?.kept, actor }),
  );
  return { sessionSecret: renewed?.secret };
}

/** @throws RegistryError DENIED, NOT_FOUND, TOOMANYREQUESTS. */
export async function removeOwnPasskey(
  parts: PasskeyParts,
  { userId, sessionId, id, proof }: FactorChange & { id: number; proof: FactorProof },
  actor: Actor,
): Promise<FactorChanged> {
  const renewed = sessionId === undefined ? undefined : newSecretFor(sessionId);
  await proven(parts, { userId, proof, actor }, (factor) =>
    parts.commands.run('removePasskey', { userId, id, factor, session: renewed?.kept, actor }),
  );
  return { sessionSecret: renewed?.secret };
}

/** Those before count no more. @throws RegistryError DENIED, CONFLICT, TOOMANYREQUESTS. */
export async function renewRecoveryCodes(
  parts: PasskeyParts,
  { userId, proof }: { userId: number; proof: FactorProof },
  actor: Actor,
): Promise<string[]> {
  const codes = newRecoveryCodes();
  await proven(parts, { userId, proof, actor }, (factor) =>
    parts.commands.run('replaceRecoveryCodes', { userId, factor, codes: hashesOf(codes), actor }),
  );
  return codes;
}

/** Runs `change` with what was shown, which it uses up. */
async function proven(
  parts: PasskeyParts,
  { userId, proof, actor }: { userId: number; proof: FactorProof; actor: Actor },
  change: (factor: UsedFactor) => Promise<unknown>,
): Promise<void> {
  const user = await userOf(parts, userId);
  parts.throttle.beginCode(userId);
  const factor =
    'code' in proof
      ? await readCode(parts, { user, code: proof.code })
      : await readPasskeyProof(parts, { userId, ...proof.passkey });
  const { name } = user;
  if (factor === undefined) throw wrong(parts, { name, actor });
  await change(factor).catch((error: unknown) => {
    // The transaction found that it was used before.
    if (error instanceof RegistryError && error.code === 'DENIED')
      throw wrong(parts, { name, actor });
    throw error;
  });
  parts.throttle.codeWasRight(userId);
}

async function userOf({ sql }: PasskeyParts, id: number): Promise<UserSecrets> {
  const user = await readUserSecrets(sql, id);
  if (user?.state === 'active') return user;
  throw new RegistryError('NOT_FOUND', 'There is no such user, or they may not sign in.');
}

function hashesOf(codes: readonly string[]): Uint8Array[] {
  return codes.flatMap((code) => hashRecoveryCode(code) ?? []);
}

function wrong(
  parts: PasskeyParts,
  { name, actor }: { name: string; actor: Actor },
): RegistryError {
  parts.recordRefusal({
    actor,
    action: 'second-factor.prove',
    target: `user ${name}`,
    outcome: 'refused',
    detail: { why: 'the second factor was wrong, or was used before' },
  });
  return new RegistryError('DENIED', 'The code is wrong, or was used before.');
}
