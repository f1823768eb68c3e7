// Who is at the other end, also behind a proxy: `Forwarded` (RFC 7239), else `X-Forwarded-For`, but only
// when the connection comes from a proxy that the configuration trusts.
import { BlockList, isIP } from 'node:net';

export type TrustedProxies = (address: string) => boolean;

/** `networks`: addresses and CIDR blocks, IPv4 and IPv6. @throws Error for what is neither. */
export function trustedProxies(networks: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits, ...more] = network.split('/');
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    // The list itself would take anything, and trust something else than was meant.
    const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
    if (version === 0 || !isBlock || more.length > 0) {
      throw new Error(`"${network}" is no address and no block of them, such as 10.0.0.0/8.`);
    }
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = unmapped(address);
    return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * Walks the chain from the connection towards the client for as long as each hop is trusted: what an
 * untrusted hop claims about those before it is not believed.
 */
export function clientAddress(peer: string, headers: Headers, isTrusted: TrustedProxies): string {
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

/** `::ffff:192.0.2.1` is how a socket of both families shows an IPv4 address. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
