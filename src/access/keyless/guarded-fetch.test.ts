// Requests to addresses that owners of namespaces have set. The names here are resolved by the test, so
// that what a name leads to is what the test says; the servers listen on addresses of this machine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { parseAllowedHosts } from './address-guard.ts';
import { createGuardedFetch, type GuardedFetch, GuardedFetchError } from './guarded-fetch.ts';
import { createSuiteAuthority, type SuiteAuthority } from './suite-certificates.ts';

type Served = ReturnType<typeof Bun.serve>;

const LIMITS = { limitBytes: 1_000, timeoutMs: 10_000 };
let authority: SuiteAuthority;
/** Same port, two addresses: which one was reached is seen in the answer. */
let first: Served;
let second: Served;
let plain: Served;
const seen: (string | null)[] = [];

beforeAll(async () => {
  authority = await createSuiteAuthority();
  const tls = await authority.issue('hooks.example');
  first = Bun.serve({ port: 0, hostname: '127.0.0.1', tls, fetch: answer });
  second = Bun.serve({
    port: first.port ?? 0,
    hostname: '127.0.0.2',
    tls,
    fetch: () => new Response('second'),
  });
  plain = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
});

afterAll(async () => {
  await Promise.all([first.stop(true), second.stop(true), plain.stop(true)]);
});

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  // Now: the runtime forgets the headers with the request.
  seen.push(request.headers.get('authorization'));
  if (pathname === '/to') return Response.redirect(searchParams.get('url') ?? '', 302);
  if (pathname === '/loop') return Response.redirect('/loop', 307);
  if (pathname === '/large') return new Response('a'.repeat(2_000));
  if (pathname === '/gzip') {
    const headers = { 'content-encoding': 'gzip' };
    return new Response(gzipSync('a'.repeat(1_000_000)).subarray(0, 900), { headers });
  }
  if (pathname === '/silent') return new Promise(() => {});
  if (pathname === '/echo') return new Response(`${request.method} ${await request.text()}`);
  return new Response(`first ${request.headers.get('host')}`, { headers: { 'x-kind': 'plain' } });
}

/** Names as the test wants them; every question is counted. */
function resolver(names: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    const addresses = names[host];
    if (addresses === undefined) throw new Error('there is no such name');
    return addresses;
  };
  return { asked, resolve };
}

function fetchWith(
  names: Readonly<Record<string, readonly string[]>>,
  allowed: readonly string[],
): GuardedFetch {
  const { resolve } = resolver(names);
  const authorities = [authority.certificate];
  return createGuardedFetch({ allowed: parseAllowedHosts(allowed), resolve, authorities });
}

async function fault(fetched: Promise<unknown>): Promise<GuardedFetchError> {
  const error: unknown = await fetched.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof GuardedFetchError) return error;
  throw error;
}

const text = (reply: { body: Uint8Array }) => Buffer.from(reply.body).toString();
const https = (path: string) => `https://hooks.example:${first.port}${path}`;

describe('where the connection goes', () => {
  test('to the address that was looked at, for the name that was asked for', async () => {
    for (const [address, said] of [
      ['127.0.0.1', `first hooks.example:${first.port}`],
      ['127.0.0.2', 'second'],
      ['127.0.0.1', `first hooks.example:${first.port}`],
    ] as const) {
      const fetch = fetchWith({ 'hooks.example': [address] }, ['hooks.example']);
      const reply = await fetch({ url: https('/'), ...LIMITS });
      expect([reply.status, text(reply)]).toEqual([200, said]);
    }
  });

  test('a name is resolved once for a request: what it leads to later does not count', async () => {
    const { asked, resolve } = resolver({ 'hooks.example': ['127.0.0.1'] });
    const authorities = [authority.certificate];
    const allowed = parseAllowedHosts(['127.0.0.1']);
    const fetch = createGuardedFetch({ allowed, resolve, authorities });
    expect((await fetch({ url: https('/'), ...LIMITS })).status).toBe(200);
    expect(asked).toEqual(['hooks.example']);
  });

  test('the certificate must be for the name', async () => {
    const fetch = fetchWith({ 'other.example': ['127.0.0.1'] }, ['other.example']);
    const error = await fault(fetch({ url: `https://other.example:${first.port}/`, ...LIMITS }));
    expect(error.fault).toBe('failed');
    expect(error.message).toContain('altnames');
  });

  test('the certificate must be by an authority that is trusted', async () => {
    const { resolve } = resolver({ 'hooks.example': ['127.0.0.1'] });
    const fetch = createGuardedFetch({ allowed: parseAllowedHosts(['hooks.example']), resolve });
    expect((await fault(fetch({ url: https('/'), ...LIMITS }))).message).toContain('certificate');
  });

  test('another address of the name is tried when no connection comes about', async () => {
    const fetch = fetchWith({ 'hooks.example': ['127.0.0.3', '127.0.0.2'] }, ['hooks.example']);
    expect(text(await fetch({ url: https('/'), ...LIMITS }))).toBe('second');
  });
});

