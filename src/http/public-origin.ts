// The scheme, host and port under which a client reaches this registry: as configured, else as a trusted
// proxy says (RFC 7239, or X-Forwarded-*), else as the request itself says.

export interface OriginSource {
  /** As configured; undefined = as the request says. */
  readonly url: string | undefined;
  readonly isTls: boolean;
  readonly headers: Headers;
  /** Whether the connection comes from a proxy whose headers are believed. */
  isFromProxy(): boolean;
}

/** Host and port, as they may stand in an address: nothing else gets into a header or a page. */
const HOST = /^(?:[a-zA-Z0-9_.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;

export function publicOrigin(source: OriginSource): string {
  const { url, isTls, headers } = source;
  if (url !== undefined) return new URL(url).origin;
  const forwarded = hasForwarded(headers) && source.isFromProxy() ? readForwarded(headers) : {};
  const scheme = forwarded.scheme ?? (isTls ? 'https' : 'http');
  const host = forwarded.host ?? checkedHost(headers.get('host'));
  return `${scheme}://${host ?? 'localhost'}`;
}

function hasForwarded(headers: Headers): boolean {
  return (
    headers.has('forwarded') || headers.has('x-forwarded-host') || headers.has('x-forwarded-proto')
  );
}

interface Forwarded {
  readonly scheme?: string | undefined;
  readonly host?: string | undefined;
}

/** Of several proxies the first, which is nearest to the client (client behaviour 24). */
function readForwarded(headers: Headers): Forwarded {
  const forwarded = headers.get('forwarded')?.split(',')[0];
  if (forwarded !== undefined) {
    const pairs = new Map(
      forwarded.split(';').map((pair) => {
        const [name = '', value = ''] = pair.split('=', 2);
        return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')];
      }),
    );
    return { scheme: checkedScheme(pairs.get('proto')), host: checkedHost(pairs.get('host')) };
  }
  const first = (name: string) => headers.get(name)?.split(',')[0]?.trim();
  return {
    scheme: checkedScheme(first('x-forwarded-proto')),
    host: checkedHost(first('x-forwarded-host')),
  };
}

function checkedScheme(text: string | undefined): string | undefined {
  return text === 'http' || text === 'https' ? text : undefined;
}

function checkedHost(text: string | null | undefined): string | undefined {
  return text && HOST.test(text) ? text : undefined;
}
