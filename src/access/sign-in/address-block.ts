// Whom an address stands for: itself, or of IPv6 the /64 that one household or machine is given.
import { isIPv6 } from 'node:net';
import { unmapped } from '../address-set.ts';

const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** `192.0.2.1` → itself; `2001:db8::1` → `2001:db8:0:0::/64`. What is no address stands for itself. */
export function addressBlock(address: string): string {
  const [bare = ''] = unmapped(address).split('%');
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.toLowerCase().split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill('0');
  const groups = [...before, ...zeros, ...after];
  return `${groups.slice(0, NETWORK_GROUPS).map(short).join(':')}::/64`;
}

/** The dotted end of `64:ff9b::192.0.2.1` is two groups, and never in the first half. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? [group, group] : [group]));
}

function short(group: string): string {
  return group.replace(/^0+(?=.)/, '');
}
