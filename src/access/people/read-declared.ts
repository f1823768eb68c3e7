// What a declaration of a path would say if it were written now.
import { type Grant, listGrants } from '../../metadata/grants.ts';
import { readPathSetting, settingsBelow } from '../../metadata/path-settings.ts';
import { type PathPolicy, policiesBelow, policiesHolding } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import { listTrustPolicies, type StoredTrustPolicy } from '../../metadata/trust-policies.ts';
import { parseConditions } from '../keyless/trust-policy.ts';
import type { Declared, DeclaredGrant, DeclaredPolicy, DeclaredSetting } from './declaration.ts';
import type { DeclaredPathPolicy } from './declared-policies.ts';
import { invalid } from './names.ts';

/** Of each section: it is held whole, and so is the text that is made of it. */
const MOST = 5_000;
const PAGE = 500;

/** @throws RegistryError REQUEST_INVALID when there is too much for one text. */
export async function readDeclared(sql: Sql, path: string): Promise<Declared> {
  const own = await readPathSetting(sql, path);
  const below = await everyPage(
    ({ path: after }) => settingsBelow(sql, { path, after, limit: PAGE }),
    { path },
  );
  const grants = await everyPage((after) => listGrants(sql, { path, after, limit: PAGE }), {
    path,
    id: 0,
  });
  const ownPolicies = (await policiesHolding(sql, path)).filter((policy) => policy.path === path);
  const policies = await everyPage<PathPolicy, { path: string; kind: string }>(
    (after) => policiesBelow(sql, { path, after, limit: PAGE }),
    { path, kind: '' },
  );
  const trustPolicies = await everyPage(
    (after) => listTrustPolicies(sql, { path, after, limit: PAGE }),
    { path, name: '' },
  );
  const hasOwn = own.visibility !== undefined || own.creation !== undefined;
  return {
    path,
    paths: (hasOwn ? [{ path, ...own }, ...below] : below).map(settingOf),
    // Of somebody who is gone: nobody could name them.
    grants: grants.flatMap((grant) => grantOf(grant) ?? []),
    policies: [...ownPolicies.sort(byKind), ...policies].map(pathPolicyOf),
    trustPolicies: trustPolicies.map(policyOf),
  };
}

async function everyPage<Row extends Key, Key>(
  read: (after: Key) => Promise<Row[]>,
  first: Key,
): Promise<Row[]> {
  const rows: Row[] = [];
  let page: Row[];
  do {
    page = await read(rows.at(-1) ?? first);
    rows.push(...page);
    if (rows.length > MOST) {
      throw invalid(`That is more than ${MOST} entries. Declare the paths below it one by one.`);
    }
  } while (page.length === PAGE);
  return rows;
}

function byKind(one: PathPolicy, other: PathPolicy): number {
  return one.kind < other.kind ? -1 : 1;
}

function pathPolicyOf({ path, kind, document }: PathPolicy): DeclaredPathPolicy {
  return { path, kind, policy: JSON.parse(document) as DeclaredPathPolicy['policy'] };
}

function settingOf({
  path,
  visibility,
  creation,
}: {
  path: string;
  visibility: DeclaredSetting['visibility'] | undefined;
  creation: DeclaredSetting['creation'] | undefined;
}): DeclaredSetting {
  return {
    path,
    ...(visibility !== undefined && { visibility }),
    ...(creation !== undefined && { creation }),
  };
}

function grantOf(grant: Grant): (DeclaredGrant & { id: number }) | undefined {
  const { id, subjectKind, subjectName, role, path, tags, condition } = grant;
  const isNameless = subjectKind === 'signed-in' || subjectKind === 'anyone';
  if (!isNameless && subjectName === undefined) return undefined;
  return {
    id,
    role,
    to: isNameless ? subjectKind : `${subjectKind}:${subjectName}`,
    on: path,
    ...(tags !== undefined && { tags: [...tags] }),
    // As addGrant wrote it.
    condition: condition as DeclaredGrant['condition'],
  };
}

function policyOf(policy: StoredTrustPolicy): DeclaredPolicy & { id: number } {
  const { id, path, name, issuer, audience, conditions, grants, lifetimeMs, state } = policy;
  return {
    id,
    path,
    name,
    issuer,
    audience,
    conditions: { ...parseConditions(conditions) } as DeclaredPolicy['conditions'],
    grants: JSON.parse(grants) as DeclaredPolicy['grants'],
    lifetimeSeconds: lifetimeMs / 1000,
    isDisabled: state === 'disabled',
  };
}
