// Sets of addresses, in all the forms in which a socket or a header may show one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { addressSet, unmapped } from './address-set.ts';

const SETS: Readonly<Record<string, { has: readonly string[]; not: readonly string[] }>> = {
  '10.0.0.0/8': {
    has: ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::FFFF:10.1.2.3', '::ffff:a01:203'],
    not: ['9.255.255.255', '11.0.0.0', '::10.1.2.3', '2001:db8::10', '::1'],
  },
  '192.0.2.1': { has: ['192.0.2.1', '::ffff:192.0.2.1'], not: ['192.0.2.2', '192.0.2.10'] },
  '192.0.2.128/25': { has: ['192.0.2.128', '192.0.2.255'], not: ['192.0.2.127'] },
  '0.0.0.0/0': { has: ['203.0.113.9'], not: ['2001:db8::1', '::1'] },
  '::ffff:10.0.0.0/104': { has: ['10.1.2.3', '::ffff:10.1.2.3'], not: ['11.0.0.1'] },
  '2001:db8::/32': {
    has: ['2001:db8::1', '2001:0DB8:0:0::0001', '2001:db8:ffff::'],
    not: ['2001:db9::1', '32.1.13.184'],
  },
  '::1': { has: ['::1', '0:0:0:0:0:0:0:1'], not: ['127.0.0.1', '::'] },
  'fe80::/10': { has: ['fe80::1', 'fe80::1%eth0'], not: ['2001:db8::1'] },
};

describe.each(Object.entries(SETS))('the set %s', (network, { has, not }) => {
  test('has what lies in it, in every form, and nothing else', () => {
    const set = addressSet([network]);
    expect(has.filter((address) => !set(address))).toEqual([]);
    expect(not.filter((address) => set(address))).toEqual([]);
  });

  test('has nothing that is no address', () => {
    const set = addressSet([network]);
    expect(['', 'localhost', '10.1.2', '10.1.2.3.4', '10.1.2.3/8', 'unix:'].filter(set)).toEqual(
      [],
    );
  });
});

test('several networks are one set, none is an empty one', () => {
  const set = addressSet(['10.0.0.0/8', '2001:db8::/32']);
  expect(['10.1.1.1', '2001:db8::1', '192.0.2.1'].map(set)).toEqual([true, true, false]);
  expect(addressSet([])('10.1.1.1')).toBe(false);
});

test('an IPv4 block has what its first bits say', () => {
  const byte = fc.nat(255);
  const address = fc.tuple(byte, byte, byte, byte);
  fc.assert(
    fc.property(address, address, fc.nat(32), (base, other, bits) => {
      const value = (bytes: readonly number[]) => bytes.reduce((sum, one) => sum * 256 + one, 0);
      const size = 2 ** (32 - bits);
      const isInside = Math.floor(value(base) / size) === Math.floor(value(other) / size);
      const set = addressSet([`${base.join('.')}/${bits}`]);
      expect(set(other.join('.'))).toBe(isInside);
      expect(set(`::ffff:${other.join('.')}`)).toBe(isInside);
    }),
    { numRuns: 500 },
  );
});

test.each([
  '10.0.0.0/33',
  '2001:db8::/129',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '10/8',
  'fe80::1%eth0',
  '',
])('refuses "%s"', (network) => {
  expect(() => addressSet([network])).toThrow(network);
});

test('shows a mapped IPv4 address as what it is', () => {
  expect(unmapped('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(unmapped('::FFFF:192.0.2.1')).toBe('192.0.2.1');
  expect(unmapped('192.0.2.1')).toBe('192.0.2.1');
  expect(unmapped('2001:db8::1')).toBe('2001:db8::1');
});
