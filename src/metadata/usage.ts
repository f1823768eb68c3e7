// What namespaces use: bytes of distinct live blobs, tags, repositories. Kept up in the transaction of each
// change, for the paths that stand in `usage_scopes`, exactly and without one row that all pushes wait for:
// on PostgreSQL what is added is a row of `usage_changes` of its own. See docs/decisions/0020-liveness.md.
import { sql as raw } from 'kysely';
import { pathAndAbove } from '../oci/repository-name.ts';
import { isWithin } from './counted-content.ts';
import { wantedIds, wantedNames } from './fragments.ts';
import { type PathRange, pathRange } from './path-range.ts';
import type { Transaction } from './sql.ts';
import { type Engine, type Queries, statement } from './statement.ts';
import type { ScopeState } from './version-schema.ts';

/** Zero or more of each; a change may have less than zero. */
export interface Usage {
  /** Of distinct live blobs, manifests included. */
  readonly bytes: number;
  readonly blobs: number;
  readonly tags: number;
  readonly repositories: number;
}

/** What a transaction has added to a path whose use is counted. */
export interface ScopeGrowth extends Usage {
  readonly scope: number;
  readonly path: string;
}

export interface UsageGrowth {
  /** The repository in which it happened. */
  readonly repository: string;
  /** Only those that grew and have a quota, the root's first. */
  readonly scopes: readonly ScopeGrowth[];
}

export interface SizedBlob {
  readonly id: number;
  /** Bytes. */
  readonly size: number;
}

interface ScopeRow {
  readonly id: number;
  readonly path: string;
  readonly state: ScopeState;
  readonly countedTo: string;
  readonly isLimited: number;
}

/** Each kept as it is: a count that begins anew waits until the transaction ends. */
const scopesAbove = statement<{ paths: string }>()((q, p, engine) => {
  const rows = q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('usage_scopes as s')
    .select(['s.id', 's.path', 's.state', 's.counted_to as countedTo'])
    .select('s.is_limited as isLimited')
    .whereRef('s.path', '=', 'wanted.name')
    .orderBy(raw`length(s.path)`);
  return engine === 'postgres' ? rows.forKeyShare('s') : rows;
});

const addBlobs = statement<{ scope: number; blobs: string }>()((q, p, engine) =>
  q
    .insertInto('scope_blobs')
    .columns(['scope_id', 'blob_id'])
    .expression(
      q
        .selectFrom(wantedIds(engine, p.blobs))
        .select([raw<number>`cast(${p.scope} as bigint)`.as('scope_id'), 'wanted.id as blob_id'])
        // SQLite would read `on conflict` as a join condition without it.
        .where(raw<boolean>`true`),
    )
    .onConflict((c) => c.columns(['scope_id', 'blob_id']).doNothing())
    .returning('blob_id as id'),
);

const keepScopeBlobs = statement<{ scope: number; blobs: string }>()((q, p, engine) => {
  const rows = scopeBlobs(q, p, engine).orderBy('sb.blob_id');
  return engine === 'postgres' ? rows.forKeyShare('sb') : rows;
});

const lockScopeBlobs = statement<{ scope: number; blobs: string }>()((q, p, engine) => {
  const rows = scopeBlobs(q, p, engine).orderBy('sb.blob_id');
  return engine === 'postgres' ? rows.forUpdate('sb') : rows;
});

function scopeBlobs(q: Queries, p: { scope: number; blobs: string }, engine: Engine) {
  return q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('scope_blobs as sb')
    .select('sb.blob_id as id')
    .where('sb.scope_id', '=', p.scope)
    .whereRef('sb.blob_id', '=', 'wanted.id');
}

/** Those of `blobs` that nothing counted below the path names any more. */
const dropBlobs = statement<{ scope: number; blobs: string } & PathRange>()((q, p, engine) => {
  const inRange = isWithin(p);
  return q
    .deleteFrom('scope_blobs')
    .where('scope_id', '=', p.scope)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id'))
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('repository_blobs as rb')
            .innerJoin('repositories as r', 'r.id', 'rb.repository_id')
            .select('rb.blob_id')
            .whereRef('rb.blob_id', '=', 'scope_blobs.blob_id')
            .where('rb.is_counted', '=', 1)
            .where('rb.deleted_at', 'is', null)
            .where(inRange),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('manifests as m')
            .innerJoin('repositories as r', 'r.id', 'm.repository_id')
            .select('m.id')
            .whereRef('m.blob_id', '=', 'scope_blobs.blob_id')
            .where('m.deleted_at', 'is', null)
            .where('m.released_at', 'is', null)
            .where(inRange),
        ),
      ),
    )
    .returning('blob_id as id');
});

export interface ChangeParameters {
  scope: number;
  bytes: number;
  blobs: number;
  tags: number;
  repositories: number;
}

export const addToScope = statement<ChangeParameters>()((q, p) =>
  q
    .updateTable('usage_scopes')
    .set((e) => ({
      bytes: e('bytes', '+', p.bytes),
      blobs: e('blobs', '+', p.blobs),
      tags: e('tags', '+', p.tags),
      repositories: e('repositories', '+', p.repositories),
    }))
    .where('id', '=', p.scope),
);

const addChange = statement<ChangeParameters>()((q, p) =>
  q.insertInto('usage_changes').values({
    scope_id: p.scope,
    bytes: p.bytes,
    blobs: p.blobs,
    tags: p.tags,
    repositories: p.repositories,
  }),
);

