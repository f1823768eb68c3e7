// Passkeys of people: registering one, signing in with one, and showing one before a change.
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { Actor } from '../../metadata/audit.ts';
import { listPasskeys } from '../../metadata/passkeys.ts';
import { readUserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { checkText } from '../people/names.ts';
import { PASSKEY_ALGORITHMS, verifyNewPasskey, verifyPasskey } from './passkey-answer.ts';
import { CHALLENGE_LIFE_MS, newChallenge, openChallenge } from './passkey-challenge.ts';
import type { PasskeySite } from './passkey-site.ts';
import type { SignInContext, SignInParts } from './prove-password.ts';
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import type { UsedFactor } from './second-factor-code.ts';
import { newSecretFor } from './session.ts';
import type { SignedIn } from './sign-in.ts';

export interface PasskeyParts extends SignInParts {
  /** Undefined: browsers offer none at the registry's address. */
  readonly site: PasskeySite | undefined;
}

/** Of one user; a person has a few devices. */
const MOST_PASSKEYS = 20;
const LONGEST_NAME = 64;
/** Stands in the throttle where a name would be; no user can have it. */
const NOBODY = ' passkey';

/** For the browser. `state` comes back with its answer. */
export interface PasskeyQuestion<Options> {
  readonly options: Options;
  readonly state: string;
}

export async function beginPasskey(
  parts: PasskeyParts,
  user: { id: number; name: string; displayName: string },
): Promise<PasskeyQuestion<PublicKeyCredentialCreationOptionsJSON>> {
  const site = siteOf(parts);
  const known = await listPasskeys(parts.sql, user.id);
  const { challenge, state } = newChallenge(parts, { use: 'register', userId: user.id });
  const options = await generateRegistrationOptions({
    rpName: site.name,
    rpID: site.id,
    userName: user.name,
    userDisplayName: user.displayName,
    // Says nothing of its user to who reads it off the device.
    userID: Uint8Array.from(Buffer.from(`user:${user.id}`)),
    challenge,
    timeout: CHALLENGE_LIFE_MS,
    attestationType: 'none',
    excludeCredentials: known.map(({ credentialId }) => ({
      id: Buffer.from(credentialId).toString('base64url'),
    })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: PASSKEY_ALGORITHMS,
  });
  return { options, state };
}

/** What a change of the second factor gives back, to be shown or set once. */
export interface FactorChanged {
  /** When this was the first factor. */
  readonly recoveryCodes?: readonly string[];
  /** The new secret of the session in which it was done; undefined = it has the one that it had. */
  readonly sessionSecret?: string | undefined;
}

/** @throws RegistryError REQUEST_INVALID, UNAUTHORIZED when it took too long, CONFLICT. */
export async function finishPasskey(
  parts: PasskeyParts,
  answer: {
    userId: number;
    state: string;
    response: RegistrationResponseJSON;
    /** What its owner calls it. */
    name: string;
    sessionId: number | undefined;
  },
  actor: Actor,
): Promise<FactorChanged> {
  const { userId, state, response, sessionId } = answer;
  const name = answer.name.trim() || 'passkey';
  checkText('The name of a passkey', name, LONGEST_NAME);
  const challenge = openChallenge(parts, { use: 'register', state });
  if (challenge.userId !== userId) {
    throw new RegistryError('DENIED', 'This was begun by somebody else. Begin again.');
  }
  const passkey = await verifyNewPasskey(siteOf(parts), { challenge, response, name });
  const recoveryCodes = newRecoveryCodes();
  const renewed = sessionId === undefined ? undefined : newSecretFor(sessionId);
  const isFirst = await parts.commands.run('addPasskey', {
    userId,
    passkey,
    codes: recoveryCodes.flatMap((code) => hashRecoveryCode(code) ?? []),
    most: MOST_PASSKEYS,
    session: renewed?.kept,
    actor,
  });
  return isFirst ? { recoveryCodes, sessionSecret: renewed?.secret } : {};
}

/**
 * Asks for any passkey of this registry: no name is given, so nobody learns which there are. `userId`:
 * one of theirs, before a change.
 */
export async function askForPasskey(
  parts: PasskeyParts,
  { userId }: { userId?: number } = {},
): Promise<PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>> {
  const site = siteOf(parts);
  const use = userId === undefined ? 'sign-in' : 'prove';
  const { challenge, state } = newChallenge(parts, { use, userId: userId ?? 0 });
  const known = userId === undefined ? [] : await listPasskeys(parts.sql, userId);
  const allowCredentials = known.map(({ credentialId, transports }) => ({
    id: Buffer.from(credentialId).toString('base64url'),
    transports: JSON.parse(transports) as string[],
  }));
  const options = await generateAuthenticationOptions({
    rpID: site.id,
    challenge,
    timeout: CHALLENGE_LIFE_MS,
    userVerification: 'required',
    ...(allowCredentials.length > 0 && { allowCredentials }),
  });
  return { options, state };
}

/** @throws RegistryError UNAUTHORIZED with one sentence for all that is wrong; TOOMANYREQUESTS. */
export async function signInWithPasskey(
  parts: PasskeyParts,
  answer: { state: string; response: AuthenticationResponseJSON },
  context: SignInContext,
): Promise<SignedIn> {
  const attempt = { account: NOBODY, address: context.address };
  parts.throttle.check(attempt);
  const site = siteOf(parts);
  const challenge = openChallenge(parts, { use: 'sign-in', state: answer.state });
  const { response } = answer;
  const proven = await verifyPasskey({ sql: parts.sql, site }, { challenge, response });
  const user = proven && (await readUserSecrets(parts.sql, proven.passkey.userId));
  const signedIn =
    proven !== undefined && user?.state === 'active'
      ? { userId: user.id, name: user.name, epoch: user.epoch, method: 'passkey' }
      : undefined;
  if (proven === undefined || signedIn === undefined) throw refusal(parts, { attempt, context });
  const { userId, name, epoch, method } = signedIn;
  const credential = `passkey:${proven.passkey.id}`;
  const actor = { ...context, name, principal: `user:${userId}`, credential };
  const end = { userId, epoch, factor: proven.factor, method, actor };
  if (!(await parts.commands.run('finishSignIn', end))) throw refusal(parts, { attempt, context });
  parts.throttle.succeeded(attempt);
  return signedIn;
}

/** Shown before a change, in place of a code. @returns undefined when it is not right. */
export async function readPasskeyProof(
  parts: PasskeyParts,
  proof: { userId: number; state: string; response: AuthenticationResponseJSON },
): Promise<UsedFactor | undefined> {
  const site = siteOf(parts);
  const challenge = openChallenge(parts, { use: 'prove', state: proof.state });
  if (challenge.userId !== proof.userId) return undefined;
  const { response } = proof;
  return (await verifyPasskey({ sql: parts.sql, site }, { challenge, response }))?.factor;
}

function refusal(
  parts: SignInParts,
  refused: { attempt: { account: string; address: string }; context: SignInContext },
): RegistryError {
  parts.throttle.failed(refused.attempt);
  parts.recordRefusal({
    actor: { ...refused.context, name: 'anonymous', principal: 'anonymous', credential: '' },
    action: 'sign-in',
    target: 'user (by passkey)',
    outcome: 'refused',
    detail: { why: 'the passkey is not known, not right, or was used before' },
  });
  return new RegistryError('UNAUTHORIZED', 'The passkey was not accepted.');
}

function siteOf({ site }: PasskeyParts): PasskeySite {
  if (site !== undefined) return site;
  throw new RegistryError(
    'UNSUPPORTED',
    'Passkeys need an address of this registry with a host name and https.',
  );
}
