// Pages of a listing: the number `n` of a request, and the `Link` to what follows (RFC 8288).
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

/**
 * What `n` asks for: undefined when it is absent, and never more than LIMITS.pageSize. A larger
 * number is cut and not refused: clients that want everything in one page send a very large one.
 * @throws RegistryError PAGINATION_NUMBER_INVALID for what is not a whole number, zero or more.
 */
export function parsePageSize(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  if (!/^[0-9]+$/.test(text)) {
    throw new RegistryError(
      'PAGINATION_NUMBER_INVALID',
      `"${text.slice(0, 40)}" is not a page size: n must be a whole number, zero or more.`,
    );
  }
  // A number too large for a double becomes Infinity, which is cut like any other.
  return Math.min(Number(text), LIMITS.pageSize);
}

export type LinkParameters = Readonly<
  Record<string, string | number | readonly string[] | undefined>
>;

/**
 * The value of a `Link` header. The target is relative: oras follows only its own origin, and
 * containers/image cuts at the first `;`, so that the target comes first and holds none.
 *
 * nextLink('/v2/team/api/tags/list', { n: 100, last: '1.0' })
 *   → </v2/team/api/tags/list?n=100&last=1.0>; rel="next"
 */
export function nextLink(path: string, parameters: LinkParameters): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      pairs.push(`${encode(name)}=${encode(String(one))}`);
    }
  }
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  return `<${path}${query}>; rel="next"`;
}

// encodeURIComponent throws on half a surrogate pair, which must not turn a listing into a fault.
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
