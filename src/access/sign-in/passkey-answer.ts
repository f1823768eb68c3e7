// What a browser sends of a passkey, verified: that it signed our challenge, for our address, and that the
// device has made sure who holds it. So one passkey is both factors.
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { findPasskey, type NewPasskey, type Passkey } from '../../metadata/passkeys.ts';
import type { Sql } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Challenge } from './passkey-challenge.ts';
import type { PasskeySite } from './passkey-site.ts';
import type { UsedFactor } from './second-factor-code.ts';

/** COSE: EdDSA, ES256, RS256. */
export const PASSKEY_ALGORITHMS = [-8, -7, -257];
/** WebAuthn §5.8.4: a few short words. */
const MOST_TRANSPORTS = 8;
const LONGEST_TRANSPORT = 32;

/** @throws RegistryError REQUEST_INVALID */
export async function verifyNewPasskey(
  site: PasskeySite,
  answer: { challenge: Challenge; response: RegistrationResponseJSON; name: string },
): Promise<NewPasskey> {
  const { challenge, response, name } = answer;
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: challenge.text,
    expectedOrigin: site.origin,
    expectedRPID: site.id,
    supportedAlgorithmIDs: PASSKEY_ALGORITHMS,
    requireUserVerification: true,
  }).catch((cause: unknown) => {
    throw refusedKey(cause);
  });
  if (!verified.verified) throw refusedKey(undefined);
  const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
  const told = transports.filter((transport) => transport.length <= LONGEST_TRANSPORT);
  return {
    user: challenge.userId,
    credentialId: Buffer.from(id, 'base64url'),
    publicKey,
    counter,
    transports: JSON.stringify(told.slice(0, MOST_TRANSPORTS)),
    name,
  };
}

export interface ProvenPasskey {
  readonly passkey: Passkey;
  /** For the command: it may have been used in between. */
  readonly factor: UsedFactor;
}

/** @returns undefined when it is nobody's, or not right in whatever way. */
export async function verifyPasskey(
  { sql, site }: { sql: Sql; site: PasskeySite },
  { challenge, response }: { challenge: Challenge; response: AuthenticationResponseJSON },
): Promise<ProvenPasskey | undefined> {
  const passkey = await findPasskey(sql, Buffer.from(response.id, 'base64url'));
  if (passkey === undefined) return undefined;
  if (challenge.userId !== 0 && challenge.userId !== passkey.userId) return undefined;
  const { id, credentialId, publicKey, counter } = passkey;
  const verified = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge.text,
    expectedOrigin: site.origin,
    expectedRPID: site.id,
    credential: {
      id: Buffer.from(credentialId).toString('base64url'),
      publicKey: Uint8Array.from(publicKey),
      counter,
    },
    requireUserVerification: true,
  }).catch(() => undefined);
  if (verified?.verified !== true) return undefined;
  const { newCounter } = verified.authenticationInfo;
  const challengedAt = challenge.madeAt;
  return { passkey, factor: { kind: 'passkey', id, counter: newCounter, challengedAt } };
}

function refusedKey(cause: unknown): RegistryError {
  return new RegistryError(
    'REQUEST_INVALID',
    'This passkey cannot be used: its answer is not the one that was asked for.',
    undefined,
    { cause },
  );
}
