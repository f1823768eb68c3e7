// Policies that hang on a path and hold below it: retention, immutability, quota, time in the trash. Knows
// no form of theirs: a document is text here.
import { sql as raw } from 'kysely';
import { pathAndAbove } from '../oci/repository-name.ts';
import { wantedNames } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { PolicyKind } from './version-schema.ts';

export interface PathPolicy {
  readonly path: string;
  readonly kind: PolicyKind;
  /** JSON. */
  readonly document: string;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
  readonly updatedBy: string;
}

const COLUMNS = [
  's.path',
  's.kind',
  's.document',
  's.updated_at as updatedAt',
  's.updated_by as updatedBy',
] as const;

const holding = statement<{ paths: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('path_policies as s')
    .select(COLUMNS)
    .whereRef('s.path', '=', 'wanted.name')
    .orderBy(raw`length(s.path)`),
);

const within = statement<{ path: string; below: string; before: string; kind: string }>()((q, p) =>
  q
    .selectFrom('path_policies as s')
    .select(COLUMNS)
    .where('s.path', '>=', p.path)
    .where('s.path', '<', p.before)
    .where((e) => e.or([e('s.path', '=', p.path), e('s.path', '>=', p.below)]))
    .where('s.kind', '=', p.kind as PolicyKind)
    .orderBy('s.path'),
);

const ofKind = statement<{ kind: string }>()((q, p) =>
  q
    .selectFrom('path_policies as s')
    .select(COLUMNS)
    .where('s.kind', '=', p.kind as PolicyKind)
    .orderBy('s.path'),
);

const one = statement<{ path: string; kind: string }>()((q, p) =>
  q
    .selectFrom('path_policies as s')
    .select(COLUMNS)
    .where('s.path', '=', p.path)
    .where('s.kind', '=', p.kind as PolicyKind),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  afterPath: string;
  afterKind: string;
  limit: number;
}

const page = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('path_policies as s')
    .select(COLUMNS)
    .where('s.path', '>=', p.below)
    .where('s.path', '<', p.before)
    .where('s.path', '<>', p.path)
    .where((e) =>
      e.or([
        e('s.path', '>', p.afterPath),
        e.and([e('s.path', '=', p.afterPath), e('s.kind', '>', p.afterKind as PolicyKind)]),
      ]),
    )
    .orderBy('s.path')
    .orderBy('s.kind')
    .limit(p.limit),
);

const putRow = statement<{
  path: string;
  kind: string;
  document: string;
  now: number;
  by: string;
}>()((q, p) =>
  q
    .insertInto('path_policies')
    .values({
      path: p.path,
      kind: p.kind as PolicyKind,
      document: p.document,
      updated_at: p.now,
      updated_by: p.by,
    })
    .onConflict((c) =>
      c
        .columns(['path', 'kind'])
        .doUpdateSet({ document: p.document, updated_at: p.now, updated_by: p.by }),
    ),
);

const deleteRow = statement<{ path: string; kind: string }>()((q, p) =>
  q
    .deleteFrom('path_policies')
    .where('path', '=', p.path)
    .where('kind', '=', p.kind as PolicyKind),
);

/** Every policy on a path and above it, the root's first: of each kind but `quota` the last one holds. */
export function policiesHolding(sql: Sql, path: string): Promise<PathPolicy[]> {
  return sql.all(holding, { paths: JSON.stringify(pathAndAbove(path)) });
}

/** The policy of that kind that holds at a path: the nearest one. */
export async function nearestPolicy(
  sql: Sql,
  wanted: { path: string; kind: PolicyKind },
): Promise<PathPolicy | undefined> {
  const all = await policiesHolding(sql, wanted.path);
  return all.findLast(({ kind }) => kind === wanted.kind);
}

/** Policies of that kind at a path and below it, in byte order. */
export function policiesWithin(
  sql: Sql,
  wanted: { path: string; kind: PolicyKind },
): Promise<PathPolicy[]> {
  return sql.all(within, { ...pathRange(wanted.path), kind: wanted.kind });
}

/** What is set on a path itself. */
export function readPolicy(
  sql: Sql,
  key: { path: string; kind: PolicyKind },
): Promise<PathPolicy | undefined> {
  return sql.first(one, key);
}

export interface PolicyPage {
  readonly path: string;
  readonly after: { readonly path: string; readonly kind: string };
  readonly limit: number;
}

/** Up to `limit` of the policies below a path, of every kind, after `after`, by path and kind. */
export function policiesBelow(sql: Sql, { path, after, limit }: PolicyPage): Promise<PathPolicy[]> {
  const from = { afterPath: after.path, afterKind: after.kind };
  return sql.all(page, { ...pathRange(path), ...from, limit });
}

/** All policies of a kind, in byte order of their paths. */
export function policiesOfKind(sql: Sql, kind: PolicyKind): Promise<PathPolicy[]> {
  return sql.all(ofKind, { kind });
}

export async function writePolicy(
  tx: Transaction,
  policy: { path: string; kind: PolicyKind; document: string; by: string },
): Promise<void> {
  await tx.run(putRow, { ...policy, now: await tx.now() });
}

/** @returns false when there was none. */
export async function deletePolicy(
  tx: Transaction,
  key: { path: string; kind: PolicyKind },
): Promise<boolean> {
  return (await tx.run(deleteRow, key)) > 0;
}
