// Which upload ids and storage keys are legal. Every driver asks here first, so that no name can
// leave the place it is meant for. Knows no driver.
import { BlobStoreError, type StorageKey, type UploadId } from './blob-store.ts';

const UPLOAD_ID = /^[a-z0-9-]{1,128}$/;
/** `sha256/ab/<hex>.<random>`: the folder repeats the first two digits, so that no folder grows too large. */
const STORAGE_KEY =
  /^(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126})\.[a-z0-9-]{1,64}$/;

export function isUploadId(text: string): text is UploadId {
  return UPLOAD_ID.test(text);
}

export function isStorageKey(text: string): text is StorageKey {
  return STORAGE_KEY.test(text);
}

/** One name for a key where all lie in one folder. */
export function flatName(key: StorageKey): string {
  const [algorithm, , name] = key.split('/');
  return `${algorithm}-${name}`;
}

/** @throws BlobStoreError `failed`: such an id is a mistake of the program or an attack, never a user's. */
export function checkUploadId(id: UploadId): void {
  if (isUploadId(id)) return;
  throw new BlobStoreError('failed', `${shown(id)} is not the id of an upload. Nothing was done.`);
}

/** @throws BlobStoreError `failed`, as for upload ids. */
export function checkStorageKey(key: StorageKey): void {
  if (isStorageKey(key)) return;
  throw new BlobStoreError('failed', `${shown(key)} is not a storage key. Nothing was done.`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
