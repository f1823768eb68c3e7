// Who is at the other end, also behind a proxy: `Forwarded` (RFC 7239), else `X-Forwarded-For`, but only
// when the connection comes from a proxy that the configuration trusts.
import { isIP } from 'node:net';
import { type AddressSet, unmapped } from '../access/address-set.ts';

/**
 * Walks the chain from the connection towards the client for as long as each hop is trusted: what an
 * untrusted hop claims about those before it is not believed.
 */
export function clientAddress(peer: string, headers: Headers, isTrusted: AddressSet): string {
  let client = unmapped(peer);
  if (!isTrusted(client)) return client;
  for (const hop of forwardedFor(headers).reverse()) {
    if (isIP(hop) === 0) break;
    client = hop;
    if (!isTrusted(hop)) break;
  }
  return client;
}

function forwardedFor(headers: Headers): string[] {
  const forwarded = headers.get('forwarded');
  if (forwarded !== null) {
    return forwarded.split(',').map((element) => {
      const pair = element.split(';').find((part) => /^\s*for=/i.test(part)) ?? '';
      return nodeAddress(pair.slice(pair.indexOf('=') + 1).trim());
    });
  }
  const list = headers.get('x-forwarded-for');
  return list === null ? [] : list.split(',').map((address) => nodeAddress(address.trim()));
}

/** The address of `192.0.2.1:80`, `"[2001:db8::1]:80"`, `2001:db8::1`. */
function nodeAddress(text: string): string {
  const bare = text.replaceAll('"', '');
  const bracketed = /^\[([^\]]+)\]/.exec(bare)?.[1];
  if (bracketed !== undefined) return unmapped(bracketed);
  const isWithPort = bare.indexOf(':') === bare.lastIndexOf(':');
  return unmapped(isWithPort ? (bare.split(':')[0] ?? '') : bare);
}
