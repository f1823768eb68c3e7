// Challenges that passkeys sign. Kept by the browser, sealed, so that any node can take the answer; that
// each counts once is seen to where the signature is noted (`usePasskey`).
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type Seal, SealError } from '../seal.ts';

/** What the signature is for: one for signing in does not take away a second factor. */
export type ChallengeUse = 'register' | 'sign-in' | 'prove';

export interface Challenge {
  /** base64url. */
  readonly text: string;
  /** 0 = whoever has the passkey. */
  readonly userId: number;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
}

const CHALLENGE_BYTES = 32;
export const CHALLENGE_LIFE_MS = 5 * 60_000;

interface ChallengeParts {
  readonly seal: Seal;
  readonly now: Clock;
}

/** @returns the challenge, and the state that the browser sends back with the answer. */
export function newChallenge(
  { seal, now }: ChallengeParts,
  { use, userId }: { use: ChallengeUse; userId: number },
): { challenge: Uint8Array<ArrayBuffer>; state: string } {
  const challenge = Uint8Array.from(randomBytes(CHALLENGE_BYTES));
  const text = Buffer.from(challenge).toString('base64url');
  const sealed: Challenge = { text, userId, madeAt: now() };
  return { challenge, state: seal.seal(JSON.stringify(sealed), purposeOf(use)) };
}

/** @throws RegistryError UNAUTHORIZED for one that is not ours, for something else, or too old. */
export function openChallenge(
  { seal, now }: ChallengeParts,
  { use, state }: { use: ChallengeUse; state: string },
): Challenge {
  const challenge = read(seal, { use, state });
  if (challenge !== undefined && now() - challenge.madeAt < CHALLENGE_LIFE_MS) return challenge;
  throw new RegistryError('UNAUTHORIZED', 'That took too long. Begin again.');
}

function read(
  seal: Seal,
  { use, state }: { use: ChallengeUse; state: string },
): Challenge | undefined {
  try {
    return JSON.parse(seal.open(state, purposeOf(use))) as Challenge;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

function purposeOf(use: ChallengeUse): string {
  return `passkey-challenge:${use}`;
}
