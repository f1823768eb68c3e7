// Sets of addresses: single ones and CIDR blocks, IPv4 and IPv6.
import { BlockList, isIP } from 'node:net';

export type AddressSet = (address: string) => boolean;

/** `networks`: such as `10.0.0.0/8` or `2001:db8::1`. @throws Error for what is neither address nor block. */
export function addressSet(networks: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits, ...more] = network.split('/');
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    // The list itself would take anything, and trust something else than was meant.
    const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
    // A zone names an interface of this machine, and means nothing elsewhere.
    const hasZone = address.includes('%');
    if (version === 0 || hasZone || !isBlock || more.length > 0) {
      throw new Error(`"${network}" is no address and no block of them, such as 10.0.0.0/8.`);
    }
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = unmapped(address);
    const version = isIP(plain);
    // The list would read 10.1.2 as an address.
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/** `::ffff:192.0.2.1` is how a socket of both families shows an IPv4 address. */
export function unmapped(address: string): string {
  return /^::ffff:[\d.]+$/i.test(address) ? address.slice(7) : address;
}
