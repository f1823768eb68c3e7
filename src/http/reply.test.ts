// Errors as clients see them: a status for every code, the OCI form, and nothing of the inside.
import { describe, expect, test } from 'bun:test';
import { BlobStoreError } from '../blobs/blob-store.ts';
import { ERROR_MESSAGES, type ErrorCode, RegistryError } from '../oci/errors.ts';
import { ERROR_STATUS } from './error-status.ts';
import {
  asRegistryError,
  bytesReply,
  emptyReply,
  errorReply,
  jsonReply,
  type Reply,
} from './reply.ts';

function textOf(reply: Reply): string {
  if (reply.body.kind !== 'bytes') throw new Error('the reply has no bytes');
  return reply.body.bytes.toString();
}

const codes = Object.keys(ERROR_MESSAGES) as ErrorCode[];

describe('errorReply', () => {
  test('has a status and a sentence for every code', () => {
    expect(Object.keys(ERROR_STATUS).sort()).toEqual([...codes].sort());
    for (const code of codes) {
      const reply = errorReply(new RegistryError(code), 'id-1');
      expect(reply.status).toBe(ERROR_STATUS[code]);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.headers['Content-Type']).toBe('application/json');
      const message = ERROR_MESSAGES[code];
      const detail = { requestId: 'id-1' };
      expect(JSON.parse(textOf(reply))).toEqual({ errors: [{ code, message, detail }] });
      expect(reply.length).toBe(Buffer.byteLength(textOf(reply)));
    }
  });

  test('keeps what a refusal says, and the headers that belong to it', () => {
    const error = new RegistryError('DENIED', 'Because.', { rule: 7 });
    const reply = errorReply(error, 'id-2', { Allow: 'GET' });
    expect(reply.headers.Allow).toBe('GET');
    const [first] = JSON.parse(textOf(reply)).errors;
    expect(first).toEqual({
      code: 'DENIED',
      message: 'Because.',
      detail: { rule: 7, requestId: 'id-2' },
    });
  });

  test('says when to try again, for what passes', () => {
    for (const code of codes) {
      const retryAfter = errorReply(new RegistryError(code), 'x').headers['Retry-After'];
      expect([code, retryAfter !== undefined]).toEqual([
        code,
        code === 'TOOMANYREQUESTS' || code === 'UNAVAILABLE',
      ]);
    }
  });
});

describe('asRegistryError', () => {
  test('never lets a cause out', () => {
    const secret = 'postgres://user:secret@host/db: /var/lib/x.db is broken';
    for (const thrown of [
      new Error(secret),
      new RegistryError('INTERNAL', undefined, undefined, { cause: new Error(secret) }),
      new BlobStoreError('failed', secret),
      new BlobStoreError('full', secret),
      secret,
      { message: secret },
      undefined,
      null,
    ]) {
      const error = asRegistryError(thrown);
      const reply = errorReply(error, 'id');
      expect(reply.status).toBeGreaterThanOrEqual(500);
      expect(textOf(reply)).not.toContain('secret');
      expect(textOf(reply)).not.toContain('/var');
      if (!(thrown instanceof RegistryError)) expect(error.cause).toBe(thrown);
    }
  });

  test('tells a full store from a broken one, and an overtaken writer from both', () => {
    const codeOf = (fault: ConstructorParameters<typeof BlobStoreError>[0]) =>
      asRegistryError(new BlobStoreError(fault, 'x')).code;
    expect(codeOf('full')).toBe('STORAGE_FULL');
    expect(codeOf('denied')).toBe('STORAGE_FAILED');
    expect(codeOf('failed')).toBe('STORAGE_FAILED');
    expect(codeOf('absent')).toBe('STORAGE_FAILED');
    expect(codeOf('superseded')).toBe('RANGE_INVALID');
  });
});

test('lengths count bytes and not characters', () => {
  expect(bytesReply(200, {}, 'é').length).toBe(2);
  expect(bytesReply(200, {}, new Uint8Array(3)).length).toBe(3);
  expect(jsonReply(200, { a: 'é' }).length).toBe(10);
  expect(emptyReply(204, {}).length).toBe(0);
});
