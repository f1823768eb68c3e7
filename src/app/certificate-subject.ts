// For which names and addresses a certificate of `--tls auto` is made: all by which this machine may be
// called, as far as it knows them.
import { isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import type { Configuration } from './configuration.ts';
import type { CertificateSubject } from './local-authority.ts';

/** A machine with hundreds of container networks has as many addresses; nobody calls it by those. */
const MOST_ADDRESSES = 50;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

export interface Machine {
  readonly hostname: string;
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
}

export function certificateSubject(
  configuration: Pick<Configuration, 'listen' | 'url'>,
  machine: Machine,
): CertificateSubject {
  const called = [
    'localhost',
    '127.0.0.1',
    '::1',
    configuration.listen.host,
    ...(configuration.url === undefined
      ? []
      : [new URL(configuration.url).hostname.replace(/^\[|\]$/g, '')]),
    machine.hostname.toLowerCase(),
    ...Object.values(machine.interfaces)
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  ];
  const isEverywhere = (name: string): boolean => name === '0.0.0.0' || name === '::';
  const isOfLink = (name: string): boolean => /^fe80:/i.test(name) || name.includes('%');
  const unique = [...new Set(called)].filter((name) => !isEverywhere(name) && !isOfLink(name));
  return {
    names: unique
      .map((name) => name.toLowerCase())
      .filter((name) => isIP(name) === 0 && DNS_NAME.test(name)),
    addresses: unique.filter((name) => isIP(name) !== 0).slice(0, MOST_ADDRESSES),
  };
}

/** Lines that make Docker on another machine trust the authority; `host` as it stands in image names. */
export function dockerTrustLines(host: string, authority: string): string[] {
  const directory = `/etc/docker/certs.d/${host}`;
  return [
    `sudo mkdir -p ${directory}`,
    `sudo cp ${authority} ${directory}/ca.crt   # from another machine: copy the file there`,
  ];
}
