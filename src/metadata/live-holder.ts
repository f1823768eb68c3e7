// Whether a live manifest of a repository names a blob, as a condition of a statement: what makes a right to
// it held. One wording for those who release, purge and collect.
import { type RawBuilder, sql } from 'kysely';

/** `blob`: the column with its id. What a manifest is about it does not hold. */
export function isNamedByLive(named: { repository: number; blob: string }): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select 1 from manifest_references as naming
    inner join manifests as live on live.id = naming.parent_id
    where naming.child_id = ${sql.ref(named.blob)} and naming.repository_id = ${named.repository}
      and naming.kind <> 'subject' and live.deleted_at is null and live.released_at is null)`;
}
