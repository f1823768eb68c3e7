// Trust policies, as rows. Whether what they say makes sense was asked before (access/keyless).
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import {
  countTrustPolicies,
  countTrustPoliciesWithin,
  insertTrustPolicy,
  readTrustPolicy,
  type StoredTrustPolicy,
  setTrustPolicy,
  setTrustPolicyState,
  type TrustPolicyContent,
  type TrustPolicyId,
} from '../../metadata/trust-policies.ts';
import type { PolicyGrant } from '../keyless/policy-scopes.ts';
import { ACCESS_LIMITS } from './limits.ts';
import { checkPartName, checkPath, conflict, notFound } from './names.ts';

export function trustPolicyCommands() {
  return {
    createTrustPolicy: synced(createPolicy),
    updateTrustPolicy: synced(updatePolicy),
    disableTrustPolicy: synced((tx: Transaction, change: PolicyChange) =>
      setState(tx, { ...change, state: 'disabled' }),
    ),
    enableTrustPolicy: synced((tx: Transaction, change: PolicyChange) =>
      setState(tx, { ...change, state: 'active' }),
    ),
    deleteTrustPolicy: synced((tx: Transaction, change: PolicyChange) =>
      setState(tx, { ...change, state: 'deleted' }),
    ),
  };
}

interface PolicyChange {
  readonly id: TrustPolicyId;
  readonly actor: Actor;
}

/** Parsed by access/keyless/trust-policy.ts. */
interface PolicyContent {
  readonly issuer: string;
  readonly audience: string;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly grants: readonly PolicyGrant[];
  readonly lifetimeMs: number;
}

async function createPolicy(
  tx: Transaction,
  policy: PolicyContent & { path: string; name: string; actor: Actor },
): Promise<TrustPolicyId> {
  const { path, name, actor } = policy;
  checkPath(path);
  checkPartName('trust policy', name);
  await lockAccess(tx);
  await checkRoom(tx, path);
  const row = { ...contentOf(policy), path, name, createdBy: actor.name };
  const id = await insertTrustPolicy(tx, row);
  if (id === undefined) throw conflict(`There is a trust policy ${path}:${name} already.`);
  // It may be the row of a deleted one, that a node remembers as ended.
  await changeAccess(tx);
  await record(tx, { actor, verb: 'create', policy: { path, name }, content: policy });
  return id;
}

/** The whole content anew. What was issued under the old one ends. */
async function updatePolicy(tx: Transaction, change: PolicyContent & PolicyChange): Promise<void> {
  const { id, actor } = change;
  await lockAccess(tx);
  const policy = await known(tx, id);
  await setTrustPolicy(tx, { id, ...contentOf(change) });
  await changeAccess(tx);
  await record(tx, { actor, verb: 'update', policy, content: change });
}

const VERBS = { active: 'enable', disabled: 'disable', deleted: 'delete' } as const;

async function setState(
  tx: Transaction,
  { id, actor, state }: PolicyChange & { state: keyof typeof VERBS },
): Promise<void> {
  await lockAccess(tx);
  const policy = await known(tx, id);
  if (policy.state === state) return;
  if (state === 'active') await checkRoom(tx, policy.path);
  await setTrustPolicyState(tx, { id, state });
  await changeAccess(tx);
  await record(tx, { actor, verb: VERBS[state], policy, content: undefined });
}

/** Call with `lockAccess` held, before one more is in force. @throws RegistryError CONFLICT */
async function checkRoom(tx: Transaction, path: string): Promise<void> {
  const { trustPolicies: most, trustPoliciesWithin: mostWithin } = ACCESS_LIMITS;
  if ((await countTrustPolicies(tx, path)) >= most) throw full(path || 'The root', most);
  const [top = ''] = path.split('/');
  const isFull = top !== '' && (await countTrustPoliciesWithin(tx, top)) >= mostWithin;
  if (isFull) throw full(`${top} with all below it`, mostWithin);
}

function full(where: string, most: number): Error {
  return conflict(
    `${where} has ${most} trust policies in force, the most it may. Disable or delete one first.`,
  );
}

function contentOf(policy: PolicyContent): TrustPolicyContent {
  const { issuer, audience, conditions, grants, lifetimeMs } = policy;
  return {
    issuer,
    audience,
    conditions: JSON.stringify(conditions),
    grants: JSON.stringify(grants),
    lifetimeMs,
  };
}

async function record(
  tx: Transaction,
  done: {
    actor: Actor;
    verb: string;
    policy: { path: string; name: string };
    content: PolicyContent | undefined;
  },
): Promise<void> {
  const { actor, verb, policy, content } = done;
  await recordAct(tx, {
    actor,
    action: `trust-policy.${verb}`,
    target: `trust policy ${policy.path}:${policy.name}`,
    ...(content !== undefined && {
      detail: {
        issuer: content.issuer,
        audience: content.audience,
        conditions: content.conditions,
        grants: content.grants,
        lifetimeMs: content.lifetimeMs,
      },
    }),
  });
}

async function known(tx: Transaction, id: TrustPolicyId): Promise<StoredTrustPolicy> {
  const policy = await readTrustPolicy(tx, id);
  if (policy === undefined || policy.state === 'deleted') {
    throw notFound('There is no such trust policy.');
  }
  return policy;
}
