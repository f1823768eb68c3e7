// One connection to the directory for one sign-in: opened, made secure, bounded in time, always closed.
// Knows nothing of people. What the library would do by itself and must not: connect again after a loss,
// which behind STARTTLS would send the next password in the clear.
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Client } from 'ldapts';

export interface LdapAddress {
  /** `ldap://host:port` or `ldaps://…`. */
  readonly url: string;
  /** For `ldap://`: ask for TLS before anything else is said. */
  readonly startTls: boolean;
  /** PEM; undefined: the authorities that the system trusts. */
  readonly ca: string | undefined;
}

export interface LdapLimits {
  /** Milliseconds for each step. */
  readonly stepMs: number;
  /** For all of a sign-in: it holds a connection of the client's. */
  readonly totalMs: number;
}

export const LDAP_LIMITS: LdapLimits = { stepMs: 5_000, totalMs: 15_000 };

/** Runs `work` on a connection of its own. @throws what `work` throws, or what the network does. */
export async function withLdap<T>(
  address: LdapAddress,
  limits: LdapLimits,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { hostname } = new URL(address.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const tls: ConnectionOptions = {
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(address.ca !== undefined && { ca: address.ca }),
  };
  const sockets: Socket[] = [];
  const client = new Client({
    url: address.url,
    timeout: limits.stepMs,
    connectTimeout: limits.stepMs,
    // With these the library speaks TLS from the first byte, whatever the address says.
    ...(address.url.startsWith('ldaps:') && { tlsOptions: tls }),
    createConnection: once(sockets, connect),
    createSecureConnection: once(sockets, connectTls),
  });
  const deadline = startDeadline(limits.totalMs);
  try {
    return await Promise.race([secured(client, { ...address, tls }).then(work), deadline.passed]);
  } finally {
    deadline.stop();
    close(client, sockets);
  }
}

async function secured(
  client: Client,
  { url, startTls, tls }: LdapAddress & { readonly tls: ConnectionOptions },
): Promise<Client> {
  if (url.startsWith('ldap:') && startTls) await client.startTLS(tls);
  return client;
}

/** The function once; what it gives is kept, to be destroyed. */
function once<F extends (...given: never[]) => Socket>(sockets: Socket[], make: F): F {
  let wasCalled = false;
  const guarded = (...given: Parameters<F>): Socket => {
    if (wasCalled) throw new Error('the connection to the directory was lost');
    wasCalled = true;
    const socket = make(...given);
    sockets.push(socket);
    return socket;
  };
  return guarded as unknown as F;
}

function startDeadline(totalMs: number): { readonly passed: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error('the directory took too long to answer')),
    totalMs,
  );
  // Nobody may be waiting for it any more when it is rejected.
  promise.catch(() => {});
  return { passed: promise, stop: () => clearTimeout(timer) };
}

/** Says goodbye where that is possible; the sockets go in any case, and nobody waits for it. */
function close(client: Client, sockets: readonly Socket[]): void {
  const end = (): void => {
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.destroy();
    }
  };
  client.unbind().then(end, end);
}
