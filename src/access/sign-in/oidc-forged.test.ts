// ID tokens that are not what they claim to be, from a provider that is written here for that.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { RegistryError } from '../../oci/errors.ts';
import { sealWith } from '../seal.ts';
import { OidcSignIn } from './oidc.ts';

const BACK = 'https://registry.example.com/back';
const SECRET = 'a secret of the client, long enough to sign';
const HOUR_S = 3_600;

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let server: Server;
let issuer = '';
let own: Keys;
let other: Keys;
/** What the token endpoint gives next. */
let idToken = '';

beforeAll(async () => {
  own = await generateKeyPair('ES256');
  other = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  server = createServer((request, response) => {
    const answers: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
      },
      '/keys': { keys: [jwk] },
      '/token': { access_token: 'x', token_type: 'Bearer', id_token: idToken },
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answers[request.url ?? '']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

type Sign = (claims: Record<string, unknown>) => Promise<string> | string;

/** What a sign-in comes to with a token of these claims, signed like that. */
async function outcome(sign: Sign, change: Record<string, unknown> = {}): Promise<string> {
  const oidc = new OidcSignIn({
    providers: [
      {
        name: 'company',
        label: '',
        issuer,
        clientId: 'entrepot',
        clientSecret: SECRET,
        scopes: [],
        claims: { name: 'sub', email: 'sub', displayName: 'sub', groups: 'groups' },
        teams: [],
        rules: { allowSignUp: true, linkByEmail: false, emailDomains: [] },
        offline: false,
      },
    ],
    seal: sealWith(new Uint8Array(32)),
    now: Date.now,
  });
  const { redirectTo, state } = await oidc.begin('company', { redirectUri: BACK });
  const asked = new URL(redirectTo).searchParams;
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, aud: 'entrepot', sub: 'a-1', iat: now, exp: now + HOUR_S };
  idToken = await sign({ ...claims, nonce: asked.get('nonce'), ...change });
  const query = `?code=c&state=${asked.get('state')}`;
  return oidc.finish('company', { query, state }).then(
    ({ account }) => account.subject,
    (error: unknown) => (error instanceof RegistryError ? error.code : String(error)),
  );
}

const signed =
  (keys: () => Keys, alg = 'ES256'): Sign =>
  (claims) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'k' }).sign(keys().privateKey);
const genuine = signed(() => own);
const now = Math.floor(Date.now() / 1_000);

test('a genuine one signs in', async () => {
  expect(await outcome(genuine)).toBe('a-1');
});

test.each([
  ['signed by another key', signed(() => other)],
  ['not signed', (claims) => new UnsecuredJWT(claims).encode()],
  [
    'signed with the secret of the client',
    (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(SECRET)),
  ],
  ['no token', () => 'nonsense'],
] as [string, Sign][])('one that is %s does not', async (_, sign) => {
  expect(await outcome(sign)).toBe('UNAUTHORIZED');
});

test.each([
  ['another audience', { aud: 'other' }],
  ['another issuer', { iss: 'https://login.example.com' }],
  ['another nonce', { nonce: 'other' }],
  ['no nonce', { nonce: undefined }],
  ['an end that is past', { iat: now - HOUR_S, exp: now - HOUR_S / 2 }],
  ['a beginning to come', { nbf: now + HOUR_S }],
  ['no subject', { sub: undefined }],
  ['several audiences, for another client', { aud: ['entrepot', 'other'], azp: 'other' }],
])('one with %s does not', async (_, change) => {
  expect(await outcome(genuine, change)).toBe('UNAUTHORIZED');
});
