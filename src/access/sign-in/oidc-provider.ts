// One OpenID Connect provider: its settings, and its endpoints as its discovery document tells them. They
// are asked for when somebody wants to sign in there and never before, so that a provider that is away
// stops nobody else, and not the start either.
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import type { EntryRules } from './external-account.ts';
import type { TeamRule } from './groups.ts';
import { providerAway } from './oidc-errors.ts';

export interface ClaimNames {
  readonly name: string;
  readonly email: string;
  readonly displayName: string;
  readonly groups: string;
}

export interface OidcProviderSettings {
  /** Stands in addresses and in the audit log: lower-case letters, digits and -. */
  readonly name: string;
  /** On the button. */
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  /** Besides `openid`. */
  readonly scopes: readonly string[];
  readonly claims: ClaimNames;
  readonly teams: readonly TeamRule[];
  readonly rules: EntryRules;
  /** Ask for a refresh token, so that groups can be asked for again between sign-ins. */
  readonly offline: boolean;
}

export interface OidcProviderParts {
  readonly settings: OidcProviderSettings;
  readonly fetch?: CustomFetch | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The provider has so long for each answer. */
const TIMEOUT_SECONDS = 5;
/** Endpoints and keys move rarely. */
const DISCOVERY_AGE_MS = 60 * 60_000;

export class OidcProvider {
  readonly settings: OidcProviderSettings;
  readonly #now: () => number;
  readonly #fetch: CustomFetch | undefined;
  #known: { readonly configuration: Configuration; readonly at: number } | undefined;
  #asking: Promise<Configuration> | undefined;

  constructor({ settings, now, fetch }: OidcProviderParts) {
    this.settings = settings;
    this.#fetch = fetch;
    this.#now = now;
  }

  /** @throws RegistryError UNAVAILABLE when it was never reached and cannot be reached now. */
  async configuration(): Promise<Configuration> {
    const known = this.#known;
    if (known !== undefined && this.#now() - known.at < DISCOVERY_AGE_MS) {
      return known.configuration;
    }
    this.#asking ??= this.#discover().finally(() => {
      this.#asking = undefined;
    });
    try {
      return await this.#asking;
    } catch (error) {
      // What is known goes on being right more often than not; a failure is not remembered.
      if (known !== undefined) return known.configuration;
      throw providerAway(this.settings, error);
    }
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.settings;
    const url = new URL(issuer);
    const execute = [enableNonRepudiationChecks];
    // The settings allow it for this machine alone.
    if (url.protocol === 'http:') execute.push(allowInsecureRequests);
    const authentication = authenticationOf(clientSecret);
    const configuration = await discovery(url, clientId, {}, authentication, {
      execute,
      timeout: TIMEOUT_SECONDS,
      ...(this.#fetch !== undefined && { [customFetch]: this.#fetch }),
    });
    this.#known = { configuration, at: this.#now() };
    return configuration;
  }
}

/** In the header, as the standard has it, unless the provider says that it takes the body only. */
function authenticationOf(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  const inHeader = ClientSecretBasic(secret);
  const inBody = ClientSecretPost(secret);
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const chosen = methods.includes('client_secret_basic') ? inHeader : inBody;
    chosen(server, client, body, headers);
  };
}
