// How the text of a setting is read: addresses, networks, durations, logging. Each function takes one
// text and throws a SettingProblem, a sentence without the setting's name. Knows no sources, no files.
import { isIP } from 'node:net';
import { addressSet } from '../access/address-set.ts';

/** Shown to the person who wrote the value, after the place where it stands. */
export class SettingProblem extends Error {}

export interface ListenAddress {
  /** An IPv6 address is held without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const LISTEN = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/;
const HOST_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

export function parseListen(text: string): ListenAddress {
  const [, ipv6, plain, digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  const host = ipv6 ?? plain;
  if (host === undefined || port > 65_535) {
    const hint = /^:?\d+$/.test(text)
      ? ` For this port write 127.0.0.1:${text.replace(':', '')}.`
      : '';
    throw new SettingProblem(
      `"${text}" is not an address to listen on: write host:port, such as 127.0.0.1:5000 or [::1]:5000.${hint}`,
    );
  }
  if (ipv6 !== undefined && isIP(ipv6) !== 6) {
    throw new SettingProblem(`"${ipv6}" is not an IPv6 address.`);
  }
  if (ipv6 === undefined && isIP(host) === 0 && (!HOST_NAME.test(host) || /^[\d.]+$/.test(host))) {
    throw new SettingProblem(`"${host}" is neither an address nor a host name.`);
  }
  return { host, port };
}

/** The address that clients see, without a slash at its end. */
export function parsePublicUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SettingProblem(`"${text}" is not a URL: write https://registry.example.com.`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new SettingProblem(`"${text}" must begin with https:// or http://.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new SettingProblem('A user or password has no place in the address that clients see.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new SettingProblem(
      `"${text}" must end after the host: clients always ask under /v2/. For the other pages set path-prefix.`,
    );
  }
  return url.origin;
}

/** The issuer of a provider, as its tokens spell it. */
export function parseProviderUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url?.hostname ?? '');
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isHere)) {
    throw new SettingProblem(
      `"${text}" is not the address of a provider: write https://login.example.com; http is for this machine alone.`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new SettingProblem('The address of a provider has no user, no ? and no #.');
  }
  return text;
}

export function parseLdapUrl(text: string): string {
  const [, host] = /^ldaps?:\/\/([^/?#@]+)\/?$/.exec(text) ?? [];
  if (host === undefined || !URL.canParse(text)) {
    throw new SettingProblem(
      `"${text}" is not the address of a directory: write ldaps://directory.example.com or ldap://host:389.`,
    );
  }
  return text;
}

/** `''`, or `/registry`: never with a slash at its end. */
export function parsePathPrefix(text: string): string {
  const prefix = text.replace(/\/+$/, '');
  if (prefix === '') return '';
  if (!/^(\/[A-Za-z0-9._~-]+)+$/.test(prefix) || /\/\.{1,2}(\/|$)/.test(prefix)) {
    throw new SettingProblem(
      `"${text}" is not a path: write /registry, in letters, digits and . _ ~ -.`,
    );
  }
  if (/^\/v2(\/|$)/.test(prefix))
    throw new SettingProblem('"/v2" belongs to the protocol: choose another path.');
  return prefix;
}

/** An address or a CIDR block of IPv4 or IPv6. */
export function parseNetwork(text: string): string {
  try {
    addressSet([text]);
    return text;
  } catch {
    throw new SettingProblem(
      `"${text}" is not an address or a network: write 10.0.0.7, 10.0.0.0/8 or fd00::/8.`,
    );
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** @returns milliseconds */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  if (!(milliseconds > 0)) {
    throw new SettingProblem(
      `"${text}" is not a duration: write a number and s, m, h or d, such as 24h.`,
    );
  }
  return milliseconds;
}

/** The shortest form that parseDuration reads as `milliseconds`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = UNITS_MS[unit] ?? 1;
    const isOneDay = milliseconds === size && unit === 'd'; // 24h is what people say
    if (milliseconds % size === 0 && !isOneDay) return `${milliseconds / size}${unit}`;
  }
  return `${milliseconds / 1000}s`;
}

export function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'on' || text === '1') return true;
  if (text === 'false' || text === 'off' || text === '0') return false;
  throw new SettingProblem(`"${text}" is neither true nor false.`);
}
