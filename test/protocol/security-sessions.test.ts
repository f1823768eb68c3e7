// Sessions of browsers, over HTTP: the cookie behind TLS, and where its secret must not stand or count.
// What else a session is, is held by api-session.test.ts and src/access/sign-in/sign-in.suite.ts.
import { afterAll, beforeAll, describe, expect, setSystemTime, test } from 'bun:test';
import type { SessionTimes } from '../../src/access/sign-in/session-times.ts';
import { type Host, startHost } from '../../src/http/host.ts';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addUser, basic } from '../support/people.ts';
import { Browser } from './browser.ts';

const PASSWORD = 'violet kettle harbour';
/** As the registry calls itself behind a proxy that ends TLS. */
const ORIGIN = 'https://registry.example.com';

let registry: TestRegistry;
let https: Host;
let made = 0;

beforeAll(async () => {
  registry = await startTestRegistry({ isPrivate: true });
  https = startHost({
    hostname: '127.0.0.1',
    port: 0,
    certificate: undefined,
    trusted: () => false,
    url: ORIGIN,
    answer: registry.program.answer,
  });
});

afterAll(async () => {
  await https.stop(1_000);
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

async function somebody(): Promise<string> {
  made += 1;
  const name = `person${made}`;
  await addUser(registry, { name, password: PASSWORD });
  return name;
}

async function signedIn(name: string): Promise<Browser> {
  const browser = new Browser(registry.url);
  await browser.signIn(name, PASSWORD);
  return browser;
}

function secretOf(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1).split(';')[0] ?? '';
}

describe('the cookie', () => {
  test('is for this host over TLS only, out of reach of scripts and of other sites', async () => {
    const browser = new Browser(`http://127.0.0.1:${https.port}`, { origin: ORIGIN });
    const answered = await browser.signIn(await somebody(), PASSWORD);
    const [cookie = ''] = browser.given;
    const [pair = '', ...attributes] = cookie.split('; ');
    expect(pair).toMatch(/^__Host-entrepot=eps_[0-9A-Za-z]{42}$/);
    expect(attributes.sort()).toEqual([
      'HttpOnly',
      expect.stringMatching(/^Max-Age=\d+$/),
      'Path=/',
      'SameSite=Lax',
      'Secure',
    ]);
    expect(answered.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    expect(answered.headers.get('cache-control')).toBe('no-store');
    expect(await browser.isSignedIn()).toBe(true);
  });

  test('is of no use as anything else: its secret is no password and no bearer token', async () => {
    const name = await somebody();
    const browser = await signedIn(name);
    const secret = secretOf(browser.cookie);
    for (const authorization of [basic(name, secret), basic(secret, ''), `Bearer ${secret}`]) {
      for (const path of ['/v2/', '/token', '/api/v1/whoami']) {
        const headers = { Authorization: authorization };
        const { status } = await fetch(`${registry.url}${path}`, { headers });
        expect([path, status]).toEqual([path, 401]);
      }
    }
  });
});

describe('the secret', () => {
  test('that somebody planted is not taken over by who signs in with it', async () => {
    const planted = `entrepot=eps_${'a'.repeat(42)}`;
    const browser = new Browser(registry.url);
    browser.cookie = planted;
    await browser.signIn(await somebody(), PASSWORD);
    const thief = new Browser(registry.url);
    thief.cookie = planted;
    expect(await thief.isSignedIn()).toBe(false);
  });

  test('stands in no address, no body and no line of the access log', async () => {
    const browser = await signedIn(await somebody());
    const secret = secretOf(browser.cookie);
    const answers = [
      await browser.send('GET', '/api/v1/sessions'),
      await browser.send('GET', '/api/v1/whoami'),
      await browser.send('GET', '/api/v1/nothing-here'),
    ];
    for (const { text } of answers) expect(text).not.toContain(secret);
    expect(registry.accessLines.length).toBeGreaterThan(3);
    expect(JSON.stringify(registry.accessLines)).not.toContain(secret);
  });
});

describe('a session', () => {
  test('is seen and ended by its owner from another browser, one or all others', async () => {
    const name = await somebody();
    const [here, second, third] = [
      await signedIn(name),
      await signedIn(name),
      await signedIn(name),
    ];
    const list = JSON.parse((await here.send('GET', '/api/v1/sessions')).text);
    expect(list.items).toHaveLength(3);
    const [other] = list.items.filter((one: { isCurrent: boolean }) => !one.isCurrent);
    expect(Object.keys(other)).toContainValues(['address', 'client', 'seenAt', 'method']);
    expect((await here.send('DELETE', `/api/v1/sessions/${other.id}`)).status).toBe(204);
    const still = [await second.isSignedIn(), await third.isSignedIn()];
    expect(still.filter(Boolean)).toHaveLength(1);
    const ended = await here.send('DELETE', '/api/v1/sessions');
    expect(JSON.parse(ended.text)).toEqual({ ended: 1 });
    expect([await second.isSignedIn(), await third.isSignedIn()]).toEqual([false, false]);
    expect(await here.isSignedIn()).toBe(true);
  });
});

describe('an administrator who wants people to sign in more often', () => {
  const MINUTE_MS = 60_000;

  async function lasts(sessions: SessionTimes, minutes: number): Promise<boolean> {
    const strict = await startTestRegistry({ isPrivate: true, access: { sessions } });
    try {
      const browser = new Browser(strict.url);
      await browser.signIn('admin', ADMIN_PASSWORD);
      setSystemTime(Date.now() + minutes * MINUTE_MS);
      return await browser.isSignedIn();
    } finally {
      setSystemTime();
      await strict.stop();
    }
  }

  test('sets how long a session lasts without use, and at most', async () => {
    const idle = { idleMs: 30 * MINUTE_MS, lifeMs: 12 * 60 * MINUTE_MS };
    expect([await lasts(idle, 29), await lasts(idle, 31)]).toEqual([true, false]);
    const life = { idleMs: 12 * 60 * MINUTE_MS, lifeMs: 30 * MINUTE_MS };
    expect([await lasts(life, 29), await lasts(life, 31)]).toEqual([true, false]);
  });
});
