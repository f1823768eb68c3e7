// The bytes of a request on their way in, as the use cases see them: no HTTP.
import { RegistryError } from '../oci/errors.ts';

export interface UploadBody {
  /** Bytes announced; undefined when the client streams without saying. */
  readonly length: number | undefined;
  /**
   * The next bytes, undefined at the end. The chunk belongs to the caller.
   * @throws when the client vanished, stalled, or `cancel` was called.
   */
  next(): Promise<Uint8Array | undefined>;
  /**
   * Gives back the memory of a chunk that is done with. Without it the collector would find hundreds of
   * megabytes of chunks only when it next looks.
   */
  free?(chunk: Uint8Array): void;
  /** Makes a waiting and every later `next` throw `reason`. */
  cancel(reason: RegistryError): void;
}

export interface Collected {
  readonly chunks: Uint8Array[];
  readonly size: number;
  /** False: there is more in the body than fits. */
  readonly isWhole: boolean;
  /** Why the body ended early; undefined when it did not. */
  readonly error: unknown;
}

/** Reads until the end of the body or until more than `limit` bytes have come. */
export async function collectUpTo(body: UploadBody, limit: number): Promise<Collected> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (size <= limit) {
      const chunk = await body.next();
      if (chunk === undefined) return { chunks, size, isWhole: true, error: undefined };
      chunks.push(chunk);
      size += chunk.length;
    }
  } catch (error) {
    return { chunks, size, isWhole: true, error };
  }
  return { chunks, size, isWhole: false, error: undefined };
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** @returns the fault when not just the announced number of bytes came. */
export function lengthFault(expected: number | undefined, came: number): RegistryError | undefined {
  if (expected === undefined || expected === came) return undefined;
  return new RegistryError(
    'SIZE_INVALID',
    `The request announced ${expected} bytes, but ${came > expected ? 'more' : `only ${came}`} came.`,
  );
}
