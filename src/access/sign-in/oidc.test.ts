// Signing in at real providers: two at once, every way in which an answer can be wrong, and one that is away.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CLIENT_ID,
  OidcServer,
  type ProviderOptions,
  signInAtProvider,
} from '../../../test/support/oidc-server.ts';
import { RegistryError } from '../../oci/errors.ts';
import { sealWith } from '../seal.ts';
import { OidcSignIn } from './oidc.ts';
import type { OidcProviderSettings } from './oidc-provider.ts';
import { OIDC_STATE_MS, openState, sealState } from './oidc-state.ts';

const BACK = 'https://registry.example.com/back';
const SECRET = 'a secret: of / % signs';
const seal = sealWith(new Uint8Array(32).fill(1));
const ALICE = {
  preferred_username: 'Alice',
  email: 'alice@example.com',
  email_verified: true,
  name: 'Alice A.',
  groups: ['core', 'other'],
};

const servers: OidcServer[] = [];
async function provider(options: Partial<ProviderOptions> = {}): Promise<OidcServer> {
  const server = await OidcServer.start({
    redirectUri: BACK,
    clientSecret: SECRET,
    ...options,
  });
  servers.push(server);
  server.people.set('a-1', { ...ALICE });
  return server;
}
afterAll(async () => {
  for (const server of servers) await server.stop();
});

function settings(
  issuer: string,
  change: Partial<OidcProviderSettings> = {},
): OidcProviderSettings {
  return {
    name: 'company',
    label: 'Company',
    issuer,
    clientId: CLIENT_ID,
    clientSecret: SECRET,
    scopes: ['profile', 'email'],
    claims: { name: 'preferred_username', email: 'email', displayName: 'name', groups: 'groups' },
    teams: [{ group: 'core', team: 'acme/core' }],
    rules: { allowSignUp: true, linkByEmail: false, emailDomains: [] },
    offline: false,
    ...change,
  };
}

let now = Date.now();
function signInWith(...providers: OidcProviderSettings[]): OidcSignIn {
  return new OidcSignIn({ providers, seal, now: () => now });
}

async function refusal(work: Promise<unknown>): Promise<[string, string]> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RegistryError) return [error.code, error.message];
  throw new Error(`expected a refusal, and it was ${String(error)}`);
}

/** Up to the answer of the provider, which is not yet looked at. */
async function answered(
  oidc: OidcSignIn,
  { name = 'company', subject = 'a-1', returnTo = '/x?y#z' } = {},
): Promise<{ query: string; state: string }> {
  const begun = await oidc.begin(name, { redirectUri: BACK, returnTo });
  const back = await signInAtProvider(begun.redirectTo, subject);
  expect(`${back.origin}${back.pathname}`).toBe(BACK);
  return { query: back.search, state: begun.state };
}

async function accountAt(oidc: OidcSignIn, subject = 'a-1') {
  return (await oidc.finish('company', await answered(oidc, { subject }))).account;
}