describe('refused before anything is sent', () => {
  const inside = ['127.0.0.1', '169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1'];
  for (const address of inside) {
    test(`a name at ${address}`, async () => {
      const fetch = fetchWith({ 'hooks.example': [address] }, []);
      const error = await fault(fetch({ url: https('/'), ...LIMITS }));
      expect([error.fault, error.message]).toEqual(['refused', expect.stringContaining(address)]);
    });
  }

  test('a name with one address inside and one outside', async () => {
    const fetch = fetchWith({ 'hooks.example': ['8.8.8.8', '10.0.0.1'] }, []);
    expect((await fault(fetch({ url: https('/'), ...LIMITS }))).fault).toBe('refused');
  });

  const forms = [
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:7f00:1]',
    '0',
  ];
  for (const host of forms) {
    test(`the address itself, written as ${host}`, async () => {
      const before = seen.length;
      const url = `https://${host}:${first.port}/`;
      expect((await fault(fetchWith({}, [])({ url, ...LIMITS }))).fault).toBe('refused');
      expect(seen.length).toBe(before);
    });
  }

  test('http, unless the administrator names the host', async () => {
    const url = `http://hooks.example:${plain.port}/`;
    const names = { 'hooks.example': ['127.0.0.1'] };
    const error = await fault(fetchWith(names, ['127.0.0.0/8'])({ url, ...LIMITS }));
    expect([error.fault, error.message]).toEqual(['refused', expect.stringContaining('not https')]);
    expect((await fetchWith(names, ['hooks.example'])({ url, ...LIMITS })).status).toBe(200);
  });

  test('other schemes, user names in the address, and what is no address', async () => {
    const fetch = fetchWith({ 'hooks.example': ['127.0.0.1'] }, ['hooks.example']);
    const urls = ['file:///etc/passwd', 'ftp://hooks.example/', 'https://a:b@hooks.example/', 'x'];
    for (const url of urls) expect((await fault(fetch({ url, ...LIMITS }))).fault).toBe('refused');
  });
});

describe('redirects', () => {
  const names = { 'hooks.example': ['127.0.0.1'], 'inside.example': ['127.0.0.2'] };

  test('are followed, and what was meant for the first place stays there', async () => {
    const headers = { authorization: 'Bearer something' };
    const url = https(`/to?url=${encodeURIComponent(https('/there'))}`);
    const reply = await fetchWith(names, ['hooks.example'])({ url, headers, ...LIMITS });
    expect(text(reply)).toBe(`first hooks.example:${first.port}`);
    expect(seen.slice(-2)).toEqual(['Bearer something', null]);
  });

  const targets = [
    'https://inside.example/',
    'https://169.254.169.254/latest',
    'http://hooks.test/',
  ];
  for (const target of [...targets, 'file:///etc/passwd', 'https://[::1]/', 'gopher://x/']) {
    test(`are looked at again: ${target}`, async () => {
      const url = https(`/to?url=${encodeURIComponent(target)}`);
      const error = await fault(fetchWith(names, ['hooks.example'])({ url, ...LIMITS }));
      expect(error.fault).toBe('refused');
    });
  }

  test('end after three', async () => {
    const before = seen.length;
    const error = await fault(
      fetchWith(names, ['hooks.example'])({ url: https('/loop'), ...LIMITS }),
    );
    expect([error.fault, error.message]).toEqual(['failed', expect.stringContaining('too often')]);
    expect(seen.length - before).toBe(4);
  });

  test('of what is posted are answers', async () => {
    const url = https(`/to?url=${encodeURIComponent(https('/there'))}`);
    const request = { url, method: 'POST', body: 'x', ...LIMITS } as const;
    expect((await fetchWith(names, ['hooks.example'])(request)).status).toBe(302);
  });
});

describe('the reply', () => {
  const fetch: GuardedFetch = (request) =>
    fetchWith({ 'hooks.example': ['127.0.0.1'] }, ['hooks.example'])(request);

  test('has status, headers and body', async () => {
    const reply = await fetch({ url: https('/'), ...LIMITS });
    expect(reply.headers['x-kind']).toBe('plain');
    const echoed = await fetch({
      url: https('/echo'),
      method: 'POST',
      body: 'words: é',
      ...LIMITS,
    });
    expect(text(echoed)).toBe('POST words: é');
  });

  test('is bounded, compressed or not', async () => {
    expect((await fault(fetch({ url: https('/large'), ...LIMITS }))).message).toContain(
      'too large',
    );
    const gzip = await fetch({ url: https('/gzip'), ...LIMITS }).catch(() => undefined);
    expect(gzip?.body.length ?? 0).toBeLessThanOrEqual(LIMITS.limitBytes);
  });

  test('is whole, or an error', async () => {
    const cut = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'));
    });
    await new Promise<void>((listening) => cut.listen(0, '127.0.0.1', listening));
    const address = cut.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const open = createGuardedFetch({ allowed: parseAllowedHosts(['127.0.0.1']) });
    const error = await fault(open({ url: `http://127.0.0.1:${port}/`, ...LIMITS }));
    expect(error.fault).toBe('failed');
    cut.close();
  });

  test('must come in time', async () => {
    const slow = { url: https('/silent'), limitBytes: 1_000, timeoutMs: 50 };
    expect((await fault(fetch(slow))).message).toContain('took too long');
    const resolve = () => new Promise<readonly string[]>(() => {});
    const stuck = createGuardedFetch({ allowed: parseAllowedHosts([]), resolve });
    expect((await fault(stuck(slow))).message).toContain('took too long');
  });

  test('a name that leads nowhere, and one without addresses', async () => {
    const wrong = fetchWith({ 'empty.example': [] }, []);
    for (const host of ['unknown.example', 'empty.example']) {
      expect((await fault(wrong({ url: `https://${host}/`, ...LIMITS }))).fault).toBe('failed');
    }
  });
});
