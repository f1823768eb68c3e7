// How much of manifests a process holds at once. A manifest must be whole before it is understood, so this
// is what bounds the memory that clients can take with bodies they send slowly, or never end.
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import type { RequestBody } from '../request-body.ts';

export class ManifestRoom {
  readonly #limit: number;
  #taken = 0;

  /** `limit` in bytes. */
  constructor(limit: number = LIMITS.manifestBytesAtOnce) {
    this.#limit = limit;
  }

  /**
   * Reads a manifest and does `work` with it; its bytes count until that has ended. What is announced
   * and has not come takes no room.
   * @throws RegistryError TOOMANYREQUESTS, SIZE_TOO_LARGE; whatever the body or `work` throws.
   */
  async receive<R>(body: RequestBody, work: (bytes: Uint8Array) => Promise<R>): Promise<R> {
    let ours = 0;
    const take = (bytes: number) => {
      if (this.#taken + bytes > this.#limit) throw full();
      this.#taken += bytes;
      ours += bytes;
    };
    try {
      return await work(await body.readWhole(LIMITS.manifestBytes, 'manifest', take));
    } finally {
      this.#taken -= ours;
    }
  }
}

function full(): RegistryError {
  return new RegistryError(
    'TOOMANYREQUESTS',
    'This registry is receiving too many large manifests at once. Try again in a moment.',
  );
}
