// What a browser carries while somebody signs in at a provider: sealed, so that no node must remember it,
// and bound to the provider, so that the answer of one is never taken for that of another.
import { RegistryError } from '../../oci/errors.ts';
import type { Seal } from '../seal.ts';

export interface OidcState {
  /** Comes back in the address; the cookie and the address must agree. */
  readonly state: string;
  readonly nonce: string;
  /** PKCE: shows the provider that who redeems the code is who asked for it. */
  readonly verifier: string;
  readonly redirectUri: string;
  readonly returnTo: string;
  /** The user who is signed in and wants this account linked; undefined: it is a sign-in. */
  readonly linkTo?: number;
}

/** How long somebody may take at the provider, in milliseconds; also the life of the cookie. */
export const OIDC_STATE_MS = 10 * 60_000;
/** The cookie of the state must stay within what browsers keep. */
const LONGEST_RETURN = 1_024;

export function sealState(
  seal: Seal,
  { provider, now, state }: { provider: string; now: number; state: OidcState },
): string {
  return seal.seal(
    JSON.stringify({ ...state, until: now + OIDC_STATE_MS }),
    `oidc-state:${provider}`,
  );
}

/** @throws RegistryError REQUEST_INVALID when it is absent, of another provider, changed or too old. */
export function openState(
  seal: Seal,
  { provider, now, sealed }: { provider: string; now: number; sealed: string | undefined },
): OidcState {
  let opened: OidcState & { until: number };
  try {
    opened = JSON.parse(seal.open(sealed ?? '', `oidc-state:${provider}`));
  } catch (cause) {
    const message = 'This sign-in was not begun in this browser. Begin again at the sign-in page.';
    throw new RegistryError('REQUEST_INVALID', message, undefined, { cause });
  }
  if (opened.until <= now) {
    throw new RegistryError('REQUEST_INVALID', 'This sign-in took too long. Begin again.');
  }
  return opened;
}

const FOREIGN = 'http://return.invalid';

/** A path of this registry to go back to; `/` for anything that could lead elsewhere. */
export function safeReturnTo(wanted: string | undefined): string {
  if (wanted === undefined || wanted.length > LONGEST_RETURN) return '/';
  // Browsers read a backslash as a slash, and drop tabs and line ends: `/\host`, `/<tab>/host`.
  if (!/^\/(?!\/)[^\\\x00-\x20\x7f]*$/.test(wanted)) return '/';
  if (!URL.canParse(wanted, FOREIGN)) return '/';
  const url = new URL(wanted, FOREIGN);
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `/.//host` is a path of two slashes once it was worked out.
  return url.origin !== FOREIGN || path.startsWith('//') ? '/' : path;
}
