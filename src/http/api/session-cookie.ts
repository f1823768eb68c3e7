// The cookie of a session. Its name tells the browser to keep it to this host, where that can be said
// (RFC 6265bis §4.1.3): so no other host of the same site can plant one.
import { isHttps, readCookie, showCookie } from '../cookie.ts';
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

/** The value of `Set-Cookie`. `secret` '': the browser forgets it. */
export function sessionCookie(
  place: CookiePlace,
  { secret, maxAgeSeconds }: { secret: string; maxAgeSeconds: number },
): string {
  const { request, pathPrefix } = place;
  const path = pathPrefix === '' ? '/' : pathPrefix;
  return showCookie(request, { name: cookieName(place), value: secret, path, maxAgeSeconds });
}

function cookieName({ request, pathPrefix }: CookiePlace): string {
  if (!isHttps(request)) return 'entrepot';
  // A name with __Host- is for the path / only.
  return pathPrefix === '' ? '__Host-entrepot' : '__Secure-entrepot';
}
