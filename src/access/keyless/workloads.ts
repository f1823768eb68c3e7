// Sign-in of pipelines, as the token service and Basic authentication ask for it: an identity token in,
// an identity of this registry out.
import { createHash } from 'node:crypto';
import { findAccessToken } from '../../metadata/access-facts.ts';
import { readAccessToken } from '../../metadata/access-tokens.ts';
import type { Act, Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Sql } from '../../metadata/sql.ts';
import { findTrustPolicy, policiesOfIssuer } from '../../metadata/trust-policies.ts';
import type { Identity } from '../standing.ts';
import { hashSecret, hintOf, newSecret } from '../tokens/secret.ts';
import { exchangeToken, type KeySource, type PolicyPage, type Vouched } from './exchange.ts';
import { RefusedTokenError } from './refused-token.ts';
import type { StoredWorkloadToken, WorkloadCommands } from './workload.command.ts';

export interface WorkloadsOptions {
  readonly sql: Sql;
  readonly commands: Commands<WorkloadCommands>;
  readonly keys: KeySource;
  /** Milliseconds since 1970. */
  now(): number;
  /** Must not throw. */
  recordRefusal(act: Act): void;
}

export interface WorkloadSignIn {
  readonly identity: Identity;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export class Workloads {
  readonly #options: WorkloadsOptions;

  constructor(options: WorkloadsOptions) {
    this.#options = options;
  }

  /** Gives an access token for an identity token (RFC 8693). @throws RefusedTokenError */
  async exchange(request: {
    jwt: string;
    /** Name of the policy that is meant, `team:deploy`; default: the first that fits. */
    policy?: string;
    actor: Actor;
  }): Promise<WorkloadSignIn & { readonly secret: string }> {
    const { jwt, policy: wanted, actor } = request;
    const asked = wanted === undefined ? { jwt } : { jwt, wanted };
    const vouched = await this.#vouch(asked, { actor, action: 'workload.exchange' });
    const secret = newSecret('ept');
    const stored = await this.#options.commands.run('exchangeForToken', {
      vouched,
      hash: hashSecret(secret),
      hint: hintOf(secret),
      actor,
    });
    return { ...signInOf(vouched, stored), secret };
  }

  /**
   * The identity token is itself the password. Verified each time; written once. Whether it was revoked
   * is asked with everything else that may have ended, see standing.ts. @throws RefusedTokenError
   */
  async signIn({ jwt, actor }: { jwt: string; actor: Actor }): Promise<WorkloadSignIn> {
    const { sql, commands } = this.#options;
    const vouched = await this.#vouch({ jwt }, { actor, action: 'workload.sign-in' });
    const hash = hashForeignToken(jwt);
    const found = await findAccessToken(sql, hash);
    const known = found && (await readAccessToken(sql, found.id));
    const { policy, expiresAt } = vouched;
    if (known?.ownerId === policy.id && known.ownerEpoch === policy.epoch) {
      return signInOf(vouched, { id: known.id, expiresAt });
    }
    const token = { vouched, hash, hint: hintOf(jwt), actor };
    return signInOf(vouched, await commands.run('admitForeignToken', token));
  }

  async #vouch(
    asked: { jwt: string; wanted?: string },
    { actor, action }: { actor: Actor; action: string },
  ): Promise<Vouched> {
    const { sql, keys, now, recordRefusal } = this.#options;
    const policies = {
      policiesOf: (issuer: string, page: PolicyPage) => policiesOfIssuer(sql, { issuer, ...page }),
      policyNamed: (key: { path: string; name: string }) => findTrustPolicy(sql, key),
    };
    try {
      return await exchangeToken(asked, { policies, keys, now });
    } catch (error) {
      if (error instanceof RefusedTokenError) {
        const { record: detail } = error;
        const target = asked.wanted === undefined ? '' : `trust policy ${asked.wanted}`;
        recordRefusal({ actor, action, target, outcome: 'refused', detail });
      }
      throw error;
    }
  }
}

function signInOf({ policy, workload }: Vouched, stored: StoredWorkloadToken): WorkloadSignIn {
  return {
    identity: {
      principal: { kind: 'workload', id: policy.id, name: workload },
      credential: { kind: 'access-token', id: stored.id },
      epoch: 0,
    },
    expiresAt: stored.expiresAt,
  };
}

/**
 * Of what is signed, without the signature: that can be written in several ways, and a token that was
 * revoked would come back in another. Hashed twice, so that the signed part alone, which is no secret,
 * is nothing that a look-up by the hash of a password could find.
 */
export function hashForeignToken(jwt: string): Uint8Array {
  const signed = jwt.slice(0, jwt.lastIndexOf('.'));
  return createHash('sha256').update(hashSecret(signed)).digest();
}
