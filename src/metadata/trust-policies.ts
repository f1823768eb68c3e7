// Trust policies, as they are stored: which issuer's tokens are believed, under which conditions, for
// which rights. What the JSON in them means is access/keyless's affair.
import type { AccountState } from './access-schema.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type TrustPolicyId = number;

/** What its owner writes. */
export interface TrustPolicyContent {
  readonly issuer: string;
  readonly audience: string;
  /** JSON: claim to pattern or patterns. */
  readonly conditions: string;
  /** JSON array of {actions, names}. */
  readonly grants: string;
  readonly lifetimeMs: number;
}

export interface StoredTrustPolicy extends TrustPolicyContent {
  readonly id: TrustPolicyId;
  readonly path: string;
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

const POLICY = [
  'id',
  'path',
  'name',
  'issuer',
  'audience',
  'conditions',
  'grants',
  'lifetime_ms as lifetimeMs',
  'epoch',
  'state',
  'created_by as createdBy',
  'created_at as createdAt',
  'last_used_at as lastUsedAt',
] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('trust_policies').select(POLICY).where('id', '=', p.id),
);

const byName = statement<{ path: string; name: string }>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select(POLICY)
    .where('path', '=', p.path)
    .where('name', '=', p.name),
);

const ofIssuer = statement<{
  issuer: string;
  afterPath: string;
  afterName: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select(POLICY)
    .where('issuer', '=', p.issuer)
    .where('path', '>=', p.afterPath)
    .where((e) => e.or([e('path', '>', p.afterPath), e('name', '>', p.afterName)]))
    .where('state', '=', 'active')
    .orderBy('path')
    .orderBy('name')
    .limit(p.limit),
);

const countActive = statement<{ path: string }>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('path', '=', p.path)
    .where('state', '=', 'active'),
);

const countActiveWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .where('state', '=', 'active'),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  afterPath: string;
  afterName: string;
  limit: number;
}

const page = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select(POLICY)
    .where('path', '>=', p.afterPath)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .where((e) => e.or([e('path', '>', p.afterPath), e('name', '>', p.afterName)]))
    .where('state', '<>', 'deleted')
    .orderBy('path')
    .orderBy('name')
    .limit(p.limit),
);

interface PolicyParameters {
  path: string;
  name: string;
  issuer: string;
  audience: string;
  conditions: string;
  grants: string;
  lifetimeMs: number;
  createdBy: string;
  now: number;
}

const insertRow = statement<PolicyParameters>()((q, p) =>
  q
    .insertInto('trust_policies')
    .values({
      path: p.path,
      name: p.name,
      issuer: p.issuer,
      audience: p.audience,
      conditions: p.conditions,
      grants: p.grants,
      lifetime_ms: p.lifetimeMs,
      epoch: 1,
      state: 'active',
      created_by: p.createdBy,
      created_at: p.now,
      last_used_at: null,
    })
    .onConflict((c) =>
      c
        .columns(['path', 'name'])
        .doUpdateSet((e) => ({
          issuer: p.issuer,
          audience: p.audience,
          conditions: p.conditions,
          grants: p.grants,
          lifetime_ms: p.lifetimeMs,
          epoch: e('trust_policies.epoch', '+', 1),
          state: 'active',
          created_by: p.createdBy,
          created_at: p.now,
          last_used_at: null,
        }))
        .where('trust_policies.state', '=', 'deleted'),
    ),
);

const setRow = statement<{
  id: number;
  issuer: string;
  audience: string;
  conditions: string;
  grants: string;
  lifetimeMs: number;
}>()((q, p) =>
  q
    .updateTable('trust_policies')
    .set((e) => ({
      issuer: p.issuer,
      audience: p.audience,
      conditions: p.conditions,
      grants: p.grants,
      lifetime_ms: p.lifetimeMs,
      epoch: e('epoch', '+', 1),
    }))
    .where('id', '=', p.id),
);

const setState = statement<{ id: number; state: AccountState }>()((q, p) =>
  q
    .updateTable('trust_policies')
    .set((e) => ({ state: p.state, epoch: e('epoch', '+', 1) }))
    .where('id', '=', p.id),
);

const setUsed = statement<{ id: number; at: number }>()((q, p) =>
  q
    .updateTable('trust_policies')
    .set({ last_used_at: p.at })
    .where('id', '=', p.id)
    .where((e) => e.or([e('last_used_at', 'is', null), e('last_used_at', '<', p.at)])),
);

export function readTrustPolicy(
  sql: Sql,
  id: TrustPolicyId,
): Promise<StoredTrustPolicy | undefined> {
  return sql.first(byId, { id });
}

/** A deleted one too: see its state. */
export function findTrustPolicy(
  sql: Sql,
  { path, name }: { path: string; name: string },
): Promise<StoredTrustPolicy | undefined> {
  return sql.first(byName, { path, name });
}

/** Where a list goes on. */
export interface TrustPolicyKey {
  readonly path: string;
  readonly name: string;
}

/** Up to `limit` active policies of an issuer, by path and name, after one of them. */
export function policiesOfIssuer(
  sql: Sql,
  list: { issuer: string; after?: TrustPolicyKey | undefined; limit: number },
): Promise<StoredTrustPolicy[]> {
  const { issuer, after = { path: '', name: '' }, limit } = list;
  return sql.all(ofIssuer, { issuer, afterPath: after.path, afterName: after.name, limit });
}

/** Those of the path itself that are in force. */
export async function countTrustPolicies(sql: Sql, path: string): Promise<number> {
  return Number((await sql.first(countActive, { path }))?.count ?? 0);
}

/** Those of a path and all below it that are in force. */
export async function countTrustPoliciesWithin(sql: Sql, path: string): Promise<number> {
  return Number((await sql.first(countActiveWithin, pathRange(path)))?.count ?? 0);
}

/** Up to `limit` policies of a path and all below it, by path and name, after one of them. */
export function listTrustPolicies(
  sql: Sql,
  list: { path: string; after?: { readonly path: string; readonly name: string }; limit: number },
): Promise<StoredTrustPolicy[]> {
  const { path, after = { path, name: '' }, limit } = list;
  const key = { afterPath: after.path, afterName: after.name };
  return sql.all(page, { ...pathRange(path), ...key, limit });
}

/** A deleted one of that name comes back with a new epoch. @returns undefined when one is there. */
export async function insertTrustPolicy(
  tx: Transaction,
  policy: TrustPolicyContent & { path: string; name: string; createdBy: string },
): Promise<TrustPolicyId | undefined> {
  if ((await tx.run(insertRow, { ...policy, now: await tx.now() })) === 0) return undefined;
  return (await findTrustPolicy(tx, policy))?.id;
}

/** The epoch rises: what was issued under the old content ends. */
export async function setTrustPolicy(
  tx: Transaction,
  policy: TrustPolicyContent & { id: TrustPolicyId },
): Promise<void> {
  await tx.run(setRow, policy);
}

/** The epoch rises. */
export async function setTrustPolicyState(
  tx: Transaction,
  change: { id: TrustPolicyId; state: AccountState },
): Promise<void> {
  await tx.run(setState, change);
}

export async function noteTrustPolicyUsed(
  tx: Transaction,
  used: { id: TrustPolicyId; at: number },
): Promise<void> {
  await tx.run(setUsed, used);
}
