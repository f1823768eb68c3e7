// Which addresses owners of namespaces can send the registry to: a table of the forms that reach inside.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isPublicAddress, parseAllowedHosts, plainHost } from './address-guard.ts';

const CLOSED = [
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1']],
  ['link-local', ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
  ['site-local', ['fec0::1']],
  ['carrier-grade NAT', ['100.64.0.1', '100.127.255.255']],
  ['metadata', ['169.254.169.254', '100.100.100.200', '168.63.129.16', '192.0.0.192']],
  ['metadata, IPv6', ['fd00:ec2::254', 'fd20:ce::254']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
  ['reserved, broadcast', ['240.0.0.1', '255.255.255.255']],
  ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
  ['measurement', ['198.18.0.1', '198.19.255.255']],
  ['6to4 relay', ['192.88.99.1']],
  ['IPv4-mapped', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::ffff:0808:0808']],
  ['IPv4-compatible', ['::127.0.0.1', '::8.8.8.8']],
  ['IPv4-translated', ['::ffff:0:127.0.0.1']],
  ['NAT64', ['64:ff9b::7f00:1', '64:ff9b::127.0.0.1', '64:ff9b:1::7f00:1']],
  ['6to4', ['2002:7f00:1::', '2002:a9fe:a9fe::1']],
  ['Teredo', ['2001:0:7f00:1::', '2001::1']],
  ['discard', ['100::1']],
  ['segment routing', ['5f00::1']],
  ['no address', ['', 'localhost', '127.1', '0x7f000001', '2130706433', '1.2.3.4/8', '[::1]']],
] as const;

describe('addresses that are not on the public internet', () => {
  for (const [what, addresses] of CLOSED) {
    for (const address of addresses) {
      test(`${what}: ${address}`, () => expect(isPublicAddress(address)).toBe(false));
    }
  }
});

test('places on the public internet are open', () => {
  const places = [
    '8.8.8.8',
    '140.82.121.4',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '223.255.0.1',
  ];
  for (const place of [...places, '2606:50c0:8000::154', '2001:4860:4860::8888', '2a00:1450::1']) {
    expect([place, isPublicAddress(place)]).toEqual([place, true]);
  }
});

test('no form of IPv6 that carries an IPv4 address is open, whatever the address', () => {
  const part = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.tuple(part, part, part, part), (parts) => {
      const dotted = parts.join('.');
      const hex = Buffer.from(parts)
        .toString('hex')
        .replace(/(....)(....)/, '$1:$2');
      const forms = [`::ffff:${dotted}`, `::ffff:${hex}`, `::${dotted}`, `64:ff9b::${hex}`];
      return [...forms, `2002:${hex}::1`].every((form) => !isPublicAddress(form));
    }),
  );
});

describe('what the administrator allows', () => {
  const allowed = parseAllowedHosts([
    'GitLab.Corp.example',
    '10.1.0.0/16',
    'fd00:1::/32',
    '192.0.2.7',
  ]);

  test('names, without regard to case and the last dot, and nothing beside them', () => {
    expect(allowed.isNamed('gitlab.corp.example')).toBe(true);
    expect(allowed.isNamed('GITLAB.corp.example.')).toBe(true);
    for (const other of [
      'corp.example',
      'evil-gitlab.corp.example',
      'gitlab.corp.example.evil.example',
    ]) {
      expect(allowed.isNamed(other)).toBe(false);
    }
  });

  test('blocks and addresses', () => {
    for (const address of ['10.1.2.3', 'fd00:1::9', '192.0.2.7', '::ffff:10.1.0.1']) {
      expect([address, allowed.isAllowed(address)]).toEqual([address, true]);
    }
    for (const address of ['10.2.0.1', 'fd00:2::9', '192.0.2.8', 'gitlab.corp.example', '']) {
      expect([address, allowed.isAllowed(address)]).toEqual([address, false]);
    }
    expect(allowed.isNamed('[fd00:1::9]')).toBe(true);
  });

  test('what is neither is refused with what to write', () => {
    for (const entry of [
      'https://a.example',
      '*.example',
      'a example',
      '',
      '10.0.0.0/33',
      'a.example/8',
    ]) {
      expect(() => parseAllowedHosts([entry])).toThrow(/no .*address/);
    }
  });
});

test('a host is compared as a resolver sees it', () => {
  expect(['[::1]', 'A.Example.', 'b.example'].map(plainHost)).toEqual([
    '::1',
    'a.example',
    'b.example',
  ]);
});
