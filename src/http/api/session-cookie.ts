// The cookie of a session. Its name tells the browser to keep it to this host, where that can be said
// (RFC 6265bis §4.1.3): so no other host of the same site can plant one.
import type { Incoming } from '../incoming.ts';

interface CookiePlace {
  readonly request: Incoming;
  /** Where the registry's own addresses begin: '' or such as `/registry`. */
  readonly pathPrefix: string;
}

/** @returns the secret; undefined when there is none. */
export function readSessionCookie(place: CookiePlace): string | undefined {
  return readCookie(place.request, cookieName(place));
}

export function readCookie(request: Incoming, name: string): string | undefined {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

/** The value of `Set-Cookie`. `secret` '': the browser forgets it. */
export function sessionCookie(
  place: CookiePlace,
  { secret, maxAgeSeconds }: { secret: string; maxAgeSeconds: number },
): string {
  const path = place.pathPrefix === '' ? '/' : place.pathPrefix;
  const parts = [
    `${cookieName(place)}=${secret}`,
    `Path=${path}`,
    `Max-Age=${secret === '' ? 0 : maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Lax',
  ];
  return (isHttps(place.request) ? [...parts, 'Secure'] : parts).join('; ');
}

function cookieName({ request, pathPrefix }: CookiePlace): string {
  if (!isHttps(request)) return 'entrepot';
  // A name with __Host- is for the path / only.
  return pathPrefix === '' ? '__Host-entrepot' : '__Secure-entrepot';
}

export function isHttps(request: Incoming): boolean {
  return request.origin().startsWith('https:');
}
