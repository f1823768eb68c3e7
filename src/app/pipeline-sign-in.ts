// The wiring of pipelines that sign in with their own identity tokens. Loaded when the first one comes: a
// registry without any does not carry its libraries.
import type { GuardedFetch } from '../access/keyless/guarded-fetch.ts';
import { ANONYMOUS } from '../access/principal.ts';
import type { Identity } from '../access/standing.ts';
import type { Visit } from '../http/access/authenticate.ts';
import type { Act, Actor } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import type { AllCommands } from './commands.ts';
import { once } from './once.ts';

interface PipelineParts {
  readonly sql: Sql;
  readonly commands: Commands<AllCommands>;
  /** For addresses that owners of namespaces set. */
  readonly fetch: GuardedFetch;
  now(): number;
  recordRefusal(act: Act): void;
}

interface PipelineSignIn {
  /** The identity token is the password. @throws RefusedTokenError */
  signIn(jwt: string, visit: Visit): Promise<Identity>;
  /** Gives an access token for it. @throws RefusedTokenError */
  exchange(
    asked: { jwt: string; policy: string | undefined },
    visit: Visit,
  ): Promise<{ secret: string; expiresInSeconds: number }>;
}

export function composePipelineSignIn(parts: PipelineParts): PipelineSignIn {
  const { fetch, ...others } = parts;
  const { now } = parts;
  const workloads = once(async () => {
    const [{ IssuerKeys }, { Workloads }] = await Promise.all([
      import('../access/keyless/issuer-keys.ts'),
      import('../access/keyless/workloads.ts'),
    ]);
    return new Workloads({ ...others, keys: new IssuerKeys({ fetch, now }) });
  });
  return {
    async signIn(jwt, visit) {
      const { identity } = await (await workloads()).signIn({ jwt, actor: strangerAt(visit) });
      return identity;
    },
    async exchange({ jwt, policy }, visit) {
      const asked = { jwt, actor: strangerAt(visit), ...(policy !== undefined && { policy }) };
      const { secret, expiresAt } = await (await workloads()).exchange(asked);
      return { secret, expiresInSeconds: Math.floor((expiresAt - now()) / 1000) };
    },
  };
}

/** Somebody who has not said who they are. */
function strangerAt({ address, client, requestId }: Visit): Actor {
  const { name } = ANONYMOUS;
  return { name, principal: name, credential: '', address: address(), client, requestId };
}
