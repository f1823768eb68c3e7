// From an identity token to a policy, where no database is needed: what is said, and to whom.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTVerifyGetKey, SignJWT } from 'jose';
import type { StoredTrustPolicy } from '../../metadata/trust-policies.ts';
import { type ExchangeParts, exchangeToken } from './exchange.ts';
import { IssuerAwayError, IssuerKeys } from './issuer-keys.ts';
import {
  githubClaims,
  SUITE_AUDIENCE,
  SUITE_NOW,
  type SuiteIssuer,
  startIssuer,
  suiteFetch,
} from './suite-issuer.ts';
import { refusedWith } from './suite-workloads.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
let sign: (claims: object) => Promise<string>;
let keys: JWTVerifyGetKey;

beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }] });
  sign = (claims) =>
    new SignJWT({ iss: GITHUB, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .sign(pair.privateKey);
});

function policy(change: Partial<StoredTrustPolicy> & { conditions: string }): StoredTrustPolicy {
  return {
    id: 1,
    path: 'octo',
    name: 'ci',
    issuer: GITHUB,
    audience: SUITE_AUDIENCE,
    grants: JSON.stringify([{ actions: ['push'], names: ['octo/app'] }]),
    lifetimeMs: 3_600_000,
    epoch: 4,
    state: 'active',
    createdBy: 'alice',
    createdAt: 0,
    lastUsedAt: null,
    ...change,
  };
}

const OCTO = { repository_owner: ['Octo'], ref: ['refs/heads/main'] };

function partsOf(policies: readonly StoredTrustPolicy[]): ExchangeParts {
  return {
    policies: {
      policiesOf: async (issuer, { after, limit }) => {
        const found = policies.filter((one) => one.issuer === issuer);
        const from = after === undefined ? 0 : found.findIndex((one) => one === after) + 1;
        return found.slice(from, from + limit);
      },
      policyNamed: async ({ path, name }) =>
        policies.find((one) => one.path === path && one.name === name),
    },
    keys: { find: async () => keys },
    now: () => SUITE_NOW,
  };
}

describe('at an issuer for everybody', () => {
  const parts = partsOf([policy({ conditions: JSON.stringify(OCTO) })]);

  test('whom a policy means hears what is missing', async () => {
    const jwt = await sign(githubClaims('Octo/App', 'refs/heads/dev'));
    const error = await refusedWith(exchangeToken({ jwt }, parts));
    expect(error.message).toContain('octo:ci: ref is refs/heads/dev, the policy wants');
  });

  test('others hear nothing of the policy, and the record has all', async () => {
    const jwt = await sign(githubClaims('Mallory/App', 'refs/heads/main'));
    const error = await refusedWith(exchangeToken({ jwt }, parts));
    expect(error.message).toContain('repo:Mallory/App');
    expect(error.message).not.toMatch(/octo|Octo/);
    expect(JSON.stringify(error.record)).toContain('the policy wants Octo');
  });

  test('a policy cannot be probed by its name', async () => {
    const jwt = await sign(githubClaims('Mallory/App'));
    const answers = await Promise.all(
      ['octo:ci', 'octo:no'].map(async (wanted) => {
        const { message } = await refusedWith(exchangeToken({ jwt, wanted }, parts));
        return message.replace(wanted, 'NAME');
      }),
    );
    expect(answers[0]).toBe(answers[1] ?? '');
  });
});

test('a policy that is asked for must be active and of the token’s issuer', async () => {
  const conditions = JSON.stringify(OCTO);
  const jwt = await sign(githubClaims());
  const others = [
    policy({ conditions, name: 'off', state: 'disabled' }),
    policy({ conditions, name: 'gone', state: 'deleted' }),
    policy({ conditions, name: 'else', issuer: 'https://gitlab.corp.example' }),
  ];
  const parts = partsOf([policy({ conditions }), ...others]);
  for (const { name } of others) {
    await refusedWith(exchangeToken({ jwt, wanted: `octo:${name}` }, parts));
  }
  const vouched = await exchangeToken({ jwt, wanted: 'octo:ci' }, parts);
  expect(vouched).toEqual({
    policy: { id: 1, name: 'octo:ci', epoch: 4, lifetimeMs: 3_600_000 },
    claims: { sub: 'repo:Octo/App:ref:refs/heads/main' },
    workload: 'repo:Octo/App:ref:refs/heads/main',
    issuer: GITHUB,
    tokenId: '3c1f',
    expiresAt: (githubClaims().exp ?? 0) * 1000,
  });
});

