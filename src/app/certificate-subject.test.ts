import { expect, test } from 'bun:test';
import type { NetworkInterfaceInfo } from 'node:os';
import { certificateSubject, dockerTrustLines } from './certificate-subject.ts';

const at = (address: string) => ({ address }) as NetworkInterfaceInfo;

test('every name and address of the machine, once, and none that is of no use', () => {
  const machine = {
    hostname: 'Build-7',
    interfaces: {
      lo: [at('127.0.0.1'), at('::1')],
      eth0: [at('192.0.2.7'), at('2001:db8::7'), at('fe80::1')],
      gone: undefined,
    },
  };
  const configuration = {
    listen: { host: '0.0.0.0', port: 5000 },
    url: 'https://registry.example.com:5000',
  };
  expect(certificateSubject(configuration, machine)).toEqual({
    names: ['localhost', 'registry.example.com', 'build-7'],
    addresses: ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7'],
  });
});

test('a host name that is no DNS name is left out, and the number of addresses is bounded', () => {
  const many = Array.from({ length: 300 }, (_, index) => at(`10.0.${index >> 8}.${index & 255}`));
  const subject = certificateSubject(
    { listen: { host: 'registry', port: 1 }, url: 'https://[2001:db8::1]' },
    { hostname: 'a_b', interfaces: { eth0: many } },
  );
  expect(subject.names).toEqual(['localhost', 'registry']);
  expect(subject.addresses).toHaveLength(50);
  expect(subject.addresses).toContain('2001:db8::1');
});

test('the lines for Docker name the host as it stands in image names', () => {
  expect(dockerTrustLines('192.0.2.7:5000', '/d/tls/authority.crt')).toEqual([
    'sudo mkdir -p /etc/docker/certs.d/192.0.2.7:5000',
    'sudo cp /d/tls/authority.crt /etc/docker/certs.d/192.0.2.7:5000/ca.crt   # from another machine: copy the file there',
  ]);
});
