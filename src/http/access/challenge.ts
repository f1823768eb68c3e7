// The challenge of Docker's token protocol: one, Bearer, with everything quoted (client behaviours 1 and 2).
import { showDockerScope, type TokenAccess } from '../../access/tokens/docker-scope.ts';

export interface Challenge {
  /** Scheme, host and port as the client knows them: the token service is on the registry's own. */
  readonly origin: string;
  /** Before `/token`: '' or such as `/registry`. */
  readonly pathPrefix: string;
  readonly scope?: TokenAccess | undefined;
  /** RFC 6750 §3.1. containers/image asks for a wider token only when it sees `insufficient_scope`. */
  readonly error?: 'insufficient_scope' | 'invalid_token' | undefined;
}

/** `WWW-Authenticate` and its value. */
export function challengeHeader(challenge: Challenge): { 'WWW-Authenticate': string } {
  const { origin, pathPrefix, scope, error } = challenge;
  const service = origin.slice(origin.indexOf('://') + 3);
  const parts = [`realm="${origin}${pathPrefix}/token"`, `service="${service}"`];
  if (scope !== undefined) parts.push(`scope="${showDockerScope(scope)}"`);
  if (error !== undefined) parts.push(`error="${error}"`);
  return { 'WWW-Authenticate': `Bearer ${parts.join(',')}` };
}
