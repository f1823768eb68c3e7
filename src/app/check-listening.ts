// May the server listen there? What leaves this machine is either encrypted, or behind a proxy that
// encrypts, or was asked for by name.
import type { Configuration } from './configuration.ts';
import { variableOf } from './settings.ts';

/** 127.0.0.0/8, ::1 and the name that means them. */
export function isLoopback(host: string): boolean {
  if (/^127(\.\d{1,3}){3}$/.test(host) || host.toLowerCase() === 'localhost') return true;
  return /^(0{0,4}:){1,7}0{0,3}1$/.test(host) || /^::ffff:127(\.\d{1,3}){3}$/i.test(host);
}

/** `[::1]:5000`, `127.0.0.1:5000`. */
export function showAddress({ host, port }: Configuration['listen']): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @returns undefined when it may, else a sentence that says what to do. */
export function checkListening(
  configuration: Pick<Configuration, 'listen' | 'tls' | 'trustedProxies' | 'insecureListen'>,
): string | undefined {
  const { listen, tls, trustedProxies, insecureListen } = configuration;
  if (
    isLoopback(listen.host) ||
    tls.kind !== 'off' ||
    trustedProxies.length > 0 ||
    insecureListen
  ) {
    return undefined;
  }
  return (
    `Listening on ${showAddress(listen)} without TLS would send everything in the clear beyond this machine. ` +
    `Set --tls auto, or --tls-cert and --tls-key, or --trusted-proxies with the proxy that adds TLS; ` +
    `or allow it with --insecure-listen (${variableOf('insecure-listen')}=true).`
  );
}
