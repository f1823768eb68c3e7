// Who is at the other end, also behind a proxy: `Forwarded` (RFC 7239), else `X-Forwarded-For`, but only
// when the connection comes from a proxy that the configuration trusts.
import { isIP } from 'node:net';
import { type AddressSet, unmapped } from '../access/address-set.ts';

/** What is no address: no condition on networks holds for it. */
const UNKNOWN = 'unknown';

/**
 * Walks the chain from the connection towards the client for as long as each hop is trusted: what an
 * untrusted hop claims about those before it is not believed. Most proxies write one of the two headers and
 * pass the other on as the client wrote it: where they do not agree, neither is believed.
 */
export function clientAddress(peer: string, headers: Headers, isTrusted: AddressSet): string {
  const nearest = unmapped(peer);
  if (!isTrusted(nearest)) return nearest;
  const [first = nearest, ...others] = chainsOf(headers).map((chain) => {
    let client = nearest;
    for (const hop of chain.reverse()) {
      if (isIP(hop) === 0) break;
      client = hop;
      if (!isTrusted(hop)) break;
    }
    return client;
  });
  return others.every((other) => other === first) ? first : UNKNOWN;
}

/** As each header has it, the client first. */
function chainsOf(headers: Headers): string[][] {
  const forwarded = headers.get('forwarded');
  const list = headers.get('x-forwarded-for');
  const chains: string[][] = [];
  if (forwarded !== null) {
    chains.push(
      forwarded.split(',').map((element) => {
        const pair = element.split(';').find((part) => /^\s*for=/i.test(part)) ?? '';
        return nodeAddress(pair.slice(pair.indexOf('=') + 1).trim());
      }),
    );
  }
  if (list !== null) chains.push(list.split(',').map((address) => nodeAddress(address.trim())));
  return chains;
}

/** The address of `192.0.2.1:80`, `"[2001:db8::1]:80"`, `2001:db8::1`. */
function nodeAddress(text: string): string {
  const bare = text.replaceAll('"', '');
  const bracketed = /^\[([^\]]+)\]/.exec(bare)?.[1];
  if (bracketed !== undefined) return unmapped(bracketed);
  const isWithPort = bare.indexOf(':') === bare.lastIndexOf(':');
  return unmapped(isWithPort ? (bare.split(':')[0] ?? '') : bare);
}
