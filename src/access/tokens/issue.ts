// Gives bearer tokens.
import type { Identity } from '../standing.ts';
import { signBearer } from './bearer.ts';
import type { TokenAccess } from './docker-scope.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface IssueParts {
  readonly keys: SigningKeys;
  readonly serviceId: string;
  /** How long a bearer token counts; clients take less than 60 for 60 (client behaviour 5). */
  readonly lifetimeSeconds: number;
  now(): number;
}

export interface IssuedBearer {
  readonly token: string;
  readonly expiresInSeconds: number;
  /** Milliseconds since 1970, of a whole second that has passed. */
  readonly issuedAt: number;
}

export async function issueBearer(
  parts: IssueParts,
  token: { identity: Identity; access: readonly TokenAccess[] },
): Promise<IssuedBearer> {
  const { serviceId, lifetimeSeconds } = parts;
  const issuedAt = Math.floor(parts.now() / 1000);
  const signed = signBearer(await parts.keys.current(), {
    ...token,
    issuedAt,
    expiresAt: issuedAt + lifetimeSeconds,
    serviceId,
  });
  return { token: signed, expiresInSeconds: lifetimeSeconds, issuedAt: issuedAt * 1000 };
}
