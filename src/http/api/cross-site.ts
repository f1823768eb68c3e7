// Pages of other sites must not act in the name of whoever is signed in here. What browsers say of the
// page that sends a request is compared; a request with the session cookie must besides have a header that
// a foreign page cannot send without being asked first (OWASP: custom request headers).
import { RegistryError } from '../../oci/errors.ts';
import type { Incoming } from '../incoming.ts';

/** With any value. */
const REQUEST_HEADER = 'x-entrepot-request';

const READS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** @throws RegistryError DENIED for a request that changes something and comes from elsewhere. */
export function refuseCrossSite(request: Incoming, { isByCookie }: { isByCookie: boolean }): void {
  if (READS.includes(request.method)) return;
  const { headers } = request;
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  if (
    (site !== null && site !== 'same-origin') ||
    (origin !== null && origin !== request.origin())
  ) {
    throw new RegistryError('DENIED', 'Pages of other sites may change nothing here.');
  }
  if (isByCookie && !headers.has(REQUEST_HEADER)) {
    throw new RegistryError(
      'DENIED',
      'A request that changes something needs the header "X-Entrepot-Request: 1" beside the session cookie.',
    );
  }
}
