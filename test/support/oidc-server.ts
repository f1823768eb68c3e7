// A real OpenID Connect provider in this process, with people whom a test makes and changes; and a browser
// that signs one of them in there.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

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
    server.on('request', made.#provider(options).callback());
    return made;
  }

  #provider(options: ProviderOptions): Provider {
    const { clientSecret, tokenAuthentication = 'client_secret_basic' } = options;
    const method = clientSecret === undefined ? 'none' : tokenAuthentication;
    return new Provider(this.issuer, {
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
      features: { devInteractions: { enabled: true } },
    });
  }

  /** Goes away, as a machine does: nothing answers at its address. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
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
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < STEPS; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie },
      redirect: 'manual',
      ...(form !== undefined && { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    form = undefined;
    const location = response.headers.get('location');
    if (location !== null) {
      const next = new URL(location, url);
      if (next.origin !== origin) return next;
      url = next.href;
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) throw new Error(`${response.status} without a form: ${page}`);
    url = new URL(action, url).href;
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? '';
    form = new URLSearchParams({ prompt, login: subject, password: 'any' });
  }
  throw new Error(`the provider never came to an end, at ${url}`);
}
