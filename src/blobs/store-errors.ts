// The faults that every driver tells in the same words. `what` names a thing: `upload u1`.
import { BlobStoreError } from './blob-store.ts';

export function absentError(what: string, cause?: unknown): BlobStoreError {
  return new BlobStoreError('absent', `There is no ${what}.`, { cause });
}

export function existsError(what: string): BlobStoreError {
  return new BlobStoreError('exists', `There is already the ${what}.`);
}

export function supersededError(what: string): BlobStoreError {
  return new BlobStoreError(
    'superseded',
    `A newer request has taken over the ${what}. This one can no longer write to it.`,
  );
}
