// The `Authorization` header (RFC 9110 §11.6.2), read and not yet believed.

export type Credentials =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  /** Of another scheme, or broken. */
  | { readonly kind: 'unreadable' };

/** @returns undefined when there is no header. */
export function readCredentials(header: string | null): Credentials | undefined {
  if (header === null) return undefined;
  const space = header.indexOf(' ');
  const scheme = space < 0 ? header : header.slice(0, space);
  const rest = space < 0 ? '' : header.slice(space + 1).trim();
  if (rest === '') return { kind: 'unreadable' };
  if (/^bearer$/i.test(scheme)) return { kind: 'bearer', token: rest };
  return /^basic$/i.test(scheme) ? readBasic(rest) : { kind: 'unreadable' };
}

/** RFC 7617: the user name has no colon, the password may. */
function readBasic(encoded: string): Credentials {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return { kind: 'unreadable' };
  return { kind: 'basic', user: text.slice(0, colon), password: text.slice(colon + 1) };
}
