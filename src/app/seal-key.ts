// The key that seals secrets in the database: from the file that `key-file` names, else from one in the
// data directory that is made at the first start. Whoever has the database alone cannot open them.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEAL_KEY_BYTES } from '../access/seal.ts';

const FILE_NAME = 'seal.key';

/** @throws Error with a sentence when the file cannot be read, or holds no key. */
export function readSealKey(from: { keyFile: string | undefined; data: string }): Uint8Array {
  const path = from.keyFile ?? join(from.data, FILE_NAME);
  if (from.keyFile === undefined) makeIfAbsent(path);
  return readKeyFile(path);
}

/** As `readSealKey`, for who works on a database that is there: another key would be of no use. */
export function readExistingSealKey(from: {
  keyFile: string | undefined;
  data: string;
}): Uint8Array {
  return readKeyFile(from.keyFile ?? join(from.data, FILE_NAME));
}

function readKeyFile(path: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The key file ${path} cannot be read: ${why}.`, { cause });
  }
  const key = Buffer.from(text, 'base64');
  if (key.length === SEAL_KEY_BYTES) return key;
  throw new Error(
    `The key file ${path} must hold ${SEAL_KEY_BYTES} random bytes in base64. Make one with: head -c ${SEAL_KEY_BYTES} /dev/urandom | base64`,
  );
}

function makeIfAbsent(path: string): void {
  try {
    const text = `${randomBytes(SEAL_KEY_BYTES).toString('base64')}\n`;
    writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  }
}
