// Digests (OCI image spec, descriptor.md "Digests"). Text at the edge, bytes in the database.
import { RegistryError } from './errors.ts';

declare const digestBrand: unique symbol;
/** A checked digest in text: `sha256:` and 64 hex digits, or `sha512:` and 128. */
export type Digest = string & { readonly [digestBrand]: true };

export type DigestAlgorithm = 'sha256' | 'sha512';

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };
/** First byte of the stored form; a number once used is never given to another algorithm. */
const ALGORITHM_BYTE: Readonly<Record<DigestAlgorithm, number>> = { sha256: 1, sha512: 2 };
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws RegistryError DIGEST_INVALID, saying whether the form or the algorithm is wrong. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const shown = text.length > 160 ? `${text.slice(0, 160)}…` : text;
  if (GRAMMAR.test(text) && !/^sha(256|512):/.test(text)) {
    throw new RegistryError(
      'DIGEST_INVALID',
      `The digest algorithm of "${shown}" is not supported. Use sha256 or sha512.`,
    );
  }
  throw new RegistryError(
    'DIGEST_INVALID',
    `"${shown}" is not a digest: write sha256: and 64, or sha512: and 128, lower-case hex digits.`,
  );
}

/** @throws RegistryError DIGEST_INVALID for an algorithm that is not known. */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (text === 'sha256' || text === 'sha512') return text;
  throw new RegistryError(
    'DIGEST_INVALID',
    `The digest algorithm "${text.slice(0, 40)}" is not supported. Use sha256 or sha512.`,
  );
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

export function digestOf(algorithm: DigestAlgorithm, hex: string): Digest {
  return parseDigest(`${algorithm}:${hex}`);
}

/** The stored form: one byte for the algorithm, then the hash: 33 or 65 bytes. */
export function digestToBytes(digest: Digest): Uint8Array {
  const algorithm = digestAlgorithm(digest);
  const bytes = new Uint8Array(1 + HEX_LENGTH[algorithm] / 2);
  bytes[0] = ALGORITHM_BYTE[algorithm];
  bytes.set(Buffer.from(digestHex(digest), 'hex'), 1);
  return bytes;
}

/** @throws Error when the bytes are not a stored digest: the database is damaged. */
export function digestFromBytes(bytes: Uint8Array): Digest {
  const algorithm = bytes[0] === 1 ? 'sha256' : bytes[0] === 2 ? 'sha512' : undefined;
  if (algorithm === undefined || bytes.length !== 1 + HEX_LENGTH[algorithm] / 2) {
    throw new Error('a stored digest has an unknown form');
  }
  const hash = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1);
  return `${algorithm}:${hash.toString('hex')}` as Digest;
}

/** The tag under which older clients keep the referrers of a digest (spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest).slice(0, 64)}`;
}
