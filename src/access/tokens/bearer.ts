// Bearer tokens: short-lived JWTs (RFC 7519, ES256) that the token service gives for credentials. They
// name principal, credential and epoch, and what they are for; what their holder may is asked anew for
// each request.
import { createHash, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import type { JWK } from 'jose';
import { Kept } from '../kept.ts';
import {
  ANONYMOUS,
  type Credential,
  credentialKey,
  type Principal,
  principalKey,
} from '../principal.ts';
import type { Identity } from '../standing.ts';
import type { TokenAccess } from './docker-scope.ts';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface BearerToken {
  readonly identity: Identity;
  /** Actions by the name of the repository. */
  readonly repositories: ReadonlyMap<string, readonly string[]>;
  /** For the list of all repositories. */
  readonly isForCatalog: boolean;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export type BearerFault =
  | 'malformed'
  | 'unknown-key'
  | 'forged'
  | 'expired'
  | 'for-another-service';

/** A bearer token that does not count. */
export class BearerError extends Error {
  readonly fault: BearerFault;
  constructor(fault: BearerFault) {
    super(SENTENCES[fault]);
    this.fault = fault;
  }
}

const SENTENCES: Readonly<Record<BearerFault, string>> = {
  malformed: 'This is not a bearer token of this registry.',
  'unknown-key':
    'The bearer token was signed with a key that is not known (any more). Sign in again.',
  forged: 'The signature of the bearer token is wrong.',
  expired: 'The bearer token has expired. Ask for a new one.',
  'for-another-service': 'The bearer token is for another registry.',
};

const ISSUER = 'entrepot';

export interface BearerClaims {
  readonly identity: Identity;
  readonly access: readonly TokenAccess[];
  /** Seconds since 1970, both. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly serviceId: string;
}

/** @returns the compact form (RFC 7515 §7.1). */
export function signBearer(key: SigningKey, claims: BearerClaims): string {
  const { principal, credential, epoch } = claims.identity;
  const header = { typ: 'JWT', alg: 'ES256', kid: key.kid };
  const payload = {
    iss: ISSUER,
    sub: principal.kind === 'anonymous' ? '' : principal.name,
    aud: claims.serviceId,
    iat: claims.issuedAt,
    nbf: claims.issuedAt,
    exp: claims.expiresAt,
    jti: randomUUID(),
    access: claims.access,
    principal: principalKey(principal),
    credential: credentialKey(credential),
    epoch,
  };
  const signed = `${encode(header)}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(signed), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

export interface VerifierOptions {
  /** Undefined: no such key. */
  findKey(kid: string): Promise<KeyObject | undefined>;
  readonly serviceId: string;
  now(): number;
}

/** Tokens whose signature was found good: that cannot change, so it is remembered. */
const VERIFIED_KEPT = 5_000;
/** A token for 200 repositories with long names stays below. */
const LONGEST_TOKEN = 64 * 1024;

export class BearerVerifier {
  readonly #options: VerifierOptions;
  #verified = new Kept<string, BearerToken>(VERIFIED_KEPT);

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** @returns undefined when it must be verified first. @throws BearerError when it has expired. */
  known(token: string): BearerToken | undefined {
    const known = this.#verified.get(token);
    if (known !== undefined && known.expiresAt <= this.#options.now()) {
      this.#verified.delete(token);
      throw new BearerError('expired');
    }
    return known;
  }

  /** @throws BearerError */
  async verify(token: string): Promise<BearerToken> {
    const parts = token.length > LONGEST_TOKEN ? [] : token.split('.');
    const [head, body, signature] = parts;
    if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined) {
      throw new BearerError('malformed');
    }
    const header = decode(head);
    if (header.alg !== 'ES256' || typeof header.kid !== 'string')
      throw new BearerError('malformed');
    // Of now: keys that are taken away while this one is looked for must not be remembered as good.
    const remembered = this.#verified;
    const key = await this.#options.findKey(header.kid);
    if (key === undefined) throw new BearerError('unknown-key');
    const isGood = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    if (!isGood) throw new BearerError('forged');
    const verified = this.#read(decode(body));
    remembered.set(token, verified);
    return verified;
  }

  /** Keys were taken away: what they signed must be looked at again. */
  forget(): void {
    this.#verified = new Kept(VERIFIED_KEPT);
  }

  /** Signed by us, so of the form that `signBearer` gives; what may differ is when and for whom. */
  #read(claims: Readonly<Record<string, unknown>>): BearerToken {
    if (claims.iss !== ISSUER || claims.aud !== this.#options.serviceId) {
      throw new BearerError('for-another-service');
    }
    const expiresAt = Number(claims.exp) * 1000;
    if (!(expiresAt > this.#options.now())) throw new BearerError('expired');
    const access = claims.access as readonly TokenAccess[];
    const repositories = access.filter(({ type }) => type === 'repository');
    return {
      identity: {
        principal: principalOf(String(claims.principal), String(claims.sub)),
        credential: credentialOf(String(claims.credential)),
        epoch: Number(claims.epoch),
      },
      repositories: new Map(repositories.map(({ name, actions }) => [name, actions])),
      isForCatalog: access.some(({ type, name }) => type === 'registry' && name === 'catalog'),
      expiresAt,
    };
  }
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Not JSON: said below.
  }
  throw new BearerError('malformed');
}

function principalOf(key: string, name: string): Principal {
  const [kind, id] = key.split(':');
  if (kind === 'anonymous') return ANONYMOUS;
  return { kind: kind as 'user' | 'robot' | 'workload', id: Number(id), name };
}

function credentialOf(key: string): Credential {
  const [kind, id] = key.split(':');
  if (kind === '') return { kind: 'none' };
  if (kind === 'password') return { kind };
  return { kind: kind as 'access-token' | 'refresh-token' | 'session', id: Number(id) };
}

/** RFC 7638: SHA-256 of the members that the key needs, in byte order. */
export function thumbprint({ crv, kty, x, y }: JWK): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

export function publicKeyOf(jwk: JWK): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}
