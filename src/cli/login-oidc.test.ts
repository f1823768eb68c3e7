// A pipeline signs in with its identity token, from the usual places.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestRegistry, type TestRegistry } from '../../test/support/entrepot.ts';
import {
  gitlabClaims,
  type SuiteIssuer,
  startIssuer,
  times,
} from '../access/keyless/suite-issuer.ts';
import { SYSTEM } from '../metadata/audit.ts';
import { runCli } from './suite-terminal.ts';

let registry: TestRegistry;
let issuer: SuiteIssuer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-oidc-'));
  issuer = await startIssuer();
  registry = await startTestRegistry({ isPrivate: true, allowedHosts: ['127.0.0.1'] });
  await registry.program.commands.run('createTrustPolicy', {
    path: 'group',
    name: 'ci',
    issuer: issuer.issuer,
    audience: registry.url,
    conditions: { project_path: ['group/**'] },
    grants: [{ actions: ['pull', 'push'], names: ['{project_path}'] }],
    lifetimeMs: 600_000,
    actor: SYSTEM,
  });
});
afterAll(async () => {
  await registry.stop();
  await issuer.close();
  rmSync(folder, { recursive: true });
});

const jwt = (claims: object = {}) =>
  issuer.sign({ ...gitlabClaims(), ...times(Date.now()), aud: registry.url, ...claims });

test('prints the access token and nothing else, and that signs in', async () => {
  const env = { ENTREPOT_ID_TOKEN: await jwt() };
  const ran = await runCli(['login', '--oidc', registry.url], { env });
  expect(ran.code).toBe(0);
  expect(ran.out).toMatch(/^ept_\w{42}\n$/);
  expect(ran.err).toContain('from $ENTREPOT_ID_TOKEN was exchanged');
  expect(ran.err).not.toContain(env.ENTREPOT_ID_TOKEN);
  const authorization = `Basic ${Buffer.from(`oidc:${ran.out.trim()}`).toString('base64')}`;
  const upload = (name: string) =>
    fetch(`${registry.url}/v2/${name}/blobs/uploads/`, {
      method: 'POST',
      headers: { authorization },
    });
  expect((await upload('group/sub/app')).status).toBe(202);
  expect((await upload('group/other')).status).toBe(403);
});

test('a variable of another name, a file, a policy that is named, a server of the environment', async () => {
  const token = await jwt();
  const file = join(folder, 'token');
  writeFileSync(file, `${token}\n`);
  const cases: [string[], Record<string, string>][] = [
    [['--variable', 'MY_TOKEN'], { MY_TOKEN: token }],
    [['--policy', 'group:ci'], { ENTREPOT_ID_TOKEN_FILE: file }],
  ];
  for (const [flags, env] of cases) {
    const ran = await runCli(['login', '--oidc', ...flags], {
      env: { ...env, ENTREPOT_SERVER: registry.url },
    });
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^ept_/) });
  }
});

test('GitHub is asked for a token for this server', async () => {
  const asked: string[] = [];
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: 'https://pipelines.example/token?version=2',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-secret',
  };
  const ran = await runCli(['login', '--oidc', registry.url], {
    env,
    async fetch(url, init) {
      if (!url.startsWith('https://pipelines.example/')) return fetch(url, init);
      asked.push(url);
      return Response.json({ value: await jwt() });
    },
  });
  expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^ept_/) });
  expect(new URL(asked[0] ?? '').searchParams.get('audience')).toBe(registry.url);
});

test.each([
  [{ project_path: 'elsewhere/app' }, [], 'project_path is elsewhere/app'],
  [{}, ['--policy', 'group:other'], 'The identity token was not exchanged:'],
  [{ exp: 1 }, [], 'The identity token was not exchanged:'],
] as [object, string[], string][])(
  '%j with %p is refused with a reason',
  async (claims, flags, why) => {
    const env = { ENTREPOT_ID_TOKEN: await jwt(claims) };
    const ran = await runCli(['login', '--oidc', registry.url, ...flags], { env });
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain(why);
    expect(ran.err).not.toContain(env.ENTREPOT_ID_TOKEN);
  },
);

test('without a token it says what to add; a server that is not there is a sentence', async () => {
  const none = await runCli(['login', '--oidc', registry.url], { env: { GITLAB_CI: 'true' } });
  expect(none).toMatchObject({ code: 1, out: '' });
  expect(none.err).toContain(`id_tokens: ENTREPOT_ID_TOKEN: aud: ${registry.url}`);
  const away = await runCli(['login', '--oidc', 'http://127.0.0.1:1'], {
    env: { ENTREPOT_ID_TOKEN: 'x' },
  });
  expect(away).toMatchObject({ code: 1, out: '' });
  expect(away.err).toContain('http://127.0.0.1:1 cannot be reached');
  const odd = await runCli(['login', '--policy', 'a', registry.url]);
  expect(odd).toMatchObject({ code: 2, err: expect.stringContaining('--policy is for --oidc.') });
});
