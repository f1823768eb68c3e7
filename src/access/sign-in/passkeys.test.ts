// Passkeys on SQLite, and the address that they belong to.
import { expect, test } from 'bun:test';
import { passkeySite } from './passkey-site.ts';
import { describePasskeys } from './passkeys.suite.ts';
import { openSignInSqlite } from './suite-sign-in.ts';

describePasskeys('passkeys, on SQLite', openSignInSqlite);

test.each([
  [
    'https://registry.example.org/base',
    { id: 'registry.example.org', origin: 'https://registry.example.org' },
  ],
  ['https://r.example.org:5443', { id: 'r.example.org', origin: 'https://r.example.org:5443' }],
  ['http://localhost:5000', { id: 'localhost', origin: 'http://localhost:5000' }],
  ['http://registry.example.org', undefined],
  ['https://192.0.2.1', undefined],
  ['https://[2001:db8::1]:5000', undefined],
])('passkeys at %s', (url, site) => {
  expect(passkeySite(url)).toEqual(site && { ...site, name: 'Entrepot' });
});
