// Second factors over the API, from the first one to the last: an app's codes, passkeys, recovery codes, and
// what becomes of passwords and sessions meanwhile.
import { expect } from 'bun:test';
import { Secret, TOTP } from 'otpauth';
import { Authenticator } from '../../src/access/sign-in/suite-authenticator.ts';
import { ADMIN, type ApiAnswer, askApi, basic, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';

/** Browsers take it for a safe place, and a passkey needs a name. */
const HOST = 'localhost';
const SITE = { origin: `http://${HOST}`, rpId: HOST };

/** One browser: keeps the cookie that it is given. */
class Page {
  readonly url: string;
  #cookie = '';

  constructor(url: string) {
    this.url = url;
  }

  async ask(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const headers = { Host: HOST, Cookie: this.#cookie, 'X-Entrepot-Request': '1' };
    const answer = await askApi(this.url, { method, path, body, headers });
    const given = answer.headers.get('set-cookie');
    if (given !== null) this.#cookie = given.split(';')[0] ?? '';
    return answer;
  }

  async post(path: string, body: unknown = {}): Promise<ApiAnswer> {
    return this.ask('POST', path, body);
  }
}

onBothEngines(
  'second factors',
  ({ test, registry }) => {
    async function signedIn(name: string): Promise<Page> {
      const { url } = registry();
      const body = { name, password: PASSWORD };
      await askApi(url, { method: 'POST', path: '/users', body, headers: ADMIN });
      const page = new Page(url);
      expect((await page.post('/session', body)).status).toBe(201);
      return page;
    }

    test('an app: on with a code, asked for at each sign-in, off with another code', async () => {
      const name = 'nora';
      const page = await signedIn(name);
      const { secret } = (await page.post('/account/totp')).body;
      const app = new TOTP({ secret: Secret.fromBase32(String(secret)) });
      const at = (steps: number) => app.generate({ timestamp: Date.now() + steps * 30_000 });
      expect((await page.post('/account/totp/confirm', { code: '000 00x' })).status).toBe(403);
      const code = at(0);
      const on = await page.post('/account/totp/confirm', { code });
      expect(on.body.recoveryCodes).toHaveLength(10);
      // The page goes on with a new secret.
      expect((await page.ask('GET', '/account')).body).toMatchObject({ hasTotp: true });
      const given = { name, password: PASSWORD };
      const other = new Page(registry().url);
      const asked = await other.post('/session', given);
      expect(asked.status).toBe(401);
      expect(asked.text).toContain('"secondFactor":true,"methods":["totp","recovery-code"]');
      const client = { method: 'GET', path: '/whoami', headers: basic(name, PASSWORD) };
      expect((await askApi(registry().url, client)).text).toContain('accessTokenNeeded');
      expect((await other.post('/session', { ...given, code })).status).toBe(401);
      expect((await other.post('/session', { ...given, code: at(1) })).status).toBe(201);
      const proof = { code: String((on.body.recoveryCodes as unknown as string[])[0]) };
      expect((await page.post('/account/totp/remove', { proof })).status).toBe(200);
      expect((await other.ask('GET', '/whoami')).status).toBe(401);
      expect((await askApi(registry().url, client)).status).toBe(200);
    });

    test('a passkey: added, used in place of a password, shown to be removed', async () => {
      const page = await signedIn('olga');
      const device = new Authenticator(SITE);
      const begun = (await page.post('/account/passkeys/options')).body;
      const response = device.register(begun.options as never);
      const key = { state: begun.state, name: 'telephone', response };
      const added = await page.post('/account/passkeys', key);
      expect([added.status, (added.body.recoveryCodes as unknown as string[]).length]).toEqual([
        201, 10,
      ]);
      const list = await page.ask('GET', '/account/passkeys');
      expect(list.body.items).toMatchObject([{ name: 'telephone', lastUsedAt: null }]);
      const other = new Page(registry().url);
      const question = (await other.post('/session/passkey/options')).body;
      const answer = { state: question.state, response: device.sign(question.options as never) };
      const done = await other.post('/session/passkey', answer);
      expect(done.body).toMatchObject({ name: 'olga', method: 'passkey' });
      // The same answer again is of no use.
      expect((await new Page(registry().url).post('/session/passkey', answer)).status).toBe(401);
      const [{ id }] = (await other.ask('GET', '/account/passkeys')).body.items as unknown as [
        { id: number },
      ];
      const asked = (await other.post('/account/passkeys/proof')).body;
      const passkey = { state: asked.state, response: device.sign(asked.options as never) };
      const removed = await other.post(`/account/passkeys/${id}/remove`, { proof: { passkey } });
      expect(removed.status).toBe(200);
      expect((await page.ask('GET', '/whoami')).status).toBe(401);
      const account = await other.ask('GET', '/account');
      expect(account.body).toMatchObject({ secondFactors: [] });
    });

    test('an administrator takes them away from who has lost them', async () => {
      const page = await signedIn('petra');
      const { secret } = (await page.post('/account/totp')).body;
      const code = new TOTP({ secret: Secret.fromBase32(String(secret)) }).generate();
      expect((await page.post('/account/totp/confirm', { code })).status).toBe(200);
      const { url } = registry();
      const path = '/users/petra/second-factor';
      const taken = await askApi(url, { method: 'DELETE', path, headers: ADMIN });
      expect(taken.status).toBe(204);
      expect((await page.ask('GET', '/whoami')).status).toBe(401);
      const given = { name: 'petra', password: PASSWORD };
      expect((await page.post('/session', given)).status).toBe(201);
    });
  },
  { isPrivate: true },
);
