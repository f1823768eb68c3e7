// From the error codes of the operating system to the faults of a blob store, in sentences that say
// what to do. Knows no files.
import { type BlobFault, BlobStoreError } from './blob-store.ts';

const FAULTS: Readonly<Record<string, BlobFault>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk of the data directory is full: free some room or enlarge it.',
  EDQUOT: 'The quota of the data directory is used up: raise it or free some room.',
  EACCES: 'Let the user that the registry runs as own the data directory.',
  EPERM: 'Let the user that the registry runs as own the data directory.',
  EROFS: 'The data directory is mounted read-only: mount it for writing.',
  EIO: 'The disk reports a fault: look at the log of the operating system.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
  ENFILE: 'Too many files are open on this machine: raise its limit.',
  EXDEV: 'The uploads and the blobs must lie on one file system: do not mount them apart.',
  ENOENT: 'A part of the data directory is missing: was it moved while the registry runs?',
  ENOTDIR: 'A part of the data directory is a file where a folder must be.',
};

export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}

/**
 * `task` completes "Could not …", and names the role of the path: `write the upload u1`.
 * What is a BlobStoreError already stays as it is.
 */
export function storageError(cause: unknown, task: string): BlobStoreError {
  if (cause instanceof BlobStoreError) return cause;
  const code = systemCode(cause) ?? '';
  const fault = FAULTS[code] ?? 'failed';
  const advice = ADVICE[code] ?? 'The cause is in the log.';
  return new BlobStoreError(fault, `Could not ${task}. ${advice}`, { cause });
}