test('policies of others, however many stand before it, do not keep a token from its own', async () => {
  const conditions = JSON.stringify({ repository_owner: ['Other'] });
  const many = Array.from({ length: 1_000 }, (_, at) => policy({ conditions, name: `p${at}` }));
  const meant = policy({ conditions: JSON.stringify(OCTO), path: 'z', name: 'ci' });
  const jwt = await sign(githubClaims());
  expect((await exchangeToken({ jwt }, partsOf([...many, meant]))).policy.name).toBe('z:ci');
  const almost = policy({ conditions: JSON.stringify({ ...OCTO, ref: ['x'] }), path: 'z' });
  const others = many.map((one) => ({ ...one, audience: 'another registry' }));
  const { message } = await refusedWith(exchangeToken({ jwt }, partsOf([...others, almost])));
  expect(message).toContain('the policy wants');
});

test('beyond many policies the client is told to name the one it means', async () => {
  const conditions = JSON.stringify({ repository_owner: ['Other'] });
  const many = Array.from({ length: 5_000 }, (_, at) => policy({ conditions, name: `p${at}` }));
  const meant = policy({ conditions: JSON.stringify(OCTO), path: 'z', name: 'ci' });
  const parts = partsOf([...many, meant]);
  const jwt = await sign(githubClaims());
  const { message } = await refusedWith(exchangeToken({ jwt }, parts));
  expect(message).toContain('name the one that you mean');
  expect((await exchangeToken({ jwt, wanted: 'z:ci' }, parts)).policy.name).toBe('z:ci');
});

test('an administrator’s policy has no path in its name', async () => {
  const parts = partsOf([policy({ conditions: JSON.stringify(OCTO), path: '' })]);
  const jwt = await sign(githubClaims());
  expect((await exchangeToken({ jwt, wanted: 'ci' }, parts)).policy.name).toBe('ci');
});

test('while keys cannot be had the client is asked to come again, and told nothing else', async () => {
  const cause = new Error('inside.example is at 10.0.0.1');
  const find = () => Promise.reject(new IssuerAwayError('the keys are not known', { cause }));
  const parts = { ...partsOf([policy({ conditions: JSON.stringify(OCTO) })]), keys: { find } };
  const error = await refusedWith(exchangeToken({ jwt: await sign(githubClaims()) }, parts));
  expect(error.code).toBe('UNAVAILABLE');
  expect(JSON.stringify([error.message, error.detail, error.record])).not.toContain('10.0.0.1');
  expect(error.cause).toBeInstanceOf(IssuerAwayError);
});

test('a fault of the program is no refusal', async () => {
  const find = () => Promise.reject(new TypeError('a mistake'));
  const parts = { ...partsOf([policy({ conditions: JSON.stringify(OCTO) })]), keys: { find } };
  const done = exchangeToken({ jwt: await sign(githubClaims()) }, parts);
  await expect(done).rejects.toThrow(TypeError);
});

describe('an issuer that goes away and changes its keys', () => {
  let issuer: SuiteIssuer;
  let now = SUITE_NOW;
  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(() => issuer.close());

  test('tokens go on to be taken, and those of the new key as soon as it is back', async () => {
    const conditions = JSON.stringify(OCTO);
    const found = new IssuerKeys({ fetch: suiteFetch, now: () => now });
    const parts = { ...partsOf([policy({ conditions, issuer: issuer.issuer })]), keys: found };
    const taken = (jwt: string) => exchangeToken({ jwt }, parts);
    const before = await issuer.sign(githubClaims());
    await taken(before);
    issuer.breakWith({ status: 502 });
    now += 11 * 60_000;
    await taken(before);
    await issuer.rotate();
    const after = await issuer.sign(githubClaims());
    await refusedWith(taken(after));
    issuer.breakWith(undefined);
    now += 30_000;
    await taken(after);
    const { message } = await refusedWith(taken(before));
    expect(message).toStartWith('The identity token was not accepted');
  });
});
