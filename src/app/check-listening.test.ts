import { expect, test } from 'bun:test';
import { checkListening, isLoopback } from './check-listening.ts';

const plain = { tls: { kind: 'off' }, trustedProxies: [], insecureListen: false } as const;
const listen = { host: '0.0.0.0', port: 5000 };

test.each(['127.0.0.1', '127.9.8.7', '::1', '0:0:0:0:0:0:0:1', 'localhost', '::ffff:127.0.0.1'])(
  '%s is this machine',
  (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(checkListening({ ...plain, listen: { host, port: 5000 } })).toBeUndefined();
  },
);

test.each([
  '0.0.0.0',
  '::',
  '192.0.2.1',
  '::2',
  '2001:db8::1',
  'registry',
  '127.0.0.1.example.com',
  '1127.0.0.1',
])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
  expect(checkListening({ ...plain, listen: { host, port: 5000 } })).toContain('--insecure-listen');
});

test('TLS, a trusted proxy or the flag allow it', () => {
  expect(
    checkListening({ ...plain, listen, tls: { kind: 'auto', directory: '/d' } }),
  ).toBeUndefined();
  expect(
    checkListening({ ...plain, listen, tls: { kind: 'files', certificate: '/c', key: '/k' } }),
  ).toBeUndefined();
  expect(checkListening({ ...plain, listen, trustedProxies: ['10.0.0.1'] })).toBeUndefined();
  expect(checkListening({ ...plain, listen, insecureListen: true })).toBeUndefined();
});
