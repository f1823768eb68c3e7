// The cookie that a browser carries to a provider and back: sealed, short-lived, and sent to the one
// address that needs it.
import { OIDC_STATE_MS } from '../../access/sign-in/oidc-state.ts';
import { isHttps, readCookie, showCookie } from '../cookie.ts';
import type { Incoming } from '../incoming.ts';

/** Path and query of where a provider sends the browser back to. */
export function callbackPath(pathPrefix: string, provider: string): string {
  return `${pathPrefix}/auth/oidc/${provider}/callback`;
}

/** The value of `Set-Cookie`. It is sent with a link, and that is how the provider leads back. */
export function stateCookie(
  request: Incoming,
  { path, state }: { path: string; state: string },
): string {
  const maxAgeSeconds = OIDC_STATE_MS / 1000;
  return showCookie(request, { name: cookieName(request), value: state, path, maxAgeSeconds });
}

export function readStateCookie(request: Incoming): string | undefined {
  return readCookie(request, cookieName(request));
}

function cookieName(request: Incoming): string {
  return isHttps(request) ? '__Secure-entrepot-oidc' : 'entrepot-oidc';
}
