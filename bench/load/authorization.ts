// How the load signs in where a registry asks for it: the Bearer flow of the distribution spec, or
// Basic. A registry that asks for nothing gets no header.
import type { Registry } from '../registries.ts';

export type Headers = Readonly<Record<string, string>>;

export interface Challenge {
  readonly realm: string;
  readonly service: string | undefined;
}

/** Reads `Bearer realm="…",service="…"`; undefined for another scheme. */
export function parseChallenge(header: string): Challenge | undefined {
  if (!/^bearer /i.test(header)) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = '', value = ''] of header.matchAll(/(\w+)="([^"]*)"/g)) {
    parameters.set(name.toLowerCase(), value);
  }
  const realm = parameters.get('realm');
  return realm === undefined ? undefined : { realm, service: parameters.get('service') };
}

export async function challengeOf(registry: Registry): Promise<string | undefined> {
  const { hostname, port } = registry.endpoint;
  const response = await fetch(`http://${hostname}:${port}/v2/`);
  await response.arrayBuffer();
  if (response.status === 200) return undefined;
  const challenge = response.headers.get('www-authenticate');
  if (response.status !== 401 || challenge === null) {
    throw new Error(`${registry.name} answers ${response.status} to GET /v2/.`);
  }
  return challenge;
}

/** The headers that allow pull, push and delete in these repositories. */
export async function authorize(
  registry: Registry,
  repositories: readonly string[],
): Promise<Headers> {
  const challenge = await challengeOf(registry);
  if (challenge === undefined) return {};
  const bearer = parseChallenge(challenge);
  if (bearer === undefined) return basic(registry);
  const response = await fetch(tokenAddress(bearer, repositories), {
    headers: registry.credentials === undefined ? {} : basic(registry),
  });
  if (!response.ok) throw new Error(`${registry.name} gives no token: ${response.status}.`);
  const token: unknown = await response.json();
  return { Authorization: `Bearer ${tokenIn(token)}` };
}

export function tokenAddress(challenge: Challenge, repositories: readonly string[]): URL {
  const address = new URL(challenge.realm);
  if (challenge.service !== undefined) address.searchParams.set('service', challenge.service);
  for (const repository of repositories) {
    address.searchParams.append('scope', `repository:${repository}:pull,push,delete`);
  }
  return address;
}

export function basic(registry: Registry): Headers {
  if (registry.credentials === undefined) {
    throw new Error(`${registry.name} asks for a user: add ,user=…,password=… to its --registry.`);
  }
  const { user, password } = registry.credentials;
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function tokenIn(answer: unknown): string {
  const fields = typeof answer === 'object' && answer !== null ? answer : {};
  const token = 'token' in fields ? fields.token : undefined;
  const accessToken = 'access_token' in fields ? fields.access_token : undefined;
  const found = token ?? accessToken;
  if (typeof found !== 'string') throw new Error('the answer of the token service has no token');
  return found;
}
