// What a client asks of the token service: Docker's protocol by GET, OAuth2 (RFC 6749) and its token
// exchange (RFC 8693) by POST.
import { parseDockerScopes, type TokenAccess } from '../../access/tokens/docker-scope.ts';
import { RegistryError } from '../../oci/errors.ts';

export type TokenGrant =
  /** As whoever the Authorization header shows, or as nobody. */
  | { readonly kind: 'header' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'refresh'; readonly secret: string }
  | { readonly kind: 'exchange'; readonly jwt: string; readonly policy: string | undefined };

export interface TokenRequest {
  readonly grant: TokenGrant;
  readonly access: readonly TokenAccess[];
  /** A refresh token besides, please. */
  readonly isOffline: boolean;
  readonly clientId: string;
}

/** Docker's engine calls itself so. */
const DOCKER = 'docker';

/**
 * `docker login` always asks for a refresh token, and would keep it instead of what was typed: its
 * config.json would then be of no use as a Kubernetes pull secret. So by GET it gets none.
 */
export function readTokenQuery(query: URLSearchParams): TokenRequest {
  const clientId = query.get('client_id') ?? '';
  return {
    grant: { kind: 'header' },
    access: parseDockerScopes(query.getAll('scope')),
    isOffline: query.get('offline_token') === 'true' && clientId !== DOCKER,
    clientId,
  };
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const SUBJECT_TYPES: readonly (string | null)[] = [
  null,
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
];

/** @throws RegistryError REQUEST_INVALID: containerd and regclient then try GET. */
export function readTokenForm(form: URLSearchParams): TokenRequest {
  return {
    grant: readGrant(form),
    access: parseDockerScopes(form.getAll('scope')),
    isOffline: form.get('access_type') === 'offline',
    clientId: form.get('client_id') ?? '',
  };
}

function readGrant(form: URLSearchParams): TokenGrant {
  const type = form.get('grant_type');
  // regclient asks for an anonymous token without a grant_type.
  if (type === null || type === '') return { kind: 'header' };
  if (type === 'password') {
    return { kind: 'password', user: needed(form, 'username'), password: needed(form, 'password') };
  }
  if (type === 'refresh_token') return { kind: 'refresh', secret: needed(form, 'refresh_token') };
  if (type !== EXCHANGE) {
    throw new RegistryError(
      'REQUEST_INVALID',
      `The grant_type "${type.slice(0, 100)}" is not known here. Known are password, refresh_token and ${EXCHANGE}.`,
    );
  }
  if (!SUBJECT_TYPES.includes(form.get('subject_token_type'))) {
    throw new RegistryError(
      'REQUEST_INVALID',
      'The subject_token_type must be urn:ietf:params:oauth:token-type:jwt or …:id_token.',
    );
  }
  const policy = form.get('policy') ?? undefined;
  return { kind: 'exchange', jwt: needed(form, 'subject_token'), policy };
}

function needed(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== '') return value;
  throw new RegistryError('REQUEST_INVALID', `The form lacks "${name}".`);
}
