// What answers at which address: reading changes nothing, and no file is reached. Who may ask for what is
// held by api-rights.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ENDPOINTS } from '../../src/http/api/endpoints.ts';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { basic } from '../support/people.ts';
import { Browser } from './browser.ts';

let registry: TestRegistry;
let browser: Browser;

beforeAll(async () => {
  registry = await startTestRegistry({ isPrivate: true });
  browser = new Browser(registry.url);
  await browser.signIn('admin', ADMIN_PASSWORD);
});

afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

/** Things that may be there. */
const PLACES: Readonly<Record<string, string>> = {
  id: '1',
  name: 'admin',
  organisation: 'acme',
  team: 'core',
  user: 'admin',
};

function addressOf(path: string): string {
  return `/api/v1${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PLACES[name] ?? 'x')}`;
}

const READS = ENDPOINTS.filter(({ method }) => method === 'get').map(({ path }) => addressOf(path));

describe('a request by GET or HEAD', () => {
  test('changes nothing at any address, so that pages of other sites may send it', async () => {
    expect(READS.length).toBeGreaterThan(30);
    const before = await eventsOfActs();
    for (const address of READS) {
      for (const method of ['GET', 'HEAD']) {
        await browser.send(method, address, { headers: { 'Sec-Fetch-Site': 'cross-site' } });
      }
    }
    expect(await eventsOfActs()).toEqual(before);
  });

  async function eventsOfActs(): Promise<readonly string[]> {
    const admin = new Browser(registry.url);
    const authorization = basic('admin', ADMIN_PASSWORD);
    const headers = { Authorization: authorization };
    const { text } = await admin.send('GET', '/api/v1/audit?outcome=done&limit=1000', { headers });
    const { items } = JSON.parse(text) as { items: { action: string }[] };
    return items.map(({ action }) => action).filter((action) => action !== 'sign-in');
  }
});

test('nothing of the data directory is served, nor what lies beside a program', async () => {
  const names = ['entrepot.db', 'seal.key', 'entrepot.yaml', 'blobs/', 'uploads/', 'tls/', '.git/'];
  for (const name of [...names, '.git/config', '.DS_Store', 'package.json', 'api/', 'v2/../x']) {
    for (const place of ['/', '/api/v1/', '/%2e%2e/', '/data/']) {
      const { status } = await fetch(`${registry.url}${place}${name}`, { redirect: 'manual' });
      const isNothing = status === 401 || status === 404;
      expect([place + name, status, isNothing]).toEqual([place + name, status, true]);
    }
  }
});