/** What a transaction does to the use of the namespaces above one repository; settled once, at its end. */
export class UsageTally {
  readonly added = new Map<number, number>();
  readonly removed = new Map<number, number>();
  tags = 0;
  repositories = 0;

  add(blobs: readonly SizedBlob[]): void {
    for (const { id, size } of blobs) this.added.set(id, size);
  }

  remove(blobs: readonly SizedBlob[]): void {
    for (const { id, size } of blobs) this.removed.set(id, size);
  }

  get isEmpty(): boolean {
    const { added, removed, tags, repositories } = this;
    return added.size === 0 && removed.size === 0 && tags === 0 && repositories === 0;
  }
}

/**
 * Writes a tally down in every scope at the repository and above it. Call it last in the transaction: rows
 * that it locks are shared by many repositories. @returns what grew.
 */
export async function settleUsage(
  tx: Transaction,
  { name, tally }: { name: string; tally: UsageTally },
): Promise<UsageGrowth> {
  if (tally.isEmpty) return { repository: name, scopes: [] };
  const scopes = await scopesOf(tx, name);
  const grown: ScopeGrowth[] = [];
  for (const scope of scopes) {
    const change = await settleScope(tx, { name, tally, scope });
    const { bytes, tags, repositories } = change;
    if (scope.isLimited === 1 && (bytes > 0 || tags > 0 || repositories > 0)) {
      grown.push({ scope: scope.id, path: scope.path, ...change });
    }
  }
  return { repository: name, scopes: grown };
}

function scopesOf(tx: Transaction, name: string): Promise<ScopeRow[]> {
  // What lies in the trash (`~12/team/app`) is no part of what the root uses.
  const paths = pathAndAbove(name).slice(name.startsWith('~') ? 1 : 0);
  return tx.all(scopesAbove, { paths: JSON.stringify(paths) });
}

/** Whether a quota is set at the repository or above it. */
export async function isLimited(tx: Transaction, name: string): Promise<boolean> {
  return (await scopesOf(tx, name)).some((scope) => scope.isLimited === 1);
}

async function settleScope(
  tx: Transaction,
  { name, tally, scope }: { name: string; tally: UsageTally; scope: ScopeRow },
): Promise<Usage> {
  const added = await addToScopeBlobs(tx, { scope: scope.id, blobs: tally.added });
  const removed = await removeFromScopeBlobs(tx, { scope, blobs: tally.removed });
  // What a repository has that is not reached yet, the job that counts will see for itself.
  const isBegun = scope.countedTo !== '';
  const isReached = scope.state === 'exact' || (isBegun && name <= scope.countedTo);
  const change = {
    bytes: added.bytes - removed.bytes,
    blobs: added.blobs - removed.blobs,
    tags: isReached ? tally.tags : 0,
    repositories: isReached ? tally.repositories : 0,
  };
  await writeChange(tx, { scope: scope.id, ...change });
  return change;
}

export async function writeChange(tx: Transaction, change: ChangeParameters): Promise<void> {
  const { bytes, blobs, tags, repositories } = change;
  if (bytes === 0 && blobs === 0 && tags === 0 && repositories === 0) return;
  if (tx.engine === 'sqlite') await tx.run(addToScope, change);
  else await tx.run(addChange, change);
}

type Counted = Pick<Usage, 'bytes' | 'blobs'>;

/** A row may be on its way out in another transaction: looked at again so often. */
const MOST_TRIES = 10;

/** @returns what was not counted there before. */
export async function addToScopeBlobs(
  tx: Transaction,
  { scope, blobs }: { scope: number; blobs: ReadonlyMap<number, number> },
): Promise<Counted> {
  if (blobs.size === 0) return { bytes: 0, blobs: 0 };
  const list = idList(blobs);
  const inserted: number[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    inserted.push(...(await tx.all(addBlobs, { scope, blobs: list })).map(({ id }) => id));
    if (tx.engine === 'sqlite' || inserted.length === blobs.size) return counted(blobs, inserted);
    // Those that were there must stay until this transaction ends.
    const kept = await tx.all(keepScopeBlobs, { scope, blobs: list });
    if (kept.length === blobs.size) return counted(blobs, inserted);
  }
  throw new Error('blobs of a namespace come and go faster than they can be counted');
}

/** @returns what is not counted there any more. */
export async function removeFromScopeBlobs(
  tx: Transaction,
  { scope, blobs }: { scope: { id: number; path: string }; blobs: ReadonlyMap<number, number> },
): Promise<Counted> {
  if (blobs.size === 0) return { bytes: 0, blobs: 0 };
  const wanted = { scope: scope.id, blobs: idList(blobs) };
  // Locked first, looked at in a new statement: what others have added since must be seen.
  if (tx.engine === 'postgres') await tx.all(lockScopeBlobs, wanted);
  const gone = await tx.all(dropBlobs, { ...wanted, ...pathRange(scope.path) });
  return counted(
    blobs,
    gone.map(({ id }) => id),
  );
}

function counted(sizes: ReadonlyMap<number, number>, ids: readonly number[]): Counted {
  let bytes = 0;
  for (const id of ids) bytes += sizes.get(id) ?? 0;
  return { bytes, blobs: ids.length };
}

/** In one order, so that two transactions never wait for each other in a circle. */
function idList(blobs: ReadonlyMap<number, number>): string {
  return JSON.stringify([...blobs.keys()].sort((a, b) => a - b));
}
