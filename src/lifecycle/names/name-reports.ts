// What deleting or renaming a place would do, in numbers and in rights, before it is done. Long reads.
import { type Action, isBuiltInRole, ROLES } from '../../access/action.ts';
import { type Grant, grantsAt } from '../../metadata/grants.ts';
import { leaseOnPlace, type PlaceLease } from '../../metadata/leased-places.ts';
import { isAnyRepositoryBelow, parentOf, whatLiesAt } from '../../metadata/names.ts';
import { nearestVisibility, settingsHolding } from '../../metadata/path-settings.ts';
import { policiesHolding } from '../../metadata/policies.ts';
import type { Report, ReportSql } from '../../metadata/report.ts';
import { listRoles } from '../../metadata/roles.ts';
import { movedContent } from '../../metadata/usage-moves.ts';
import { recountUsage } from '../../metadata/usage-scopes.ts';
import { pathAndAbove } from '../../oci/repository-name.ts';
import { type Quota, quotasAmong } from '../quota/quota.ts';

export interface PlacePreview {
  readonly repositories: number;
  readonly tags: number;
  /** Of distinct live blobs; undefined: of a repository above others, which is not added up alone. */
  readonly bytes: number | undefined;
  readonly grants: number;
  readonly settings: number;
  readonly policies: number;
  readonly robots: number;
  readonly trustPolicies: number;
  /** Somebody says that something in it is in use: it cannot be deleted. */
  readonly lease: PlaceLease | undefined;
}

export interface AccessChange {
  /** `user alice`, `team acme/core`, `anyone`. */
  readonly subject: string;
  readonly gains: readonly Action[];
  readonly loses: readonly Action[];
}

export interface RenamePreview extends PlacePreview {
  readonly access: readonly AccessChange[];
  readonly visibility: { readonly before: string; readonly after: string };
  /** That hold at the new place and did not at the old one. */
  readonly quotas: readonly { readonly path: string; readonly quota: Quota }[];
}

interface Asked {
  readonly kind: 'repository' | 'namespace';
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function nameReports() {
  return { previewDeletion: previewPlace, previewRename } satisfies Record<
    string,
    Report<never, unknown>
  >;
}

async function previewPlace(sql: ReportSql, { kind, path, now }: Asked): Promise<PlacePreview> {
  const isWhole = kind === 'namespace' || !(await isAnyRepositoryBelow(sql, path));
  const lease = await leaseOnPlace(
    {
      engine: sql.engine,
      all: (s, p) => sql.all(s, p),
      first: (s, p) => sql.first(s, p),
      now: async () => now,
    },
    { path, isWhole },
  );
  if (!isWhole) {
    const { tags } = await movedContent(sql, { path, isWhole, listed: 1 });
    return { ...NOTHING, repositories: 1, tags, bytes: undefined, lease };
  }
  const { repositories, grants, settings, policies, robots, trustPolicies } = await whatLiesAt(
    sql,
    path,
  );
  const { tags, bytes } = await recountUsage(sql, path);
  return { repositories, tags, bytes, grants, settings, policies, robots, trustPolicies, lease };
}

const NOTHING = { grants: 0, settings: 0, policies: 0, robots: 0, trustPolicies: 0 } as const;

async function previewRename(
  sql: ReportSql,
  asked: Asked & { to: string; grants: 'take' | 'leave' },
): Promise<RenamePreview> {
  const { path, to, grants } = asked;
  const place = await previewPlace(sql, asked);
  const before = await rightsAlong(sql, pathAndAbove(path));
  const takes = grants === 'take' ? [path] : [];
  const after = await rightsAlong(sql, [...pathAndAbove(parentOf(to)), ...takes]);
  const quotasBefore = new Set(
    quotasAmong(await policiesHolding(sql, parentOf(path))).map((q) => q.path),
  );
  const quotas = quotasAmong(await policiesHolding(sql, parentOf(to))).filter(
    (one) => !quotasBefore.has(one.path),
  );
  const visibility = {
    before: await nearestVisibility(sql, path),
    after: await visibilityAfter(sql, { path, to }),
  };
  return { ...place, access: changesBetween(before, after), visibility, quotas };
}

/** Its own setting goes along. */
async function visibilityAfter(
  sql: ReportSql,
  { path, to }: { path: string; to: string },
): Promise<string> {
  const own = (await settingsHolding(sql, path)).find((setting) => setting.path === path);
  return own?.visibility ?? nearestVisibility(sql, parentOf(to));
}

type Rights = ReadonlyMap<string, ReadonlySet<Action>>;

/** Owners of top namespaces are among them. Rights for some tags only count as what they are at most. */
async function rightsAlong(sql: ReportSql, paths: readonly string[]): Promise<Rights> {
  const custom = new Map((await listRoles(sql)).map(({ name, actions }) => [name, actions]));
  const rights = new Map<string, Set<Action>>();
  const add = (subject: string, actions: readonly Action[]) => {
    const known = rights.get(subject) ?? new Set();
    for (const action of actions) known.add(action);
    rights.set(subject, known);
  };
  for (const path of paths) {
    if (path !== '' && !path.includes('/')) add(`whoever owns the namespace ${path}`, ROLES.owner);
    for (const grant of await grantsAt(sql, path)) {
      const { role } = grant;
      const actions = isBuiltInRole(role) ? ROLES[role] : (custom.get(role) ?? []);
      add(subjectOf(grant), actions as readonly Action[]);
    }
  }
  return rights;
}

function subjectOf({ subjectKind, subjectName }: Grant): string {
  if (subjectKind === 'anyone') return 'anyone';
  if (subjectKind === 'signed-in') return 'any signed-in user';
  return `${subjectKind} ${subjectName ?? '(gone)'}`;
}

function changesBetween(before: Rights, after: Rights): AccessChange[] {
  const subjects = [...new Set([...before.keys(), ...after.keys()])].sort();
  return subjects.flatMap((subject) => {
    const had = before.get(subject) ?? new Set<Action>();
    const has = after.get(subject) ?? new Set<Action>();
    const gains = [...has].filter((action) => !had.has(action));
    const loses = [...had].filter((action) => !has.has(action));
    return gains.length + loses.length === 0 ? [] : [{ subject, gains, loses }];
  });
}
