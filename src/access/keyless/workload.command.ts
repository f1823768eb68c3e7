// Access tokens of workloads: those that an identity token was exchanged for, and identity tokens that
// are used as passwords themselves. Both end with the epoch of the policy that vouched for them.
import { changeAccess, findAccessToken } from '../../metadata/access-facts.ts';
import { insertAccessToken } from '../../metadata/access-tokens.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { noteTrustPolicyUsed } from '../../metadata/trust-policies.ts';
import { renewWorkloadToken } from '../../metadata/workload-tokens.ts';
import type { Vouched } from './exchange.ts';

export interface NewWorkloadToken {
  readonly vouched: Vouched;
  readonly hash: Uint8Array;
  readonly hint: string;
  readonly actor: Actor;
}

export interface StoredWorkloadToken {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export function workloadCommands() {
  return {
    /** A new token for the lifetime that the policy gives. */
    exchangeForToken: synced(
      async (tx: Transaction, token: NewWorkloadToken): Promise<StoredWorkloadToken> => {
        const expiresAt = (await tx.now()) + token.vouched.policy.lifetimeMs;
        const id = await insertAccessToken(tx, { ...rowOf(token), expiresAt });
        if (id === undefined) throw new Error('two secrets are alike');
        await record(tx, token, { action: 'workload.exchange', id, expiresAt });
        return { id, expiresAt };
      },
    ),

    /** An identity token as a password: found again at each use, however many come at once. */
    admitForeignToken: synced(
      async (tx: Transaction, token: NewWorkloadToken): Promise<StoredWorkloadToken> => {
        const { expiresAt } = token.vouched;
        const made = await insertAccessToken(tx, { ...rowOf(token), expiresAt });
        const id = made ?? (await renew(tx, token));
        await record(tx, token, { action: 'workload.sign-in', id, expiresAt });
        return { id, expiresAt };
      },
    ),
  };
}

export type WorkloadCommands = ReturnType<typeof workloadCommands>;

function rowOf({ vouched, hash, hint }: NewWorkloadToken) {
  return {
    owner: { kind: 'workload', id: vouched.policy.id },
    ownerEpoch: vouched.policy.epoch,
    name: vouched.workload,
    hash,
    hint,
    scopes: null,
    condition: null,
    claims: JSON.stringify(vouched.claims),
    replacesId: null,
  } as const;
}

/**
 * The identity token is known, from before its policy changed or from another policy: it was found good
 * under this one. That it was revoked stays.
 */
async function renew(tx: Transaction, { vouched, hash }: NewWorkloadToken): Promise<number> {
  const found = await findAccessToken(tx, hash);
  if (found === undefined) throw new Error('a token is there and cannot be found');
  const { policy, claims } = vouched;
  const renewal = { policy: policy.id, epoch: policy.epoch, claims: JSON.stringify(claims) };
  if (await renewWorkloadToken(tx, { id: found.id, ...renewal })) await changeAccess(tx);
  return found.id;
}

async function record(
  tx: Transaction,
  { vouched, actor }: NewWorkloadToken,
  { action, id, expiresAt }: { action: string; id: number; expiresAt: number },
): Promise<void> {
  const { policy, workload, issuer, claims, tokenId } = vouched;
  await noteTrustPolicyUsed(tx, { id: policy.id, at: await tx.now() });
  await recordAct(tx, {
    actor: {
      ...actor,
      name: workload,
      principal: `workload:${policy.id}`,
      credential: `access-token:${id}`,
    },
    action,
    target: `trust policy ${policy.name}`,
    detail: { issuer, claims, expiresAt, ...(tokenId !== undefined && { tokenId }) },
  });
}
