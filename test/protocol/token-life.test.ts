// A bearer token counts when a request begins: what is on its way when the token expires is not cut, and
// the next request needs a new one. The clock is set forward instead of waiting.
import { afterEach, beforeEach, expect, setSystemTime, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { digestOf, locationOf, newName, seededContent } from './push.ts';
import { chunk, RawConnection, requestHead } from './raw-http.ts';
import { until } from './until.ts';

const LIFETIME_SECONDS = 60;
const LAYER_BYTES = 3_000_000;

let registry: TestRegistry;
beforeEach(async () => {
  registry = await startTestRegistry({
    isPrivate: true,
    access: { tokenLifetimeSeconds: LIFETIME_SECONDS },
  });
});
afterEach(async () => {
  setSystemTime();
  await registry.stop();
});

async function bearerFor(name: string): Promise<string> {
  const basic = Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64');
  const answer = await fetch(`${registry.url}/token?scope=repository:${name}:pull,push`, {
    headers: { authorization: `Basic ${basic}` },
  });
  const { token, expires_in: seconds } = (await answer.json()) as Record<string, unknown>;
  expect(seconds).toBe(LIFETIME_SECONDS);
  return `Bearer ${token}`;
}

/** Ten lifetimes go by. */
function letTokensExpire(): void {
  setSystemTime(new Date(Date.now() + 10 * LIFETIME_SECONDS * 1000));
}

async function startUpload(name: string, authorization: string): Promise<string> {
  const answer = await fetch(`${registry.url}/v2/${name}/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization },
  });
  expect(answer.status).toBe(202);
  return locationOf(answer);
}

/** Bytes of uploads that are in the registry's folder by now. */
function arrived(): number {
  const files = readdirSync(registry.directory, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((entry) => entry.isFile() && entry.parentPath.endsWith('uploads'))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

for (const how of ['of a known length', 'chunked'] as const) {
  test(`clients 7: an upload ${how} that outlives its token is not cut`, async () => {
    const name = newName();
    const content = seededContent(LAYER_BYTES, name);
    const [first, rest] = [content.subarray(0, LAYER_BYTES / 2), content.subarray(LAYER_BYTES / 2)];
    const authorization = await bearerFor(name);
    const target = await startUpload(name, authorization);
    const headers = [`Authorization: ${authorization}`];
    const connection = await RawConnection.open(registry.port);
    try {
      if (how === 'chunked') {
        headers.push('Transfer-Encoding: chunked');
        await connection.send(requestHead({ method: 'PATCH', target, headers }));
        await connection.send(chunk(first));
      } else {
        const length = content.length;
        await connection.send(requestHead({ method: 'PATCH', target, headers, length }));
        await connection.send(first);
      }
      await until(() => arrived() > 0, 'the first half begins to arrive');
      letTokensExpire();
      if (how === 'chunked') {
        await connection.send(chunk(rest));
        await connection.send(chunk(''));
      } else {
        await connection.send(rest);
      }
      const answer = await connection.answer();
      expect(answer.status).toBe(202);
      expect(answer.headers.get('range')).toBe(`0-${content.length - 1}`);
      await closes(name, answer.headers.get('location') ?? '', { content, expired: authorization });
    } finally {
      connection.cut();
    }
  });
}

/** The closing request is a new one: refused with the old token, and the upload is still there. */
async function closes(
  name: string,
  location: string,
  { content, expired }: { content: Uint8Array; expired: string },
): Promise<void> {
  const close = (authorization: string) =>
    fetch(`${registry.url}${location}?digest=${digestOf(content)}`, {
      method: 'PUT',
      headers: { authorization },
    });
  const refused = await close(expired);
  expect(refused.status).toBe(401);
  const challenge = refused.headers.get('www-authenticate') ?? '';
  expect(challenge).toContain('error="invalid_token"');
  expect(challenge).toContain(`scope="repository:${name}:pull,push"`);
  const done = await close(await bearerFor(name));
  expect(done.status).toBe(201);
}

test('clients 7: a download that outlives its token is not cut', async () => {
  const name = newName();
  const content = seededContent(16 * LAYER_BYTES, name);
  const authorization = await bearerFor(name);
  const digest = digestOf(content);
  const pushed = await fetch(`${registry.url}/v2/${name}/blobs/uploads/?digest=${digest}`, {
    method: 'POST',
    headers: { authorization },
    body: content,
  });
  expect(pushed.status).toBe(201);
  const target = `/v2/${name}/blobs/${digest}`;
  const connection = await RawConnection.open(registry.port);
  try {
    const headers = [`Authorization: ${authorization}`];
    await connection.send(requestHead({ method: 'GET', target, headers }));
    await connection.someBytes();
    letTokensExpire();
    const answer = await connection.answer();
    expect(answer.status).toBe(200);
    expect(digestOf(answer.body)).toBe(digest);
  } finally {
    connection.cut();
  }
  const again = await fetch(registry.url + target, { headers: { authorization } });
  expect(again.status).toBe(401);
});
