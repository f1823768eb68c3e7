// Certificates of the local authority, as other programs see them: openssl and curl.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClient } from '../../test/support/clients.ts';
import { requires } from '../../test/support/requires.ts';
import { checkPair } from './certificate-pair.ts';
import { authorityCertificate, createAuthority, issueCertificate } from './local-authority.ts';

const DAY_MS = 86_400_000;
const now = Date.now();
const subject = { names: ['localhost', 'registry.example.com'], addresses: ['127.0.0.1', '::1'] };
let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'entrepot-tls-')), 'tls');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

test('keys are for their owner alone, and nothing else is left', async () => {
  const pair = await issueCertificate(directory, subject, now);
  expect(readdirSync(directory).sort()).toEqual([
    'authority.crt',
    'authority.key',
    'server.crt',
    'server.key',
  ]);
  expect(statSync(join(directory, 'authority.key')).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'server.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(directory, 'server.crt'), 'utf8')).toBe(pair.cert);
  expect(checkPair(pair, now).subjectAltName).toContain('DNS:registry.example.com');
});

test('a certificate that fits is kept', async () => {
  const first = await issueCertificate(directory, subject, now);
  expect(await issueCertificate(directory, subject, now + 100 * DAY_MS)).toEqual(first);
});

test('a new one is made when a name is added, or the end is near; the authority stays', async () => {
  const first = await issueCertificate(directory, subject, now);
  const { pair: authority } = await createAuthority(directory, now);
  const named = await issueCertificate(directory, { ...subject, names: ['localhost', 'new'] }, now);
  expect(named.cert).not.toBe(first.cert);
  const later = await issueCertificate(directory, subject, now + 368 * DAY_MS);
  expect(later.cert).not.toBe(named.cert);
  expect((await createAuthority(directory, now + 368 * DAY_MS)).pair).toEqual(authority);
  const issuer = new X509Certificate(authority.cert);
  expect(new X509Certificate(later.cert).verify(issuer.publicKey)).toBe(true);
});

test('what a crash left half written is made again', async () => {
  const first = await issueCertificate(directory, subject, now);
  writeFileSync(join(directory, 'server.key'), (await createAuthority(directory, now)).pair.key);
  const second = await issueCertificate(directory, subject, now);
  expect(second.cert).not.toBe(first.cert);
  rmSync(join(directory, 'authority.key'));
  const third = await issueCertificate(directory, subject, now);
  const issuer = new X509Certificate(readFileSync(authorityCertificate(directory), 'utf8'));
  expect(new X509Certificate(third.cert).verify(issuer.publicKey)).toBe(true);
});

test('an authority near its end makes place for a new one', async () => {
  const { pair } = await createAuthority(directory, now);
  expect((await createAuthority(directory, now + 3300 * DAY_MS)).pair.cert).not.toBe(pair.cert);
});

const openssl = findClient('openssl');
requires(
  'openssl',
  openssl !== undefined,
  'not installed',
)('openssl verifies it for every name and for no other', async () => {
  await issueCertificate(directory, subject, now);
  const verify = (...options: string[]): string => {
    const args = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-CAfile',
      authorityCertificate(directory),
    ];
    const result = spawnSync(openssl ?? '', [...args, ...options, join(directory, 'server.crt')], {
      encoding: 'utf8',
    });
    return `${result.stdout}${result.stderr}`;
  };
  expect(verify('-verify_hostname', 'registry.example.com')).toEndWith('server.crt: OK\n');
  expect(verify('-verify_ip', '::1')).toEndWith('server.crt: OK\n');
  expect(verify('-verify_hostname', 'example.com')).toContain('hostname mismatch');
});

const curl = findClient('curl');
requires(
  'curl',
  curl !== undefined,
  'not installed',
)('curl trusts a server that has it', async () => {
  const pair = await issueCertificate(directory, subject, now);
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { ...pair },
    fetch: () => new Response('served'),
  });
  try {
    const ask = (...options: string[]): Promise<{ code: number | null; out: string }> =>
      new Promise((resolve) => {
        const child = spawn(
          curl ?? '',
          ['-sS', '--max-time', '10', ...options, `https://localhost:${server.port}/`],
          {
            stdio: ['ignore', 'pipe', 'ignore'],
            env: { PATH: process.env.PATH },
          },
        );
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.once('close', (code) => resolve({ code, out }));
      });
    const resolveLocal = ['--resolve', `localhost:${server.port}:127.0.0.1`];
    expect(await ask(...resolveLocal, '--cacert', authorityCertificate(directory))).toEqual({
      code: 0,
      out: 'served',
    });
    expect((await ask(...resolveLocal)).code).toBe(60); // not trusted without the authority
  } finally {
    await server.stop(true);
  }
});
