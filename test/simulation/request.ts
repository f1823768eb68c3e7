// One request of a client: the body on its way in, and the answer on its way back. Either may be lost.
import { BlobStoreError } from '../../src/blobs/blob-store.ts';
import { type ErrorCode, RegistryError } from '../../src/oci/errors.ts';
import type { UploadBody } from '../../src/registry/upload-body.ts';
import type { Random } from './random.ts';
import type { SimulatedServer } from './server.ts';
import { Violation } from './violation.ts';

/** The client's end of a connection went away. */
export class ConnectionLost extends Error {}

/** `refused`: nothing was done. `failed`: nobody knows what was done. `lost`: no answer came. */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'lost' };

/** After these nobody knows what was done; after any other error nothing was. */
const FAULTS: readonly ErrorCode[] = ['STORAGE_FAILED', 'STORAGE_FULL', 'UNAVAILABLE', 'INTERNAL'];

export function answerOf(error: unknown): Answer<never> {
  if (error instanceof ConnectionLost) return { kind: 'lost' };
  if (error instanceof BlobStoreError) {
    return error.fault === 'superseded'
      ? { kind: 'refused', code: 'RANGE_INVALID' }
      : { kind: 'failed', code: `the store: ${error.fault}: ${error.message}` };
  }
  if (!(error instanceof RegistryError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Violation(`a request ended in an error that is not the registry's: ${text}`);
  }
  const { code, cause } = error;
  if (!FAULTS.includes(code)) return { kind: 'refused', code };
  return { kind: 'failed', code: `${code}: ${cause instanceof Error ? cause.message : ''}` };
}

export interface BodyPlan {
  readonly bytes: Uint8Array;
  /** Bytes after which the connection breaks; undefined = all come. */
  readonly breaksAt: number | undefined;
  /** Turns for which a broken connection looks merely slow. */
  readonly silence: number;
  readonly isLengthSent: boolean;
}

export function planBody(random: Random, bytes: Uint8Array, lossRate: number): BodyPlan {
  const isBroken = random.chance(lossRate);
  return {
    bytes,
    breaksAt: isBroken ? random.below(bytes.length + 1) : undefined,
    silence: isBroken && random.chance(0.5) ? random.between(2, 40) : 0,
    isLengthSent: random.chance(0.7),
  };
}

export class SimulatedBody implements UploadBody {
  readonly length: number | undefined;
  readonly #plan: BodyPlan;
  readonly #pieceBytes: number;
  readonly #server: SimulatedServer;
  #at = 0;
  #reason: RegistryError | undefined;

  constructor(server: SimulatedServer, random: Random, plan: BodyPlan) {
    this.#server = server;
    this.#plan = plan;
    this.#pieceBytes = random.between(3_000, 30_000);
    this.length = plan.isLengthSent || plan.bytes.length === 0 ? plan.bytes.length : undefined;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#reason !== undefined) throw this.#reason;
    const { bytes, breaksAt, silence } = this.#plan;
    if (bytes.length === 0) return undefined;
    await this.#server.turn('body');
    const end = Math.min(bytes.length, breaksAt ?? bytes.length);
    if (this.#at >= end && breaksAt !== undefined) {
      for (let count = 0; count < silence && this.#reason === undefined; count += 1) {
        await this.#server.turn('a silent connection');
      }
    }
    if (this.#reason !== undefined) throw this.#reason;
    if (this.#at < end) {
      const piece = bytes.slice(this.#at, Math.min(end, this.#at + this.#pieceBytes));
      this.#at += piece.length;
      return piece;
    }
    if (breaksAt !== undefined) throw new ConnectionLost('the connection broke');
    return undefined;
  }

  cancel(reason: RegistryError): void {
    this.#reason ??= reason;
  }
}