describe('two providers', () => {
  let company: OidcServer;
  let other: OidcServer;
  let oidc: OidcSignIn;
  beforeAll(async () => {
    company = await provider();
    other = await provider({ clientSecret: 'another' });
    oidc = signInWith(
      settings(company.issuer),
      settings(other.issuer, { name: 'other', clientSecret: 'another' }),
    );
  });
  beforeEach(() => {
    now = Date.now();
  });

  test('are listed, and each signs its people in', async () => {
    expect(oidc.list().map(({ name }) => name)).toEqual(['company', 'other']);
    for (const name of ['company', 'other']) {
      const answer = await oidc.finish(name, await answered(oidc, { name }));
      expect(answer).toEqual({
        account: {
          provider: `oidc:${name}`,
          subject: 'a-1',
          name: 'Alice',
          displayName: 'Alice A.',
          email: 'alice@example.com',
          isEmailVerified: true,
          teams: ['acme/core'],
        },
        rules: { allowSignUp: true, linkByEmail: false, emailDomains: [] },
        returnTo: '/x?y#z',
        linkTo: undefined,
        refreshToken: undefined,
      });
    }
  });

  test('ask for a code with PKCE, state and nonce, and tell nothing else', async () => {
    const { redirectTo, state } = await oidc.begin('company', { redirectUri: BACK, linkTo: 7 });
    const url = new URL(redirectTo);
    const given = Object.fromEntries(url.searchParams);
    expect(given).toEqual({
      client_id: CLIENT_ID,
      response_type: 'code',
      redirect_uri: BACK,
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    const opened = openState(seal, { provider: 'company', now, sealed: state });
    expect(opened).toMatchObject({ linkTo: 7, returnTo: '/' });
    expect(redirectTo).not.toContain(opened.verifier);
  });

  test('an address elsewhere to go back to is not taken', async () => {
    const answer = await answered(oidc, { returnTo: '//elsewhere.example' });
    expect((await oidc.finish('company', answer)).returnTo).toBe('/');
  });

  test('the answer of one is nothing to the other', async () => {
    const answer = await answered(oidc);
    const [code, message] = await refusal(oidc.finish('other', answer));
    expect([code, message]).toEqual(['REQUEST_INVALID', expect.stringContaining('this browser')]);
  });

  test('an answer to another sign-in, as somebody could slip one in, is refused', async () => {
    const mine = await oidc.begin('company', { redirectUri: BACK });
    const theirs = await answered(oidc);
    const [code] = await refusal(
      oidc.finish('company', { query: theirs.query, state: mine.state }),
    );
    expect(code).toBe('REQUEST_INVALID');
    expect((await refusal(oidc.finish('company', { ...theirs, state: '' })))[0]).toBe(code);
  });

  test.each([
    ['nonce', 'UNAUTHORIZED', 'does not hold'],
    ['verifier', 'REQUEST_INVALID', 'used already or is too old'],
    ['redirectUri', 'REQUEST_INVALID', 'used already or is too old'],
  ] as const)('another %s than was sent is refused', async (part, code, sentence) => {
    const { query, state: sealed } = await answered(oidc);
    const state = openState(seal, { provider: 'company', now, sealed });
    const wrong = part === 'redirectUri' ? 'https://registry.example.com/other' : 'x'.repeat(43);
    const changed = sealState(seal, {
      provider: 'company',
      now,
      state: { ...state, [part]: wrong },
    });
    const refused = await refusal(oidc.finish('company', { query, state: changed }));
    expect(refused).toEqual([code, expect.stringContaining(sentence)]);
  });

  test('a code signs in once', async () => {
    const answer = await answered(oidc);
    await oidc.finish('company', answer);
    expect((await refusal(oidc.finish('company', answer)))[0]).toBe('REQUEST_INVALID');
  });

  test('after ten minutes it is too late', async () => {
    const answer = await answered(oidc);
    now += OIDC_STATE_MS;
    expect((await refusal(oidc.finish('company', answer)))[1]).toContain('took too long');
  });

  test('a refusal of the provider is passed on, and nothing that anybody wrote into it', async () => {
    const begun = await oidc.begin('company', { redirectUri: BACK });
    const { state } = openState(seal, { provider: 'company', now, sealed: begun.state });
    for (const [error, shown] of [
      ['access_denied', 'access_denied'],
      ['<script>', '(error)'],
    ] as const) {
      const query = new URLSearchParams({
        state,
        error,
        error_description: 'call 555',
        iss: company.issuer,
      });
      const answer = { query: `?${query}`, state: begun.state };
      const [code, message] = await refusal(oidc.finish('company', answer));
      expect(code).toBe('DENIED');
      expect(message).toContain(shown);
      expect(message).not.toContain('555');
    }
  });

  test('an answer that names another issuer is refused', async () => {
    const { query, state } = await answered(oidc);
    const changed = new URLSearchParams(query);
    changed.set('iss', other.issuer);
    const [code] = await refusal(oidc.finish('company', { query: `?${changed}`, state }));
    expect(code).toBe('UNAUTHORIZED');
  });

  test('there is no third', async () => {
    expect((await refusal(oidc.begin('third', { redirectUri: BACK })))[0]).toBe('NOT_FOUND');
    const nothing = { query: '', state: '' };
    expect((await refusal(oidc.finish('constructor', nothing)))[0]).toBe('NOT_FOUND');
  });
});

describe('clients', () => {
  test.each([
    ['with the secret in the body', { tokenAuthentication: 'client_secret_post' }, {}],
    ['with all claims in the ID token', { claimsInIdToken: true }, {}],
  ] as [string, Partial<ProviderOptions>, Partial<OidcProviderSettings>][])(
    '%s',
    async (_, options, change) => {
      const server = await provider(options);
      const oidc = signInWith(settings(server.issuer, change));
      expect(await accountAt(oidc)).toMatchObject({ name: 'Alice', teams: ['acme/core'] });
    },
  );

  test('without a secret', async () => {
    const server = await OidcServer.start({ redirectUri: BACK });
    servers.push(server);
    server.people.set('a-1', ALICE);
    const oidc = signInWith(settings(server.issuer, { clientSecret: undefined }));
    expect(await accountAt(oidc)).toMatchObject({ name: 'Alice' });
  });

  test('with a wrong secret: the log is told, the person that it does not work', async () => {
    const server = await provider();
    const oidc = signInWith(settings(server.issuer, { clientSecret: 'wrong' }));
    const [code, message] = await refusal(oidc.finish('company', await answered(oidc)));
    expect(code).toBe('UNAVAILABLE');
    expect(message).not.toContain('wrong');
  });
});

describe('claims', () => {
  let server: OidcServer;
  beforeAll(async () => {
    server = await provider();
  });

  test('have the names that the settings give them, at any depth', async () => {
    server.people.set('deep', { ...ALICE, realm_access: { roles: ['core'] }, groups: [] });
    const claims = {
      name: 'email',
      email: 'email',
      displayName: 'nothing',
      groups: 'realm_access.roles',
    };
    const oidc = signInWith(settings(server.issuer, { claims }));
    expect(await accountAt(oidc, 'deep')).toMatchObject({
      name: 'alice@example.com',
      displayName: 'alice@example.com',
      teams: ['acme/core'],
    });
  });

  test.each([
    ['text', { groups: 'core' }, ['acme/core']],
    ['absent', { groups: undefined }, []],
    ['no names', { groups: [1, null, { core: true }] }, []],
    ['an object', { groups: { core: true } }, []],
  ])('groups that are %s', async (_, change, teams) => {
    server.people.set('b-1', { ...ALICE, ...change });
    expect((await accountAt(signInWith(settings(server.issuer)), 'b-1')).teams).toEqual(teams);
  });

  test('too many groups for a token are not taken for none', async () => {
    server.people.set('c-1', { ...ALICE, groups: undefined, _claim_names: { groups: 'src1' } });
    const oidc = signInWith(settings(server.issuer));
    const [code, message] = await refusal(accountAt(oidc, 'c-1'));
    expect([code, message]).toEqual(['DENIED', expect.stringContaining('too many')]);
  });

  test.each([
    [{ email_verified: undefined }, false],
    [{ email_verified: 'true' }, true],
    [{ email_verified: 'yes' }, false],
    [{ email_verified: 1 }, false],
  ])('an e-mail with %j is verified: %p', async (change, isEmailVerified) => {
    server.people.set('d-1', { ...ALICE, ...change });
    const account = await accountAt(signInWith(settings(server.issuer)), 'd-1');
    expect(account.isEmailVerified).toBe(isEmailVerified);
  });

  test.each([['example.com'], [['a@b.example']], ['a@b@c'], [`${'a'.repeat(300)}@b.example`]])(
    'the e-mail %j counts as none',
    async (email) => {
      server.people.set('e-1', { ...ALICE, email });
      const account = await accountAt(signInWith(settings(server.issuer)), 'e-1');
      expect(account.email).toBeUndefined();
    },
  );
});

describe('between sign-ins', () => {
  test('groups are asked for again, until the provider ends it', async () => {
    const server = await provider();
    const oidc = signInWith(settings(server.issuer, { offline: true }));
    const { refreshToken = '' } = await oidc.finish('company', await answered(oidc));
    expect(refreshToken).not.toBe('');
    const refresh = (token = refreshToken) =>
      oidc.refresh('company', { subject: 'a-1', refreshToken: token });
    expect(await refresh()).toMatchObject({ kind: 'fresh', teams: ['acme/core'] });
    server.people.set('a-1', { ...ALICE, groups: [] });
    expect(await refresh()).toMatchObject({ kind: 'fresh', teams: [] });
    expect(await refresh('nonsense')).toEqual({ kind: 'ended' });
    server.people.delete('a-1');
    expect(await refresh()).toEqual({ kind: 'ended' });
  });

  test('nothing is known while the provider is away', async () => {
    const server = await provider();
    const oidc = signInWith(settings(server.issuer, { offline: true }));
    const { refreshToken = '' } = await oidc.finish('company', await answered(oidc));
    await server.stop();
    const refresh = oidc.refresh('company', { subject: 'a-1', refreshToken });
    expect((await refusal(refresh))[0]).toBe('UNAVAILABLE');
  });
});

describe('a provider that is away', () => {
  /** Answers as `reply` says, and counts. */
  async function fake(reply: (issuer: string) => { status: number; body: string }) {
    let asked = 0;
    const server: Server = createServer((_, response) => {
      asked += 1;
      const { status, body } = reply(issuer());
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    const issuer = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { issuer: issuer(), asked: () => asked, stop: () => server.close() };
  }

  test('says so, harms no other, and is asked again', async () => {
    const gone = await provider();
    const issuer = gone.issuer;
    await gone.stop();
    const there = await provider();
    const oidc = signInWith(settings(issuer, { name: 'gone' }), settings(there.issuer));
    const [code, message] = await refusal(oidc.begin('gone', { redirectUri: BACK }));
    expect([code, message]).toEqual([
      'UNAVAILABLE',
      expect.stringContaining('"gone" cannot be reached'),
    ]);
    expect(await accountAt(oidc)).toMatchObject({ name: 'Alice' });
  });

  test('after an answer that was none, the next one is asked for; many at once ask once', async () => {
    let isWell = false;
    const server = await fake((issuer) =>
      isWell
        ? {
            status: 200,
            body: JSON.stringify({
              issuer,
              authorization_endpoint: `${issuer}/auth`,
              token_endpoint: `${issuer}/token`,
              jwks_uri: `${issuer}/keys`,
            }),
          }
        : { status: 502, body: 'nobody home' },
    );
    const oidc = signInWith(settings(server.issuer));
    const begin = () => oidc.begin('company', { redirectUri: BACK });
    expect((await refusal(begin()))[0]).toBe('UNAVAILABLE');
    isWell = true;
    await Promise.all([begin(), begin(), begin()]);
    expect(server.asked()).toBe(2);
    // What was learnt is used for a while, and longer when nothing newer can be had.
    isWell = false;
    await begin();
    expect(server.asked()).toBe(2);
    now += 3_600_000;
    expect((await begin()).redirectTo).toStartWith(`${server.issuer}/auth?`);
    expect(server.asked()).toBe(3);
    server.stop();
  });

  test.each([
    ['names another issuer', () => ({ issuer: 'https://login.example.com' })],
    ['is no document', () => ({})],
  ])('or whose document %s is not used', async (_, document) => {
    const server = await fake(() => ({ status: 200, body: JSON.stringify(document()) }));
    const oidc = signInWith(settings(server.issuer));
    expect((await refusal(oidc.begin('company', { redirectUri: BACK })))[0]).toBe('UNAVAILABLE');
    server.stop();
  });

  test('in the midst of a sign-in', async () => {
    const server = await provider();
    const oidc = signInWith(settings(server.issuer));
    const answer = await answered(oidc);
    await server.stop();
    expect((await refusal(oidc.finish('company', answer)))[0]).toBe('UNAVAILABLE');
  });
});
