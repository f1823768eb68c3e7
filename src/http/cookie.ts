// Cookies, read and written: pages cannot read ours, other sites send them only with a link that somebody
// follows, and over TLS they go nowhere else.
import type { Incoming } from './incoming.ts';

export interface Cookie {
  readonly name: string;
  /** '': the browser forgets it. */
  readonly value: string;
  readonly path: string;
  readonly maxAgeSeconds: number;
}

/** The value of `Set-Cookie`. */
export function showCookie(request: Incoming, cookie: Cookie): string {
  const { name, value, path, maxAgeSeconds } = cookie;
  const parts = [
    `${name}=${value}`,
    `Path=${path}`,
    `Max-Age=${value === '' ? 0 : maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Lax',
  ];
  return (isHttps(request) ? [...parts, 'Secure'] : parts).join('; ');
}

export function readCookie(request: Incoming, name: string): string | undefined {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

export function isHttps(request: Incoming): boolean {
  return request.origin().startsWith('https:');
}
