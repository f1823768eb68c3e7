// Nothing secret is in what a busy registry writes: its output, its answers to what was refused, its audit
// log, its database.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { type ApiAnswer, type ApiRequest, askApi, basic, bearer } from './api-world.ts';
import { ListeningProgram } from './listening-program.ts';

const ADMIN_PASSWORD = 'the first of all passwords';
const METRICS_TOKEN = 'a-token-for-the-metrics-alone';

let directory: string;
let program: ListeningProgram;
let url: string;
/** Each with what it is, for the message of a failure. */
const secrets = new Map<string, string>([
  ['password of the administrator', ADMIN_PASSWORD],
  ['token for the metrics', METRICS_TOKEN],
]);
/** Bodies of answers that were errors: those of successes show a secret once. */
const errors: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'entrepot-secrets-'));
  program = ListeningProgram.start(directory, {
    ENTREPOT_ADMIN_PASSWORD: ADMIN_PASSWORD,
    ENTREPOT_METRICS_TOKEN: METRICS_TOKEN,
    ENTREPOT_METRICS_LISTEN: '127.0.0.1:0',
    ENTREPOT_LOG: 'debug,format=json',
  });
  url = await program.hears(/"url":"([^"]+)"/);
}, 90_000);

afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

function secret(what: string, text: unknown): string {
  if (typeof text !== 'string' || text.length < 6) throw new Error(`${what} is no secret: ${text}`);
  secrets.set(what, text);
  return text;
}

async function ask(request: ApiRequest): Promise<ApiAnswer> {
  const answer = await askApi(url, request);
  if (answer.status >= 400) errors.push(answer.text);
  return answer;
}

async function get(path: string, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(url + path, { headers });
  if (response.status >= 400) errors.push(await response.clone().text());
  return response;
}

const admin = basic('admin', ADMIN_PASSWORD);
const post = (path: string, body: unknown, headers: Record<string, string> = admin) =>
  ask({ method: 'POST', path, body, headers });

/** Right and wrong passwords, wherever one can be. */
async function passwords(): Promise<string> {
  const password = secret('password of a user', 'plenty of rain in april');
  await post('/users', { name: 'alice', password });
  const wrong = secret('wrong password', 'mistyped rain in april');
  await post('/session', { name: 'alice', password: wrong });
  await post('/session', { name: wrong, password });
  await post('/session', { name: 'alice', password, wrongField: wrong });
  await post('/session', { name: 'alice', password: [password] });
  await post('/users', { name: 'bob', password: secret('refused password', 'bob1234') });
  await get('/v2/', basic('alice', wrong));
  await get('/v2/', basic('alice', password));
  await get('/token', basic('alice', wrong));
  const form = new URLSearchParams({ grant_type: 'password', username: 'alice', password: wrong });
  errors.push(await (await fetch(`${url}/token`, { method: 'POST', body: form })).text());
  const changed = secret('changed password', 'plenty of snow in april');
  const change = { oldPassword: password, newPassword: changed };
  await post('/account/password', { ...change, oldPassword: wrong }, basic('alice', password));
  expect((await post('/account/password', change, basic('alice', password))).status).toBe(204);
  return changed;
}

async function tokens(owner: Record<string, string>): Promise<void> {
  const made = await post('/tokens', { name: 'one' }, owner);
  const token = secret('access token', made.body.secret);
  const rotated = await post(`/tokens/${made.body.id}/rotate`, {}, owner);
  secret('rotated access token', rotated.body.secret);
  const mistyped = secret('mistyped access token', `${token.slice(0, -1)}_`);
  await get('/v2/', bearer(mistyped));
  await get('/v2/team/app/tags/list', basic(token, ''));
  await get(`/api/v1/whoami?access_token=${token}`, {});
  await get(`/token?account=x&service=y&password=${token}`, bearer(mistyped));
  const given = await (await get('/token?offline_token=true&client_id=test', bearer(token))).json();
  const { token: short, refresh_token } = given as Record<string, unknown>;
  const signed = secret('bearer token', short);
  secret('refresh token', refresh_token);
  await get('/v2/team/app/tags/list', bearer(signed));
  await get('/v2/', bearer(`${signed}x`));
  await get('/api/v1/whoami', bearer(signed));
  const form = { grant_type: 'refresh_token', refresh_token: `${refresh_token}x` };
  errors.push(
    await (await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) })).text(),
  );
  const claims = Buffer.from('{"iss":"https://none.example","aud":"x"}').toString('base64url');
  const jwt = secret('identity token', `eyJhbGciOiJSUzI1NiJ9.${claims}.c2lnbmF0dXJlLW9m`);
  await get('/v2/', basic('oidc', jwt));
}

