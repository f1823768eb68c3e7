// The trash: what was deleted and can be restored. Tags, manifests and blobs stay in their tables, marked;
// a repository or namespace lies under a hidden name. A row here says when, by whom and why.
import type { Digest } from '../oci/digest.ts';
import type { Actor } from './audit.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { TrashKind } from './version-schema.ts';

const insertTrash = statement<{
  kind: string;
  path: string;
  repository: number | null;
  tag: string | null;
  digest: string | null;
  hiddenPath: string | null;
  plan: number | null;
  now: number;
  actor: string;
  principal: string;
  cause: string;
}>()((q, p) =>
  q
    .insertInto('trash')
    .values({
      kind: p.kind as TrashKind,
      path: p.path,
      repository_id: p.repository,
      tag: p.tag,
      digest: p.digest,
      hidden_path: p.hiddenPath,
      plan_id: p.plan,
      deleted_at: p.now,
      actor: p.actor,
      principal: p.principal,
      cause: p.cause,
    })
    .returning('id'),
);

const deleteTag = statement<{ repository: number; tag: string }>()((q, p) =>
  q
    .deleteFrom('trash')
    .where('repository_id', '=', p.repository)
    .where('kind', '=', 'tag')
    .where('tag', '=', p.tag),
);

const deleteDigest = statement<{ repository: number; kind: string; digest: string }>()((q, p) =>
  q
    .deleteFrom('trash')
    .where('repository_id', '=', p.repository)
    .where('kind', '=', p.kind as TrashKind)
    .where('digest', '=', p.digest),
);

export interface Trashed {
  readonly kind: TrashKind;
  /** Name of the repository, or path of the namespace. */
  readonly path: string;
  readonly repository?: RepositoryId | undefined;
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
  readonly hiddenPath?: string | undefined;
  readonly plan?: number | undefined;
  readonly actor: Actor;
  readonly cause: string;
}

/** @returns the id of the item. */
export async function putInTrash(tx: Transaction, item: Trashed): Promise<number> {
  const row = await tx.first(insertTrash, {
    kind: item.kind,
    path: item.path,
    repository: item.repository ?? null,
    tag: item.tag ?? null,
    digest: item.digest ?? null,
    hiddenPath: item.hiddenPath ?? null,
    plan: item.plan ?? null,
    now: await tx.now(),
    actor: item.actor.name,
    principal: item.actor.principal,
    cause: item.cause,
  });
  return row?.id as number;
}

/** A tag of that name points somewhere again: what it pointed at stands in its history. */
export async function forgetTrashedTag(
  tx: Transaction,
  key: { repository: RepositoryId; tag: string },
): Promise<void> {
  await tx.run(deleteTag, key);
}

/** A manifest or blob is back. */
export async function forgetTrashed(
  tx: Transaction,
  key: { repository: RepositoryId; kind: 'manifest' | 'blob'; digest: Digest },
): Promise<void> {
  await tx.run(deleteDigest, key);
}
