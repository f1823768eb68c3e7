// Identity tokens of others: each way in which one can be wrong.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { generateKeyPair } from 'jose';
import {
  ForeignTokenError,
  type ForeignTokenFault,
  LONGEST_FOREIGN_TOKEN,
  readUnverified,
  verifyForeignToken,
} from './foreign-token.ts';
import { IssuerKeys } from './issuer-keys.ts';
import {
  githubClaims,
  SUITE_NOW,
  type SuiteIssuer,
  startIssuer,
  suiteFetch,
} from './suite-issuer.ts';

const issuers = new Map<string, SuiteIssuer>();
const keys = new IssuerKeys({ fetch: suiteFetch, now: () => SUITE_NOW });
const AT = Math.floor(SUITE_NOW / 1000);
const DAY = 24 * 60 * 60;

beforeAll(async () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'RS512']) {
    issuers.set(alg, await startIssuer(alg));
  }
});
afterAll(async () => {
  await Promise.all([...issuers.values()].map((issuer) => issuer.close()));
});

function issuerOf(alg: string): SuiteIssuer {
  const issuer = issuers.get(alg);
  if (issuer === undefined) throw new Error(`no issuer signs with ${alg}`);
  return issuer;
}

/** As `exchange.ts` does it. */
async function verify(jwt: string, issuer?: string) {
  const read = readUnverified(jwt);
  const { kid } = read;
  const set = await keys.find(read.issuer, kid);
  return verifyForeignToken(jwt, { keys: set, issuer: issuer ?? read.issuer, now: SUITE_NOW });
}

async function fault(verified: Promise<unknown>): Promise<ForeignTokenError> {
  const error: unknown = await verified.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof ForeignTokenError) return error;
  throw error;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('good ones', () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']) {
    test(alg, async () => {
      const { claims, expiresAt } = await verify(await issuerOf(alg).sign(githubClaims()));
      expect(claims.repository).toBe('Octo/App');
      expect(expiresAt).toBe((AT + 240) * 1000);
    });
  }

  test('count for a day, whatever they say', async () => {
    const claims = { ...githubClaims(), iat: AT - 60, exp: AT + 400 * DAY };
    const { expiresAt } = await verify(await issuerOf('ES256').sign(claims));
    expect(expiresAt).toBe((AT - 60 + DAY) * 1000);
  });
});

describe('a minute of difference between the clocks is borne', () => {
  const cases: readonly (readonly [string, object, ForeignTokenFault | undefined])[] = [
    ['expired for 59 s', { exp: AT - 59 }, undefined],
    ['expired for 60 s', { exp: AT - 60 }, 'expired'],
    ['valid in 60 s', { nbf: AT + 60 }, undefined],
    ['valid in 61 s', { nbf: AT + 61 }, 'not-yet'],
    ['made in 60 s', { iat: AT + 60 }, undefined],
    ['made in 61 s', { iat: AT + 61 }, 'not-yet'],
    ['made a day and 60 s ago', { iat: AT - DAY - 60, exp: AT + 60 }, undefined],
    ['made a day and 61 s ago', { iat: AT - DAY - 61, exp: AT + 60 }, 'too-old'],
  ];
  for (const [what, claims, expected] of cases) {
    test(what, async () => {
      const verified = verify(await issuerOf('ES256').sign({ ...githubClaims(), ...claims }));
      if (expected === undefined) await verified;
      else expect((await fault(verified)).fault).toBe(expected);
    });
  }
});

describe('incomplete ones', () => {
  for (const claim of ['exp', 'iat', 'aud']) {
    test(`without ${claim}`, async () => {
      const jwt = await issuerOf('ES256').sign({ ...githubClaims(), [claim]: undefined });
      const error = await fault(verify(jwt));
      expect([error.fault, error.message]).toEqual(['incomplete', expect.stringContaining(claim)]);
    });
  }
});

describe('not genuine', () => {
  const es = () => issuerOf('ES256');
  const cases: readonly (readonly [string, () => Promise<string>])[] = [
    ['no JWT', async () => 'a.b.c'],
    ['nothing', async () => ''],
    ['five parts', async () => `${await es().sign(githubClaims())}.a.b`],
    [
      'too long',
      async () => es().sign({ ...githubClaims(), x: 'x'.repeat(LONGEST_FOREIGN_TOKEN) }),
    ],
    ['alg none', async () => `${part({ alg: 'none', kid: 'key-1' })}.${part(claims())}.`],
    ['HS256', async () => es().sign(githubClaims(), { alg: 'HS256', key: new Uint8Array(32) })],
    ['RS512', async () => issuerOf('RS512').sign(githubClaims())],
    ['no kid', async () => es().sign(githubClaims(), { withoutKid: true })],
    ['a kid that is unknown', async () => es().sign(githubClaims(), { kid: 'other' })],
    ['no issuer', async () => es().sign({ ...githubClaims(), iss: undefined })],
    ['an issuer that is no text', async () => es().sign({ ...githubClaims(), iss: 7 })],
    ['claims that are a list', async () => `${await head()}.${part([1])}.AAAA`],
    [
      'an extension that must be understood',
      async () => {
        const jwt = await es().sign(githubClaims());
        const header = { alg: 'ES256', kid: 'key-1', crit: ['x'], x: 1 };
        return [part(header), ...jwt.split('.').slice(1)].join('.');
      },
    ],
    [
      'another key of the same name',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        return es().sign(githubClaims(), { key: privateKey });
      },
    ],
    [
      'claims that were changed',
      async () => {
        const [header, , signature] = (await es().sign(githubClaims())).split('.');
        return `${header}.${part({ ...claims(), repository: 'Evil/App' })}.${signature}`;
      },
    ],
    [
      'a key for another algorithm',
      async () => {
        const { privateKey } = await generateKeyPair('PS256');
        return issuerOf('RS256').sign(githubClaims(), { alg: 'PS256', key: privateKey });
      },
    ],
  ];
  const claims = () => ({ iss: es().issuer, ...githubClaims() });
  const head = async () => (await es().sign(githubClaims())).split('.')[0];
  for (const [what, make] of cases) {
    test(what, async () => {
      const jwt = await make();
      const error = await fault(Promise.resolve().then(() => verify(jwt)));
      expect(error.fault).toBe('unproven');
      for (const piece of jwt.split('.')) {
        if (piece.length > 20) expect(error.message).not.toContain(piece);
      }
    });
  }

  test('a token of another issuer than was asked about', async () => {
    const error = await fault(verify(await es().sign(githubClaims()), 'https://else.example'));
    expect(error.message).toContain('iss');
  });
});
