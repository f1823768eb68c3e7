// The keys of bearer tokens in this process: read from the database when a token names one that is not
// known, made when there is none.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { Commands } from '../../metadata/command.ts';
import { type NewSigningKey, readSigningKeys } from '../../metadata/signing-keys.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { Seal } from '../seal.ts';
import { publicKeyOf, type SigningKey, thumbprint } from './bearer.ts';
import type { SigningKeyCommands } from './signing-key.command.ts';

export interface SigningKeysOptions {
  readonly sql: Sql;
  readonly commands: Commands<SigningKeyCommands>;
  readonly seal: Seal;
  now(): number;
}

/** Milliseconds between two looks for a key that is not known: forged tokens must not cost a read each. */
const RELOAD_MS = 1_000;
/** What signs is looked up again so often, to see a rotation that another node made. */
const STALE_MS = 60_000;

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #public = new Map<string, { readonly key: KeyObject; readonly jwk: JWK }>();
  #current: SigningKey | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  /** Changes of access, and how many of them the last look saw. */
  #changes = 0;
  #seenChanges = 0;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /** The key that signs now; made when the registry has none. @throws SealError */
  async current(): Promise<SigningKey> {
    if (this.#current === undefined || this.#age() > STALE_MS) await this.#load();
    await this.#catchUp();
    if (this.#current === undefined) {
      await this.#options.commands.run('addFirstSigningKey', newSigningKey(this.#options.seal));
      await this.#load();
    }
    if (this.#current === undefined) throw new Error('no key signs bearer tokens');
    return this.#current;
  }

  async find(kid: string): Promise<KeyObject | undefined> {
    await this.#catchUp();
    const isLoading = this.#loading !== undefined;
    if (!this.#public.has(kid) && (isLoading || this.#age() > RELOAD_MS)) await this.#load();
    return this.#public.get(kid)?.key;
  }

  /** RFC 7517: what verifies the tokens of this registry. */
  async publicSet(): Promise<{ keys: readonly JWK[] }> {
    await this.current();
    return { keys: [...this.#public.values()].map(({ jwk }) => jwk) };
  }

  /**
   * Something changed in access: it may be that keys were replaced, whose tokens must count no more. Nothing
   * is signed or verified before they were read again.
   */
  forget(): void {
    this.#changes += 1;
  }

  async #catchUp(): Promise<void> {
    // Again, when that was read before the last change.
    while (this.#seenChanges !== this.#changes) await this.#load();
  }

  /** A clock that was set back must not keep what was read for longer. */
  #age(): number {
    return Math.abs(this.#options.now() - this.#loadedAt);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const changes = this.#changes;
    this.#loadedAt = this.#options.now();
    const rows = await readSigningKeys(this.#options.sql);
    const keys = new Map<string, { key: KeyObject; jwk: JWK }>();
    for (const { kid, publicKey } of rows) {
      const jwk = JSON.parse(publicKey) as JWK;
      keys.set(kid, { key: publicKeyOf(jwk), jwk });
    }
    this.#public = keys;
    this.#seenChanges = changes;
    const signing = rows.find((row) => row.retiredAt === null);
    if (signing === undefined || signing.kid === this.#current?.kid) return;
    const pem = this.#options.seal.open(signing.privateKey, PURPOSE);
    this.#current = { kid: signing.kid, privateKey: createPrivateKey(pem) };
  }
}

/** A retired key verifies until nothing that it signed can count: the longest token lives a day. */
export const RETIRED_KEY_AGE_MS = 2 * 24 * 60 * 60_000;

const PURPOSE = 'signing-key';

export function newSigningKey(seal: Seal): NewSigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const bare = publicKey.export({ format: 'jwk' }) as JWK;
  const kid = thumbprint(bare);
  const jwk = { ...bare, kid, alg: 'ES256', use: 'sig' };
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { kid, privateKey: seal.seal(pem, PURPOSE), publicKey: JSON.stringify(jwk) };
}
