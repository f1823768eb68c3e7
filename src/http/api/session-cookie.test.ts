import { expect, test } from 'bun:test';
import type { Incoming } from '../incoming.ts';
import { readSessionCookie, sessionCookie } from './session-cookie.ts';

function place(origin: string, pathPrefix: string, cookie = '') {
  const headers = new Headers({ cookie });
  return { request: { headers, origin: () => origin } as unknown as Incoming, pathPrefix };
}

const life = { secret: 's', maxAgeSeconds: 60 };

test('over TLS the name keeps it to this host', () => {
  expect(sessionCookie(place('https://r.example', ''), life)).toBe(
    '__Host-entrepot=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
  );
  expect(sessionCookie(place('https://r.example', '/registry'), life)).toBe(
    '__Secure-entrepot=s; Path=/registry; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
  );
  expect(sessionCookie(place('http://localhost:5000', ''), life)).toBe(
    'entrepot=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax',
  );
});

test('only the cookie of the right name is read', () => {
  const cookies = 'entrepot=plain; other=x;__Host-entrepot=good; __Host-entrepot2=y';
  expect(readSessionCookie(place('https://r.example', '', cookies))).toBe('good');
  expect(readSessionCookie(place('http://r.example', '', cookies))).toBe('plain');
  expect(readSessionCookie(place('https://r.example', '/registry', cookies))).toBeUndefined();
  expect(readSessionCookie(place('https://r.example', ''))).toBeUndefined();
});
