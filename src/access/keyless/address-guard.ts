// Which addresses this server may be sent to by people who are not its administrator. Everything that is
// not plainly a place on the public internet is refused, so that nobody reaches through the registry what
// they could not reach themselves. Knows no names and opens no connections.
import { BlockList, isIP } from 'node:net';
import { type AddressSet, addressSet } from '../address-set.ts';

/** IANA's special-purpose blocks of IPv4, and one public address that a cloud answers on from inside. */
const CLOSED_IPV4: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Azure: metadata and health of the machine itself.
  '168.63.129.16/32',
];

/**
 * Of IPv6 only global unicast is open; this is what is closed within it. So all forms that carry an IPv4
 * address (mapped, compatible, NAT64, Teredo, 6to4) are closed, and with them what they could hide.
 */
const OPEN_IPV6 = '2000::/3';
const CLOSED_IPV6: readonly string[] = [
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
];

const closed = blocks([...CLOSED_IPV4, ...CLOSED_IPV6]);
const open = blocks([OPEN_IPV6]);

function blocks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether an address is a place on the public internet. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !closed.check(address, 'ipv4');
  // A zone names an interface of this machine.
  if (version !== 6 || address.includes('%')) return false;
  return open.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}

/** What the administrator allows besides. */
export interface AllowedHosts {
  /** Named by the administrator: any address, and http as well. */
  isNamed(host: string): boolean;
  isAllowed(address: string): boolean;
}

const HOST = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * `entries`: host names (`gitlab.corp.example`), addresses and blocks (`10.1.0.0/16`).
 * @throws Error for what is none of them.
 */
export function parseAllowedHosts(entries: readonly string[]): AllowedHosts {
  const names = new Set<string>();
  const networks: string[] = [];
  for (const entry of entries) {
    const name = plainHost(entry);
    const isNetwork = isIP(name.split('/')[0] ?? '') !== 0;
    if (!isNetwork && !HOST.test(name)) {
      throw new Error(
        `"${entry}" is no host name, no address and no block of them. Write gitlab.corp.example or 10.1.0.0/16.`,
      );
    }
    if (isNetwork) networks.push(name);
    else names.add(name);
  }
  const set: AddressSet = addressSet(networks);
  const isAllowed = (address: string) => isIP(address) !== 0 && set(address);
  return { isNamed: (host) => names.has(plainHost(host)) || isAllowed(plainHost(host)), isAllowed };
}

/** As a resolver wants it: lower case, without the brackets of IPv6 and the last dot. */
export function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}
