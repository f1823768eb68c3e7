// The public keys of issuers, as their discovery documents name them. Remembered, so that an issuer that
// is away for some hours stops no pipeline; bounded, because owners of namespaces choose the issuers.
//
//   age of the keys   0 ────── 10 min ─────────────────── 24 h ──────►
//                     used     asked for again; used       not used: UNAVAILABLE
//                              while the issuer is away
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { Kept } from '../kept.ts';
import type { GuardedFetch } from './guarded-fetch.ts';

export interface IssuerKeysOptions {
  readonly fetch: GuardedFetch;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The issuer cannot be asked, and nothing that it said is young enough. The cause is for the log only. */
export class IssuerAwayError extends Error {}

const FRESH_MS = 10 * 60_000;
const LONGEST_USE_MS = 24 * 60 * 60_000;
/** Between two requests because of a key that is not known: forged tokens must not drive our requests. */
const RETRY_MS = 30_000;
/** The same while there are no keys at all: a pipeline's second attempt should find them. */
const FIRST_RETRY_MS = 5_000;
const MOST_ISSUERS = 500;
const MOST_FETCHES_AT_ONCE = 16;
const MOST_KEYS = 100;
const LONGEST_DOCUMENT = 256 * 1024;
const TIMEOUT_MS = 5_000;

interface Known {
  readonly keys: JWTVerifyGetKey | undefined;
  readonly kids: ReadonlySet<string>;
  /** When the keys were received. */
  readonly at: number;
  /** When they were last asked for, in vain or not. */
  readonly triedAt: number;
  /** Why in vain. */
  readonly fault: unknown;
}

const UNKNOWN: Known = {
  keys: undefined,
  kids: new Set(),
  at: Number.NEGATIVE_INFINITY,
  triedAt: Number.NEGATIVE_INFINITY,
  fault: undefined,
};

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #known = new Kept<string, Known>(MOST_ISSUERS);
  readonly #fetching = new Map<string, Promise<Known>>();

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /**
   * The keys of an issuer, asked for anew when they are old or `kid` is not among them. That the kid is
   * there is not promised. @throws IssuerAwayError
   */
  async find(issuer: string, kid: string): Promise<JWTVerifyGetKey> {
    let known = this.#known.get(issuer) ?? UNKNOWN;
    if (this.#isDue(known, kid)) known = await this.#fetchOnce(issuer, known);
    if (known.keys === undefined || this.#age(known.at) > LONGEST_USE_MS) {
      throw new IssuerAwayError(`the keys of ${issuer} are not known`, { cause: known.fault });
    }
    return known.keys;
  }

  /** A clock that was set back must not make what is remembered young. */
  #age(at: number): number {
    return Math.abs(this.#options.now() - at);
  }

  #isDue(known: Known, kid: string): boolean {
    const isFresh = this.#age(known.at) < FRESH_MS;
    if (isFresh && known.kids.has(kid)) return false;
    const pause = known.keys === undefined ? FIRST_RETRY_MS : RETRY_MS;
    return this.#age(known.triedAt) >= pause;
  }

  #fetchOnce(issuer: string, before: Known): Promise<Known> {
    const running = this.#fetching.get(issuer);
    if (running !== undefined) return running;
    // Not remembered as an attempt: it was none.
    if (this.#fetching.size >= MOST_FETCHES_AT_ONCE) return Promise.resolve(before);
    const fetching = this.#fetch(issuer, before).finally(() => this.#fetching.delete(issuer));
    this.#fetching.set(issuer, fetching);
    return fetching;
  }

  async #fetch(issuer: string, before: Known): Promise<Known> {
    const triedAt = this.#options.now();
    let known: Known;
    try {
      const set = await fetchKeys(this.#options.fetch, issuer);
      const kids = new Set(set.keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid])));
      known = { keys: createLocalJWKSet(set), kids, at: triedAt, triedAt, fault: undefined };
    } catch (fault) {
      known = { ...before, triedAt, fault };
    }
    this.#known.set(issuer, known);
    return known;
  }
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });
const keySchema = z.looseObject({
  kty: z.string(),
  kid: z.string().max(512).optional(),
});
const keySetSchema = z.object({ keys: z.array(keySchema) });

/** OpenID Connect Discovery 1.0, section 4. */
async function fetchKeys(fetch: GuardedFetch, issuer: string): Promise<JSONWebKeySet> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const discovery = discoverySchema.parse(await fetchJson(fetch, url));
  // Section 4.3: else one issuer could speak for another.
  if (discovery.issuer !== issuer) {
    throw new Error(`the document at ${url} is of the issuer "${discovery.issuer.slice(0, 200)}"`);
  }
  const { keys } = keySetSchema.parse(await fetchJson(fetch, discovery.jwks_uri));
  // What signs with a secret can be forged by all who verify.
  const usable = keys.filter(({ kty }) => ['RSA', 'EC', 'OKP'].includes(kty)).slice(0, MOST_KEYS);
  if (usable.length === 0) throw new Error(`there are no keys at ${discovery.jwks_uri}`);
  return { keys: usable.map(publicPart) };
}

/** The members of RFC 7518, section 6, that are public. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'alg', 'n', 'e', 'crv', 'x', 'y'] as const;

function publicPart(key: z.infer<typeof keySchema>): JSONWebKeySet['keys'][number] {
  const members = PUBLIC_MEMBERS.flatMap((name) =>
    typeof key[name] === 'string' ? [[name, key[name]] as const] : [],
  );
  return { ...Object.fromEntries(members), kty: key.kty };
}

async function fetchJson(fetch: GuardedFetch, url: string): Promise<unknown> {
  const headers = { accept: 'application/json' };
  const reply = await fetch({
    url,
    headers,
    limitBytes: LONGEST_DOCUMENT,
    timeoutMs: TIMEOUT_MS,
  });
  if (reply.status !== 200) throw new Error(`${url} answered ${reply.status}`);
  return JSON.parse(Buffer.from(reply.body).toString('utf8'));
}
