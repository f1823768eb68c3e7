// Who the client is, and who may not say so.
import { describe, expect, test } from 'bun:test';
import { addressSet } from '../access/address-set.ts';
import { clientAddress } from './client-address.ts';

const proxies = addressSet(['10.0.0.0/8', '192.0.2.7', '2001:db8:1::/48', '::1']);

function seen(peer: string, headers: Record<string, string>): string {
  return clientAddress(peer, new Headers(headers), proxies);
}

describe('trustedProxies', () => {
  test('knows addresses and blocks of both families', () => {
    for (const address of ['10.1.2.3', '192.0.2.7', '2001:db8:1::5', '::1', '::ffff:10.1.2.3']) {
      expect([address, proxies(address)]).toEqual([address, true]);
    }
    for (const address of ['11.0.0.1', '192.0.2.8', '2001:db8:2::5', '::ffff:11.0.0.1', '', 'x']) {
      expect([address, proxies(address)]).toEqual([address, false]);
    }
  });

  test('refuses what is neither', () => {
    for (const network of ['localhost', '10.0.0.0/33', '10.0.0/8', '', '10.0.0.0/', '::/129']) {
      expect(() => addressSet([network])).toThrow();
    }
  });
});

describe('clientAddress', () => {
  test('is the peer when the peer is no trusted proxy, whatever it claims', () => {
    const claims = { 'X-Forwarded-For': '203.0.113.1', Forwarded: 'for=203.0.113.2' };
    expect(seen('198.51.100.1', claims)).toBe('198.51.100.1');
    expect(seen('::ffff:198.51.100.1', claims)).toBe('198.51.100.1');
  });

  test('is the last address that no trusted proxy vouches for', () => {
    expect(seen('10.0.0.1', { 'X-Forwarded-For': '203.0.113.1' })).toBe('203.0.113.1');
    const chain = { 'X-Forwarded-For': '6.6.6.6, 203.0.113.1, 10.0.0.2,10.0.0.3' };
    expect(seen('10.0.0.1', chain)).toBe('203.0.113.1');
    const all = { 'X-Forwarded-For': '10.0.0.9, 10.0.0.2' };
    expect(seen('10.0.0.1', all)).toBe('10.0.0.9');
    expect(seen('10.0.0.1', {})).toBe('10.0.0.1');
  });

  test('reads Forwarded in each spelling', () => {
    for (const [forwarded, address] of [
      ['for=203.0.113.1', '203.0.113.1'],
      ['For="203.0.113.1:4711";proto=https', '203.0.113.1'],
      ['by=10.0.0.9; for=203.0.113.1', '203.0.113.1'],
      ['for="[2001:db8:9::1]:80"', '2001:db8:9::1'],
      ['for=6.6.6.6, for=203.0.113.1, for=10.0.0.2', '203.0.113.1'],
    ] as const) {
      expect([forwarded, seen('10.0.0.1', { Forwarded: forwarded })]).toEqual([forwarded, address]);
    }
  });

  test('is unknown when the two headers do not agree: one of them may be what the client wrote', () => {
    const real = '203.0.113.1';
    const both = (forwarded: string, list: string) =>
      seen('10.0.0.1', { Forwarded: forwarded, 'X-Forwarded-For': list });
    // nginx adds to the one and passes the other on.
    expect(both('for=10.0.0.5', real)).toBe('unknown');
    expect(both('for=198.51.100.9', real)).toBe('unknown');
    expect(both('for=unknown', real)).toBe('unknown');
    expect(both(`for=${real}`, '10.0.0.5')).toBe('unknown');
    expect(both(`for="${real}:80"`, `6.6.6.6, ${real}`)).toBe(real);
  });

  test('stops at what is no address: a name may be written by anybody', () => {
    for (const forwarded of [
      'for=unknown',
      'for=_hidden',
      'for=',
      'proto=https',
      '',
      ',,',
      'for="',
    ]) {
      const headers = { Forwarded: `for=6.6.6.6, ${forwarded}` };
      expect([forwarded, seen('10.0.0.1', headers)]).toEqual([forwarded, '10.0.0.1']);
    }
    const list = { 'X-Forwarded-For': '6.6.6.6, <script>' };
    expect(seen('10.0.0.1', list)).toBe('10.0.0.1');
  });

  test('takes a port away, and an IPv4 address out of its IPv6 form', () => {
    expect(seen('10.0.0.1', { 'X-Forwarded-For': '203.0.113.1:1234' })).toBe('203.0.113.1');
    expect(seen('10.0.0.1', { 'X-Forwarded-For': '::ffff:203.0.113.1' })).toBe('203.0.113.1');
    expect(seen('10.0.0.1', { 'X-Forwarded-For': '2001:db8:9::1' })).toBe('2001:db8:9::1');
  });
});
