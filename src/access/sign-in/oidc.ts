// Signing in at providers by OpenID Connect: authorization code with PKCE, nonce and state. Keeps nothing
// between the two halves, which may run on different nodes; knows neither cookies nor users.
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type CustomFetch,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { RegistryError } from '../../oci/errors.ts';
import type { Seal } from '../seal.ts';
import type { EntryRules, ExternalAccount } from './external-account.ts';
import { accountOfClaims } from './oidc-claims.ts';
import { signInError } from './oidc-errors.ts';
import { OidcProvider, type OidcProviderSettings } from './oidc-provider.ts';
import { type OidcState, openState, safeReturnTo, sealState } from './oidc-state.ts';
import { allClaims, type OidcRefresh, refreshed } from './oidc-tokens.ts';

export interface OidcOptions {
  readonly providers: readonly OidcProviderSettings[];
  readonly seal: Seal;
  /** How providers are asked. Default: by the runtime's own `fetch`. */
  readonly fetch?: CustomFetch | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

export interface BegunSignIn {
  /** Where the browser goes. */
  readonly redirectTo: string;
  /** For a cookie of OIDC_STATE_MS that comes back to the redirect address only. */
  readonly state: string;
}

export interface OidcAnswer {
  readonly account: ExternalAccount;
  readonly rules: EntryRules;
  /** A path of this registry. */
  readonly returnTo: string;
  /** The signed-in user who asked for the account to be linked. */
  readonly linkTo: number | undefined;
  /** Of the provider, as it is: seal it. */
  readonly refreshToken: string | undefined;
}

export class OidcSignIn {
  readonly #providers: ReadonlyMap<string, OidcProvider>;
  readonly #options: OidcOptions;

  constructor(options: OidcOptions) {
    const { providers, now, fetch } = options;
    this.#options = options;
    this.#providers = new Map(
      providers.map((settings) => [settings.name, new OidcProvider({ settings, now, fetch })]),
    );
  }

  /** For the buttons of a sign-in page. */
  list(): { readonly name: string; readonly label: string }[] {
    return this.#options.providers.map(({ name, label }) => ({ name, label }));
  }

  /**
   * `redirectUri`: where the provider sends the browser back to, as it is registered there.
   * @throws RegistryError NOT_FOUND, UNAVAILABLE
   */
  async begin(
    name: string,
    wish: {
      readonly redirectUri: string;
      readonly returnTo?: string | undefined;
      readonly linkTo?: number | undefined;
    },
  ): Promise<BegunSignIn> {
    const provider = this.#provider(name);
    const configuration = await provider.configuration();
    const { redirectUri, returnTo, linkTo } = wish;
    const state: OidcState = {
      state: randomState(),
      nonce: randomNonce(),
      verifier: randomPKCECodeVerifier(),
      redirectUri,
      returnTo: safeReturnTo(returnTo),
      ...(linkTo !== undefined && { linkTo }),
    };
    const { scopes, offline } = provider.settings;
    const wanted = ['openid', ...scopes, ...(offline ? ['offline_access'] : [])];
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: [...new Set(wanted)].join(' '),
      state: state.state,
      nonce: state.nonce,
      code_challenge: await calculatePKCECodeChallenge(state.verifier),
      code_challenge_method: 'S256',
      // The standard gives refresh tokens only with the person's consent.
      ...(offline && { prompt: 'consent' }),
    });
    const { seal, now } = this.#options;
    return { redirectTo: url.href, state: sealState(seal, { provider: name, now: now(), state }) };
  }

  /**
   * `query`: what the provider put behind the redirect address; `state`: the cookie.
   * @throws RegistryError NOT_FOUND, REQUEST_INVALID, UNAUTHORIZED, DENIED, UNAVAILABLE
   */
  async finish(
    name: string,
    { query, state: sealed }: { readonly query: string; readonly state: string | undefined },
  ): Promise<OidcAnswer> {
    const provider = this.#provider(name);
    const { seal, now } = this.#options;
    const state = openState(seal, { provider: name, now: now(), sealed });
    const url = new URL(state.redirectUri);
    url.search = query;
    if (url.searchParams.get('state') !== state.state) {
      const message =
        'This answer belongs to another sign-in than the one begun here. Begin again.';
      throw new RegistryError('REQUEST_INVALID', message);
    }
    const configuration = await provider.configuration();
    const { settings } = provider;
    try {
      const tokens = await authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: state.verifier,
        expectedNonce: state.nonce,
        expectedState: state.state,
        idTokenExpected: true,
      });
      const claims = await allClaims(configuration, settings, {
        claims: tokens.claims() ?? {},
        accessToken: tokens.access_token,
      });
      return {
        account: accountOfClaims(claims, settings),
        rules: settings.rules,
        returnTo: state.returnTo,
        linkTo: state.linkTo,
        refreshToken: settings.offline ? tokens.refresh_token : undefined,
      };
    } catch (error) {
      throw signInError(settings, error);
    }
  }

  /**
   * Asks again for the groups of an account.
   * @throws RegistryError UNAVAILABLE when the provider is away: nothing is known then.
   */
  async refresh(
    name: string,
    account: { readonly subject: string; readonly refreshToken: string },
  ): Promise<OidcRefresh> {
    const provider = this.#provider(name);
    return refreshed(await provider.configuration(), provider.settings, account);
  }

  #provider(name: string): OidcProvider {
    const provider = this.#providers.get(name);
    if (provider !== undefined) return provider;
    throw new RegistryError('NOT_FOUND', 'There is no sign-in provider of that name.');
  }
}
