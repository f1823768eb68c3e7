// What went wrong at a provider, in words for the person who signs in; the cause is for the log.
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { RegistryError } from '../../oci/errors.ts';

interface Named {
  readonly name: string;
}

/** Codes of the library for an answer that came and does not hold. All others: none came. */
const UNSOUND: ReadonlySet<string> = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_JWT_USERINFO_EXPECTED',
  'OAUTH_UNSUPPORTED_OPERATION',
  'OAUTH_PARSE_ERROR',
]);

export function providerAway({ name }: Named, cause: unknown): RegistryError {
  const message = `The sign-in provider "${name}" cannot be reached or does not answer as it should. Try again in a moment, or sign in another way.`;
  return new RegistryError('UNAVAILABLE', message, undefined, { cause });
}

/** The refresh token no longer counts: the provider ended what was signed in. */
export function isGrantRefused(error: unknown): boolean {
  return error instanceof ResponseBodyError && error.error === 'invalid_grant';
}

export function signInError(provider: Named, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const refuse = (code: 'DENIED' | 'UNAUTHORIZED' | 'REQUEST_INVALID', message: string) =>
    new RegistryError(code, message, undefined, { cause: error });
  const title = `The sign-in provider "${provider.name}"`;
  if (error instanceof AuthorizationResponseError) {
    // It came in the address: anybody can have written it.
    const code = /^[a-z_]{1,40}$/.test(error.error) ? error.error : 'error';
    return refuse('DENIED', `${title} did not sign you in (${code}). Begin again.`);
  }
  if (isGrantRefused(error)) {
    return refuse('REQUEST_INVALID', 'This sign-in was used already or is too old. Begin again.');
  }
  if (error instanceof ClientError && UNSOUND.has(error.code ?? '')) {
    return refuse(
      'UNAUTHORIZED',
      `${title} gave an answer that does not hold. Nobody was signed in. Begin again.`,
    );
  }
  return providerAway(provider, error);
}
