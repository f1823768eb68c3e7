// Secrets that must be read again (signing keys, seeds of authenticator apps) lie in the database sealed,
// AES-256-GCM under a key that is not in the database.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Bytes of the key. */
export const SEAL_KEY_BYTES = 32;

const IV_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = 'v1.';

export interface Seal {
  /** `purpose` is bound to it: what was sealed for one cannot be put in the place of another. */
  seal(plain: string, purpose: string): string;
  /** @throws SealError when the key is another one, or the text was changed. */
  open(sealed: string, purpose: string): string;
}

export class SealError extends Error {}

export function sealWith(key: Uint8Array): Seal {
  if (key.length !== SEAL_KEY_BYTES) throw new Error(`a seal's key has ${SEAL_KEY_BYTES} bytes`);
  return {
    seal(plain, purpose) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
      const sealed = [iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return PREFIX + Buffer.concat(sealed).toString('base64url');
    },
    open(sealed, purpose) {
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(-TAG_BYTES));
        const plain = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
        return Buffer.concat([plain, decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new SealError(
          'A sealed secret cannot be opened: the key file is not the one it was sealed with. Put back the one that was there, which is seal.key in the data directory unless key-file names another.',
          { cause },
        );
      }
    },
  };
}
