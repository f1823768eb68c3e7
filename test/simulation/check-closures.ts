// A kept tag never loses a part: whatever its manifest names is held by the repository, and what those name.
import type { SqliteConnection } from '../../src/metadata/sqlite.ts';
import { digestFromBytes } from '../../src/oci/digest.ts';
import { Violation } from './violation.ts';

interface MissingPart {
  readonly repository: string;
  readonly tag: string;
  readonly part: Uint8Array;
  readonly kind: string;
}

const MISSING_PARTS = `
  with recursive needed (tag_id, repository_id, blob_id, kind) as (
    select t.id, t.repository_id, m.blob_id, 'manifest'
    from tags t join manifests m on m.id = t.manifest_id
    union
    select n.tag_id, n.repository_id, r.child_id, r.kind from needed n
    join manifests m on m.repository_id = n.repository_id and m.blob_id = n.blob_id
    join manifest_references r on r.parent_id = m.id and r.kind not in ('subject', 'foreign')
    where n.kind = 'manifest')
  select r.name as repository, t.name as tag, b.digest as part, n.kind
  from needed n join blobs b on b.id = n.blob_id
  join tags t on t.id = n.tag_id join repositories r on r.id = n.repository_id
  where b.state <> 'stored'
    or (n.kind = 'manifest' and not exists (select 1 from manifests m
      where m.repository_id = n.repository_id and m.blob_id = n.blob_id and m.deleted_at is null))
    or (n.kind <> 'manifest' and not exists (select 1 from repository_blobs rb
      where rb.repository_id = n.repository_id and rb.blob_id = n.blob_id and rb.deleted_at is null))`;

export function checkClosures(connection: SqliteConnection): void {
  for (const missing of connection.query(MISSING_PARTS, []) as MissingPart[]) {
    const part = digestFromBytes(missing.part);
    const { repository, tag, kind } = missing;
    throw new Violation(`the tag ${repository}:${tag} has lost a part: the ${kind} ${part}`);
  }
}
