// Clients that are refused while they still send (client behaviour 30): each must be able to read why, and must
// not see a broken pipe.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { errorCode, newName, startUpload } from './push.ts';
import { chunk, type RawAnswer, RawConnection, requestHead } from './raw-http.ts';

function codeOf(answer: RawAnswer): string {
  return errorCode(answer.headers.get('content-type'), Buffer.from(answer.body).toString());
}

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
});
afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

describe('clients 30: a client that is refused while it sends', () => {
  const refusals = [
    ['404', 'PATCH', '/v2/a/blobs/uploads/unknown', 404],
    ['405', 'PUT', '/v2/a/tags/list', 405],
    ['413', 'PUT', '/v2/a/manifests/v1', 413],
    ['400', 'PUT', '/v2/a/manifests/.no', 400],
    ['416', 'PATCH', 'WRONG OFFSET', 416],
  ] as const;
  for (const [what, method, path, status] of refusals) {
    for (const how of ['announced', 'chunked'] as const) {
      test(`reads ${what} at once (${how}), and finds the connection open when it has sent all`, async () => {
        const { url, port } = registry;
        const isOffset = path === 'WRONG OFFSET';
        const target = isOffset ? await startUpload(url, newName()) : path;
        const headers = isOffset ? ['Content-Range: 7-9'] : [];
        const connection = await RawConnection.open(port);
        const size = 40 * 1024 * 1024;
        const part = new Uint8Array(1024 * 1024);
        if (how === 'announced') {
          await connection.send(requestHead({ method, target, headers, length: size }));
        } else {
          const chunked = [...headers, 'Transfer-Encoding: chunked'];
          await connection.send(requestHead({ method, target, headers: chunked }));
          // A manifest of unknown length is refused only once too much of it has come.
          for (let i = 0; i < 6; i++) await connection.send(chunk(part));
        }
        const answer = await connection.answer();
        expect(answer.status).toBe(status);
        codeOf(answer);
        for (let sent = 0; sent < size; sent += part.length) {
          await connection.send(how === 'announced' ? part : chunk(part));
        }
        if (how === 'chunked') await connection.send(chunk(''));
        expect(connection.isClosed).toBe(false);
        await connection.send(requestHead({ method: 'GET', target: '/v2/' }));
        expect((await connection.answer()).status).toBe(401);
        connection.end();
      });
    }
  }

  test('may have sent everything before it looks for the answer', async () => {
    const connection = await RawConnection.open(registry.port);
    const size = 64 * 1024 * 1024;
    const target = '/v2/a/blobs/uploads/unknown';
    await connection.send(requestHead({ method: 'PATCH', target, length: size }));
    const part = new Uint8Array(4 * 1024 * 1024);
    for (let sent = 0; sent < size; sent += part.length) await connection.send(part);
    const answer = await connection.answer();
    expect([answer.status, codeOf(answer)]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    connection.end();
  });
});
