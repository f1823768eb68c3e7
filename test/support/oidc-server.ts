// A real OpenID Connect provider in this process, with people whom a test makes and changes; and a browser
// that signs one of them in there. Everything that the provider has a stand-in for and warns of is given.
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Provider from 'oidc-provider';
import { oidcMemory } from './oidc-memory.ts';

export interface ProviderOptions {
  /** Where it may send people back to. */
  readonly redirectUri: string;
  /** Undefined: a public client. */
  readonly clientSecret?: string;
  readonly tokenAuthentication?: 'client_secret_basic' | 'client_secret_post';
  /** Put all claims into the ID token, so that nobody need ask for more. */
  readonly claimsInIdToken?: boolean;
}

export const CLIENT_ID = 'entrepot';

/** Where it asks people who they are and whether they agree; what follows is the number of the question. */
const QUESTION_PATH = '/question/';

/** Of everything that the provider gives out: longer than any test. */
const LIFE_SECONDS = 3_600;

const LIVES = [
  'AccessToken',
  'AuthorizationCode',
  'Grant',
  'IdToken',
  'Interaction',
  'RefreshToken',
  'Session',
];

/** One for all providers of a process: RS256 is what clients expect, and its keys are slow to make. */
let signingKey: object | undefined;

export class OidcServer {
  /** Claims by the subject, which is also what one types to sign in. */
  readonly people = new Map<string, Record<string, unknown>>();
  readonly #server: Server;
  readonly issuer: string;

  private constructor(server: Server) {
    this.#server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(options: ProviderOptions): Promise<OidcServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const made = new OidcServer(server);
    const provider = await made.#provider(options);
    const answer = provider.callback();
    server.on('request', (request, response) => {
      if (request.url?.startsWith(QUESTION_PATH) !== true) return answer(request, response);
      answerQuestion(provider, { request, response }).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    return made;
  }

  async #provider(options: ProviderOptions): Promise<Provider> {
    const { clientSecret, tokenAuthentication = 'client_secret_basic' } = options;
    const method = clientSecret === undefined ? 'none' : tokenAuthentication;
    const Provider = await loadProvider();
    signingKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      format: 'jwk',
    });
    return new Provider(this.issuer, {
      adapter: oidcMemory(),
      jwks: { keys: [signingKey] },
      ttl: Object.fromEntries(LIVES.map((name) => [name, LIFE_SECONDS])),
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `${QUESTION_PATH}${uid}` },
      features: { devInteractions: { enabled: false } },
      renderError(context: { type: string; body: string }, out: object) {
        context.type = 'json';
        context.body = JSON.stringify(out);
      },
      clients: [
        {
          client_id: CLIENT_ID,
          ...(clientSecret !== undefined && { client_secret: clientSecret }),
          redirect_uris: [options.redirectUri],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: method,
        },
      ],
      clientAuthMethods: [method],
      claims: {
        profile: ['name', 'preferred_username', 'groups', 'realm_access', '_claim_names'],
        email: ['email', 'email_verified'],
      },
      conformIdTokenClaims: options.claimsInIdToken !== true,
      findAccount: (_: unknown, accountId: string) => {
        const claims = this.people.get(accountId);
        return claims && { accountId, claims: async () => ({ sub: accountId, ...claims }) };
      },
      cookies: { keys: ['a key of the test'] },
    });
  }

  /** Goes away, as a machine does: nothing answers at its address. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** It says of any runtime but Node.js that it is not supported; these tests say that it works. */
async function loadProvider() {
  const { warn } = console;
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn(...words);
  };
  try {
    return (await import('oidc-provider')).default;
  } finally {
    console.warn = warn;
  }
}

/** Whoever says who they are is believed, and agrees to everything. */
async function answerQuestion(
  provider: Provider,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const accountId = new URL(request.url ?? '', 'http://x').searchParams.get('login');
    const result = { login: { accountId } };
    return provider.interactionFinished(request, response, result);
  }
  const grant =
    grantId === undefined
      ? new provider.Grant({ accountId: session?.accountId, clientId: params.client_id })
      : await provider.Grant.find(grantId);
  const { missingOIDCScope = [], missingOIDCClaims = [] } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(' '));
  grant.addOIDCClaims(missingOIDCClaims);
  const result = { consent: { grantId: await grant.save() } };
  const both = { mergeWithLastSubmission: true };
  return provider.interactionFinished(request, response, result, both);
}

/** Steps of a browser at most: a loop of redirects is a failure. */
const STEPS = 20;

/**
 * Signs `subject` in, beginning at the address that the registry gave, and consents.
 * @returns the address that the provider sends the browser back to.
 */
export async function signInAtProvider(start: string, subject: string): Promise<URL> {
  const { origin } = new URL(start);
  const cookies = new Map<string, string>();
  let url = new URL(start);
  for (let step = 0; step < STEPS; step += 1) {
    if (url.pathname.startsWith(QUESTION_PATH)) url.searchParams.set('login', subject);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { headers: { cookie }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null)
      throw new Error(`${response.status} at ${url}: ${await response.text()}`);
    url = new URL(location, url);
    if (url.origin !== origin) return url;
  }
  throw new Error(`the provider never came to an end, at ${url}`);
}
