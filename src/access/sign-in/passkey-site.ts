// The address that passkeys of this registry belong to: a browser shows them to no other.
import { isIP } from 'node:net';

export interface PasskeySite {
  /** The host name. Whoever changes it makes all passkeys useless. */
  readonly id: string;
  /** With scheme and port. */
  readonly origin: string;
  /** As a browser shows it. */
  readonly name: string;
}

/** @returns undefined where browsers offer no passkeys: without TLS, and at a bare address. */
export function passkeySite(
  url: string,
  { name = 'Entrepot' }: { name?: string } = {},
): PasskeySite | undefined {
  const { protocol, hostname, origin } = new URL(url);
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  if (protocol !== 'https:' && !isLocal) return undefined;
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  return { id: hostname, origin, name };
}
