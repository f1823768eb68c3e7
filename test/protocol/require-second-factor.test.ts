// Where the setting asks for it, nobody administers, or manages, before they have a second factor.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Secret, TOTP } from 'otpauth';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { ADMIN, askApi, basic, bearer, PASSWORD } from './api-world.ts';

describe.each(['administrators', 'everyone'] as const)('for %s', (secondFactorRule) => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startTestRegistry({ isPrivate: true, access: { secondFactorRule } });
  });
  afterAll(() => registry.stop());

  const statusOf = async (path: string, headers: Readonly<Record<string, string>>) => {
    const answer = await askApi(registry.url, { method: 'GET', path, headers });
    return [answer.status, answer.text.includes('second factor')];
  };

  test('an administrator begins with a second factor, and can do so', async () => {
    expect(await statusOf('/users', ADMIN)).toEqual([403, true]);
    expect(await statusOf('/account', ADMIN)).toEqual([200, false]);
    const session = await askApi(registry.url, {
      method: 'POST',
      path: '/session',
      body: { name: 'admin', password: ADMIN_PASSWORD },
    });
    let Cookie = session.headers.get('set-cookie')?.split(';')[0] ?? '';
    const post = async (path: string, body: unknown = {}) => {
      const headers = { Cookie, 'X-Entrepot-Request': '1' };
      const answer = await askApi(registry.url, { method: 'POST', path, body, headers });
      Cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? Cookie;
      return answer;
    };
    expect(await statusOf('/users', { Cookie })).toEqual([403, true]);
    const { secret } = (await post('/account/totp')).body;
    const code = new TOTP({ secret: Secret.fromBase32(String(secret)) }).generate();
    expect((await post('/account/totp/confirm', { code })).status).toBe(200);
    expect(await statusOf('/users', { Cookie })).toEqual([200, false]);
    const token = (await post('/tokens', { name: 'to administer with' })).body.secret;
    expect(await statusOf('/users', bearer(token))).toEqual([200, false]);
    const user = { name: 'nora', password: PASSWORD };
    const made = { method: 'POST', path: '/users', body: user, headers: bearer(token) };
    expect((await askApi(registry.url, made)).status).toBe(201);
  });

  test('who only manages a path is meant where everyone is', async () => {
    const nora = basic('nora', PASSWORD);
    const expected = secondFactorRule === 'everyone' ? [403, true] : [200, false];
    expect(await statusOf('/grants?path=nora', nora)).toEqual(expected);
    expect(await statusOf('/account', nora)).toEqual([200, false]);
  });
});
