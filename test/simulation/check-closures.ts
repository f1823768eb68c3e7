// A kept tag never loses a part: whatever its manifest names is held by the repository, and what those name.
import type { SqliteConnection } from '../../src/metadata/sqlite.ts';
import { type Digest, digestFromBytes } from '../../src/oci/digest.ts';
import type { Model } from './model.ts';
import { Violation } from './violation.ts';

interface MissingPart {
  readonly repository: string;
  readonly tag: string;
  readonly at: Uint8Array;
  readonly part: Uint8Array;
  readonly kind: string;
  /** 1: named by the tag's own manifest. */
  readonly level: number;
}

const MISSING_PARTS = `
  with recursive needed (tag_id, at_id, repository_id, blob_id, kind, level) as (
    select t.id, m.blob_id, t.repository_id, m.blob_id, 'manifest', 0
    from tags t join manifests m on m.id = t.manifest_id
    union
    select n.tag_id, n.at_id, n.repository_id, r.child_id, r.kind, n.level + 1 from needed n
    join manifests m on m.repository_id = n.repository_id and m.blob_id = n.blob_id
    join manifest_references r on r.parent_id = m.id and r.kind <> 'subject'
    where n.kind = 'manifest')
  select r.name as repository, t.name as tag, a.digest as at, b.digest as part, n.kind, n.level
  from needed n join blobs b on b.id = n.blob_id join blobs a on a.id = n.at_id
  join tags t on t.id = n.tag_id join repositories r on r.id = n.repository_id
  where b.state <> 'stored'
    or (n.kind = 'manifest' and not exists (select 1 from manifests m
      where m.repository_id = n.repository_id and m.blob_id = n.blob_id and m.deleted_at is null))
    or (n.kind <> 'manifest' and not exists (select 1 from repository_blobs rb
      where rb.repository_id = n.repository_id and rb.blob_id = n.blob_id and rb.deleted_at is null))`;

export function checkClosures(model: Model, connection: SqliteConnection): void {
  for (const missing of connection.query(MISSING_PARTS, []) as MissingPart[]) {
    const part = digestFromBytes(missing.part);
    if (missing.level > 1 && wasGoneBefore(model, missing, part)) continue;
    const { repository, tag, kind } = missing;
    throw new Violation(`the tag ${repository}:${tag} has lost a part: the ${kind} ${part}`);
  }
}

/**
 * A push of an index asks for the manifests that it names, not for their parts: somebody may have
 * deleted those before, while no tag needed them.
 */
function wasGoneBefore(model: Model, missing: MissingPart, part: Digest): boolean {
  const { repository, tag } = missing;
  const at = digestFromBytes(missing.at);
  const list = missing.kind === 'manifest' ? model.manifest : model.blob;
  const { removes } = list.call(model, repository, part);
  return model.tag(repository, tag).operations.some(({ effect, ended }) => {
    if (effect.kind !== 'put' || effect.digest !== at) return false;
    return removes.some((remove) => remove.outcome !== 'refused' && remove.begun < ended);
  });
}
