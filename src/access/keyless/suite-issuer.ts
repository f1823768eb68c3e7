// An issuer of identity tokens for the tests: a discovery document, keys, and tokens as GitHub Actions and
// GitLab make them. Can be away, rotate its keys, and answer wrongly.
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { parseAllowedHosts } from './address-guard.ts';
import { createGuardedFetch } from './guarded-fetch.ts';

export interface SuiteIssuer {
  readonly issuer: string;
  /** Requests since the start, by path. */
  readonly asked: string[];
  sign(claims: Readonly<Record<string, unknown>>, header?: SignOptions): Promise<string>;
  /** The key of before is no longer published. */
  rotate(): Promise<void>;
  /** What it answers instead: a status, or a body for a path. */
  breakWith(fault: IssuerFault | undefined): void;
  close(): Promise<void>;
}

export interface SignOptions {
  readonly kid?: string;
  readonly alg?: string;
  /** Another key than the published one. */
  readonly key?: CryptoKey | Uint8Array;
  readonly withoutKid?: boolean;
}

export interface IssuerFault {
  readonly status?: number;
  readonly body?: Readonly<Record<string, string>>;
}

/** `alg`: what its keys are for. `tls`: it is at https://localhost, with this certificate. */
export async function startIssuer(
  alg = 'RS256',
  tls?: { readonly cert: string; readonly key: string },
): Promise<SuiteIssuer> {
  const asked: string[] = [];
  let fault: IssuerFault | undefined;
  let number = 0;
  let pair = await generateKeyPair(alg, { extractable: true });
  let published: JWK[] = [];
  const publish = async () => {
    number += 1;
    published = [{ ...(await exportJWK(pair.publicKey)), kid: `key-${number}`, alg, use: 'sig' }];
  };
  await publish();
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    ...(tls !== undefined && { tls }),
    fetch(request): Response {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (fault?.status !== undefined) return new Response('away', { status: fault.status });
      const body = fault?.body?.[pathname];
      if (body !== undefined) return new Response(body);
      if (pathname === '/jwks') return Response.json({ keys: published });
      if (pathname !== '/.well-known/openid-configuration') {
        return new Response('nothing', { status: 404 });
      }
      const authorization_endpoint = `${issuer}/authorize`;
      return Response.json({ issuer, authorization_endpoint, jwks_uri: `${issuer}/jwks` });
    },
  });
  const origin = tls === undefined ? 'http://127.0.0.1' : 'https://localhost';
  const issuer: string = `${origin}:${server.port}`;
  return {
    issuer,
    asked,
    sign(claims, options = {}) {
      const { kid = `key-${number}`, key = pair.privateKey, withoutKid = false } = options;
      const header = { alg: options.alg ?? alg, typ: 'JWT', ...(!withoutKid && { kid }) };
      return new SignJWT({ iss: issuer, ...claims }).setProtectedHeader(header).sign(key);
    },
    async rotate() {
      pair = await generateKeyPair(alg, { extractable: true });
      await publish();
    },
    breakWith(next) {
      fault = next;
    },
    async close() {
      await server.stop(true);
    },
  };
}

/** Fetches from issuers of the tests, which are on this machine. */
export const suiteFetch = createGuardedFetch({ allowed: parseAllowedHosts(['127.0.0.1']) });

/** What a test's clock shows, in milliseconds since 1970. */
export const SUITE_NOW = Date.UTC(2031, 4, 6, 7, 8, 9);
export const SUITE_AUDIENCE = 'https://registry.example';

/** Of a token made a minute ago, good for four more. */
export function times(now = SUITE_NOW): { iat: number; nbf: number; exp: number } {
  const at = Math.floor(now / 1000);
  return { iat: at - 60, nbf: at - 60, exp: at + 240 };
}

export function githubClaims(repository = 'Octo/App', ref = 'refs/heads/main') {
  const [owner = ''] = repository.split('/');
  return {
    jti: '3c1f',
    sub: `repo:${repository}:ref:${ref}`,
    aud: SUITE_AUDIENCE,
    ref,
    sha: '0000000000000000000000000000000000000001',
    repository,
    repository_owner: owner,
    repository_owner_id: '583231',
    run_id: '77',
    run_attempt: '1',
    repository_visibility: 'private',
    repository_id: '1296269',
    actor: 'alice',
    workflow: 'publish',
    event_name: 'push',
    ref_type: 'branch',
    ref_protected: 'true',
    workflow_ref: `${repository}/.github/workflows/publish.yml@${ref}`,
    runner_environment: 'github-hosted',
    ...times(),
  };
}

export function gitlabClaims(project = 'group/sub/app', ref = 'main') {
  return {
    namespace_id: '72',
    namespace_path: project.slice(0, project.lastIndexOf('/')),
    project_id: '20',
    project_path: project,
    user_id: '1',
    user_login: 'alice',
    pipeline_id: '574',
    pipeline_source: 'push',
    job_id: '302',
    ref,
    ref_type: 'branch',
    ref_path: `refs/heads/${ref}`,
    ref_protected: 'true',
    groups_direct: ['group', 'group/sub'],
    jti: '235b',
    sub: `project_path:${project}:ref_type:branch:ref:${ref}`,
    aud: [SUITE_AUDIENCE, 'https://other.example'],
    ...times(),
  };
}
