// The keys of issuers: how often they are asked for, and how long they count while the issuer is away.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { GuardedFetch } from './guarded-fetch.ts';
import { IssuerAwayError, IssuerKeys } from './issuer-keys.ts';
import { type SuiteIssuer, startIssuer, suiteFetch } from './suite-issuer.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CONFIGURATION = '/.well-known/openid-configuration';

let issuer: SuiteIssuer;
let now = 0;

beforeEach(async () => {
  issuer = await startIssuer('ES256');
  now = 1_000_000;
});
afterEach(() => issuer.close());

function keysOver(fetch: GuardedFetch = suiteFetch): IssuerKeys {
  return new IssuerKeys({ fetch, now: () => now });
}

/** How often the keys were asked for. */
const fetches = () => issuer.asked.filter((path) => path === '/jwks').length;

describe('an issuer that answers', () => {
  test('is asked once, by all who come at once and for ten minutes', async () => {
    const keys = keysOver();
    await Promise.all(Array.from({ length: 20 }, () => keys.find(issuer.issuer, 'key-1')));
    now += 10 * MINUTE - 1;
    await keys.find(issuer.issuer, 'key-1');
    expect(issuer.asked).toEqual([CONFIGURATION, '/jwks']);
    now += 1;
    await keys.find(issuer.issuer, 'key-1');
    expect(fetches()).toBe(2);
  });

  test('is asked for a new key at once, and for one that it does not have twice a minute', async () => {
    const keys = keysOver();
    await keys.find(issuer.issuer, 'key-1');
    await issuer.rotate();
    now += 30_000;
    await keys.find(issuer.issuer, 'key-2');
    expect(fetches()).toBe(2);
    for (let count = 0; count < 60; count += 1) {
      now += 1_000;
      await keys.find(issuer.issuer, `forged-${count}`);
    }
    expect(fetches()).toBe(4);
  });
});

test('a clock that was set back keeps nobody from new keys', async () => {
  const keys = keysOver();
  await keys.find(issuer.issuer, 'key-1');
  await issuer.rotate();
  now -= HOUR;
  await keys.find(issuer.issuer, 'key-2');
  expect(fetches()).toBe(2);
});

describe('an issuer that is away', () => {
  test('is believed for a day after its last answer, and asked twice a minute', async () => {
    const keys = keysOver();
    await keys.find(issuer.issuer, 'key-1');
    issuer.breakWith({ status: 503 });
    now += 24 * HOUR;
    await keys.find(issuer.issuer, 'key-1');
    const asked = issuer.asked.length;
    now += 29_000;
    await expect(keys.find(issuer.issuer, 'key-1')).rejects.toThrow(IssuerAwayError);
    expect(issuer.asked.length).toBe(asked);
    issuer.breakWith(undefined);
    now += 1_000;
    await keys.find(issuer.issuer, 'key-1');
    expect(fetches()).toBe(2);
  });

  test('and was never there: the next attempt is made after five seconds', async () => {
    const keys = keysOver();
    issuer.breakWith({ status: 500 });
    await expect(keys.find(issuer.issuer, 'key-1')).rejects.toThrow(IssuerAwayError);
    issuer.breakWith(undefined);
    now += 4_999;
    await expect(keys.find(issuer.issuer, 'key-1')).rejects.toThrow(IssuerAwayError);
    now += 1;
    await keys.find(issuer.issuer, 'key-1');
  });

  test('keeps no more than sixteen questions waiting', async () => {
    const waiting: (() => void)[] = [];
    const keys = keysOver(
      () => new Promise((_, reject) => waiting.push(() => reject(new Error('away')))),
    );
    const found = Array.from({ length: 40 }, (_, at) =>
      keys.find(`https://issuer-${at}.example`, 'k').catch((error: unknown) => error),
    );
    expect(waiting.length).toBe(16);
    for (const end of waiting) end();
    for (const error of await Promise.all(found)) expect(error).toBeInstanceOf(IssuerAwayError);
  });
});

describe('answers that are not believed', () => {
  const bodies: readonly (readonly [string, () => Record<string, string>])[] = [
    ['no JSON', () => ({ [CONFIGURATION]: '<html>' })],
    ['no key set', () => ({ '/jwks': '{"keys":{}}' })],
    ['no keys', () => ({ '/jwks': '{"keys":[]}' })],
    ['a secret as a key', () => ({ '/jwks': '{"keys":[{"kty":"oct","k":"AAAA","kid":"key-1"}]}' })],
    ['another issuer', () => ({ [CONFIGURATION]: document('https://else.example') })],
    ['the issuer with a slash', () => ({ [CONFIGURATION]: document(`${issuer.issuer}/`) })],
    ['keys inside', () => ({ [CONFIGURATION]: document(issuer.issuer, 'http://10.0.0.1/') })],
    ['too much', () => ({ '/jwks': `{"keys":[],"x":"${'x'.repeat(256 * 1024)}"}` })],
  ];
  for (const [what, body] of bodies) {
    test(what, async () => {
      issuer.breakWith({ body: body() });
      await expect(keysOver().find(issuer.issuer, 'key-1')).rejects.toThrow(IssuerAwayError);
    });
  }

  function document(name: string, jwks = `${issuer.issuer}/jwks`): string {
    return JSON.stringify({ issuer: name, jwks_uri: jwks });
  }
});
