// Each fault of the system becomes the right one of the store, with the cause kept.
import { describe, expect, test } from 'bun:test';
import { type BlobFault, BlobStoreError } from './blob-store.ts';
import { storageError } from './filesystem-errors.ts';

const CASES: readonly (readonly [string, BlobFault, RegExp])[] = [
  ['ENOSPC', 'full', /disk .* is full/],
  ['EDQUOT', 'full', /quota/],
  ['EACCES', 'denied', /own the data directory/],
  ['EPERM', 'denied', /own the data directory/],
  ['EROFS', 'denied', /read-only/],
  ['EIO', 'failed', /disk reports a fault/],
  ['EMFILE', 'failed', /raise the limit/],
  ['EXDEV', 'failed', /one file system/],
  ['ENOENT', 'failed', /missing/],
  ['ESOMETHING', 'failed', /in the log/],
];

describe('faults of the file system', () => {
  test.each(CASES)('%s is %s, with what was tried and what to do', (code, fault, advice) => {
    const cause = Object.assign(new Error('from the system'), { code });
    const error = storageError(cause, 'write the upload u1');
    expect(error).toBeInstanceOf(BlobStoreError);
    expect(error.fault).toBe(fault);
    expect(error.message).toStartWith('Could not write the upload u1. ');
    expect(error.message).toMatch(advice);
    expect(error.cause).toBe(cause);
  });

  test('what is no error of the system is failed', () => {
    expect(storageError('text', 'read').fault).toBe('failed');
    expect(storageError(new Error('plain'), 'read').fault).toBe('failed');
  });

  test('a fault of the store passes unchanged', () => {
    const known = new BlobStoreError('full', 'no room');
    expect(storageError(known, 'read')).toBe(known);
  });
});