async function secondFactor(name: string, password: string): Promise<void> {
  const signedIn = await post('/session', { name, password });
  const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
  secret('session', cookie.split('=')[1]);
  const headers = { Cookie: cookie, 'X-Entrepot-Request': '1' };
  const begun = await post('/account/totp', {}, headers);
  const seed = secret('secret of the app', begun.body.secret);
  const code = new TOTP({ secret: Secret.fromBase32(seed) }).generate();
  const on = await post('/account/totp/confirm', { code }, headers);
  expect(on.status).toBe(200);
  const codes = on.body.recoveryCodes as unknown as string[];
  for (const [at, one] of codes.entries()) secret(`recovery code ${at}`, one);
  const [renewed = ''] = (on.headers.get('set-cookie') ?? '').split(';');
  secret('renewed session', renewed.split('=')[1]);
  await post('/session', { name, password, code: codes[0]?.slice(0, -2) });
  expect((await post('/session', { name, password, code: codes[1] })).status).toBe(201);
  await get('/v2/', basic(name, password));
}

test('secrets are nowhere in what a busy registry wrote', async () => {
  const password = await passwords();
  await tokens(basic('alice', password));
  await secondFactor('alice', password);
  const invited = await post('/invitations', {});
  const invitation = secret('invitation', invited.body.secret);
  const weak = secret('password of an invitation', 'carol12');
  await post('/invitations/accept', { secret: invitation, name: 'carol', password: weak }, {});
  await post('/invitations/accept', { secret: `${invitation}x`, name: 'c', password: weak }, {});
  await get('/metrics', bearer(`${METRICS_TOKEN}x`));
  expect((await get('/metrics', bearer(METRICS_TOKEN))).status).toBe(200);
  const audit = await (await get('/api/v1/audit/export', admin)).text();
  expect(audit).toContain('"action":"token.rotate"');
  await program.stop();
  expect(program.said).toContain('"path":"/api/v1/whoami"');
  expect(errors.length).toBeGreaterThan(15);
  expect(secrets.size).toBeGreaterThan(20);
  const places = new Map([
    ['what it wrote', program.said],
    ['an error', errors.join('\n')],
    ['the exported audit log', audit],
    ...databaseFiles(),
  ]);
  for (const [where, text] of places) {
    for (const [what, value] of secrets)
      expect([where, what, text.includes(value)]).toEqual([where, what, false]);
  }
}, 60_000);

/** As bytes: what a row no longer says may still be in the file. */
function databaseFiles(): [string, string][] {
  const path = join(directory, 'entrepot.db');
  const database = new Database(path);
  const count = database.query('select count(*) as count from audit_events').get();
  expect((count as { count: number }).count).toBeGreaterThan(10);
  database.close();
  return readdirSync(directory)
    .filter((name) => name.startsWith('entrepot.db'))
    .map((name) => [name, readFileSync(join(directory, name), 'latin1')]);
}

test('an open listener serves health and metrics, and nothing else', async () => {
  const data = mkdtempSync(join(tmpdir(), 'entrepot-metrics-'));
  const other = ListeningProgram.start(data, {
    ENTREPOT_METRICS_LISTEN: '127.0.0.1:0',
    ENTREPOT_LOG: 'info,format=json',
  });
  const open = await other.hears(/open at (http:\/\/[^"]+)"/);
  const main = await other.hears(/"url":"([^"]+)"/);
  const status = async (address: string) => (await fetch(address)).status;
  for (const path of ['/metrics', '/livez', '/readyz']) expect(await status(open + path)).toBe(200);
  for (const path of ['/', '/v2/', '/token', '/api/v1/whoami', '/auth/oidc/x']) {
    expect([path, await status(open + path)]).toEqual([path, 404]);
  }
  expect(await status(`${main}/metrics`)).toBe(401);
  expect(await status(`${main}/livez`)).toBe(200);
  await other.stop();
  rmSync(data, { recursive: true, force: true });
}, 90_000);
