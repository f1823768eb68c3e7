// Random bytes that are the same for the same seed, so that a failed run can be repeated exactly.
// AES in counter mode is a fast generator: 64 MiB take a few hundredths of a second.
import { createCipheriv, createHash } from 'node:crypto';

/** `length` bytes that look random, and that no compression makes smaller. */
export function seededBytes(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
