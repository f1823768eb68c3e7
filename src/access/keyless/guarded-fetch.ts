// Requests to addresses that owners of namespaces have set: issuers of trust policies, webhooks. The name
// is resolved once, every address that it has is looked at, and the connection goes to one of those:
//
//   URL ► scheme, no credentials ► resolve ► all public or allowed? ► connect to that address ► reply
//    ▲                                                                                            │
//    └──────────────────────── redirect of a GET, at most 3, headers left out ◄───────────────────┘
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { type AllowedHosts, isPublicAddress, plainHost } from './address-guard.ts';
import { type FetchReply, pinnedRequest, ReplyTooLargeError } from './pinned-request.ts';

export interface GuardedRequest {
  readonly url: string;
  /** Default: GET. */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Of the reply's body. */
  readonly limitBytes: number;
  /** For all of it: resolving, redirects, the last byte. */
  readonly timeoutMs: number;
}

/** @throws GuardedFetchError. Any status is a reply. */
export type GuardedFetch = (request: GuardedRequest) => Promise<FetchReply>;

/** `refused`: by a rule of this registry, trying again is of no use. `failed`: on the way. */
export type GuardedFetchFault = 'refused' | 'failed';

/**
 * Its message is for the owner who set the address and for the log. Do not show it to others: it says
 * what a name is within this network.
 */
export class GuardedFetchError extends Error {
  readonly fault: GuardedFetchFault;
  constructor(fault: GuardedFetchFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

export interface GuardedFetchOptions {
  readonly allowed: AllowedHosts;
  /** All addresses of a name. Default: as the system resolves it. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Certificates (PEM) to trust besides the usual ones. */
  readonly authorities?: readonly string[];
}

const MOST_REDIRECTS = 3;
/** Addresses of one name that are tried, one after the other, when no connection comes about. */
const MOST_ADDRESSES = 4;

export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { allowed, resolve = resolveBySystem, authorities = [] } = options;
  const ca = authorities.length === 0 ? undefined : [...rootCertificates, ...authorities];
  return async (request) => {
    const signal = AbortSignal.timeout(request.timeoutMs);
    let url = parseUrl(request.url, allowed);
    let headers = request.headers ?? {};
    for (let redirects = 0; ; redirects += 1) {
      const addresses = await resolveGuarded({ url, allowed, resolve, signal });
      const { limitBytes, method = 'GET', body } = request;
      const pinned = { url, method, headers, body, limitBytes, signal, ca };
      const reply = await requestAny(pinned, addresses);
      const next = method === 'GET' ? redirectOf(reply) : undefined;
      if (next === undefined) return reply;
      if (redirects === MOST_REDIRECTS) {
        throw new GuardedFetchError('failed', `${request.url} redirects too often.`);
      }
      url = parseUrl(next, allowed, url);
      // What was meant for the one place is not told to the other.
      headers = {};
    }
  };
}

function parseUrl(text: string, allowed: AllowedHosts, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw refused(`"${text.slice(0, 200)}" is no address.`);
  const url = new URL(text, base?.href);
  const isHttp = url.protocol === 'http:';
  if (url.protocol !== 'https:' && !isHttp) throw refused(`${url.origin} is not https.`);
  if (isHttp && !allowed.isNamed(url.hostname)) {
    throw refused(
      `${url.origin} is not https. An administrator can allow http for ${url.hostname}.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(`The address at ${url.host} has a user name or password in it. Leave them out.`);
  }
  return url;
}

function redirectOf({ status, headers }: FetchReply): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? headers.location : undefined;
}

async function resolveGuarded(parts: {
  url: URL;
  allowed: AllowedHosts;
  resolve: (host: string) => Promise<readonly string[]>;
  signal: AbortSignal;
}): Promise<readonly string[]> {
  const { url, allowed, resolve, signal } = parts;
  const host = plainHost(url.hostname);
  const addresses = isIP(host) === 0 ? await resolved(host, resolve, signal) : [host];
  if (allowed.isNamed(host)) return addresses;
  const bad = addresses.find((address) => !isPublicAddress(address) && !allowed.isAllowed(address));
  if (bad === undefined) return addresses;
  throw refused(
    `${host} is at ${bad}, which is not on the public internet. An administrator can allow this host.`,
  );
}

async function resolved(
  host: string,
  resolve: (host: string) => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // The system's resolver cannot be stopped; nobody waits for it longer than was asked.
  const tooLate = Promise.withResolvers<never>();
  const late = () => tooLate.reject(failed(host, signal.reason));
  if (signal.aborted) late();
  signal.addEventListener('abort', late, { once: true });
  try {
    const addresses = await Promise.race([resolve(host), tooLate.promise]);
    if (addresses.length === 0) throw new Error('the name has no address');
    return addresses;
  } catch (error) {
    throw error instanceof GuardedFetchError ? error : failed(host, error);
  } finally {
    signal.removeEventListener('abort', late);
  }
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  // IPv4 first: a machine without a way to IPv6 loses no time.
  return (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address);
}

type Unpinned = Omit<Parameters<typeof pinnedRequest>[0], 'address'>;

async function requestAny(unpinned: Unpinned, addresses: readonly string[]): Promise<FetchReply> {
  let last: unknown;
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    try {
      return await pinnedRequest({ ...unpinned, address });
    } catch (error) {
      last = error;
      if (!isUnconnected(error)) break;
    }
  }
  throw failed(unpinned.url.host, last);
}

/** Nothing was sent yet: another address may be tried. */
function isUnconnected(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return ['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL'].includes(String(code));
}

function refused(message: string): GuardedFetchError {
  return new GuardedFetchError('refused', message);
}

function failed(host: string, cause: unknown): GuardedFetchError {
  const why =
    cause instanceof ReplyTooLargeError
      ? 'its answer is too large'
      : cause instanceof Error && cause.name === 'TimeoutError'
        ? 'it took too long'
        : cause instanceof Error
          ? cause.message
          : String(cause);
  return new GuardedFetchError('failed', `${host} cannot be asked: ${why}.`, { cause });
}
