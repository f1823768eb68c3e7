// What must hold after every history on PostgreSQL, whatever came between what.
import type { Connection } from './connection.ts';

/** Of one namespace; `$1` its path with a slash and a percent sign. Each row is a broken promise. */
const PROMISES: Readonly<Record<string, string>> = {
  'a tag has lost a part': `
    with recursive needed (tag_id, repository_id, blob_id, kind) as (
      select t.id, t.repository_id, m.blob_id, 'manifest'::text
      from tags t join manifests m on m.id = t.manifest_id
      join repositories r on r.id = t.repository_id where r.name like $1
      union
      select n.tag_id, n.repository_id, f.child_id, f.kind from needed n
      join manifests m on m.repository_id = n.repository_id and m.blob_id = n.blob_id
      join manifest_references f on f.parent_id = m.id and f.kind not in ('subject', 'foreign')
      where n.kind = 'manifest')
    select n.tag_id, n.kind, n.blob_id from needed n join blobs b on b.id = n.blob_id
    where b.state <> 'stored'
      or not exists (select 1 from payloads p where p.blob_id = b.id)
      or (n.kind = 'manifest' and not exists (select 1 from manifests m where m.blob_id = n.blob_id
        and m.repository_id = n.repository_id and m.deleted_at is null))
      or (n.kind <> 'manifest' and not exists (select 1 from repository_blobs rb
        where rb.repository_id = n.repository_id and rb.blob_id = n.blob_id
        and rb.deleted_at is null))`,
  'what a tag or a lease names is not live': `
    select m.id from manifests m join repositories r on r.id = m.repository_id
    where r.name like $1 and m.released_at is not null and m.deleted_at is null
      and (exists (select 1 from tags t where t.manifest_id = m.id)
        or exists (select 1 from lease_items i
          where i.repository_id = m.repository_id and i.blob_id = m.blob_id))`,
  'what a live index names, or refers to a live subject, is not live': `
    select m.id from manifests m join repositories r on r.id = m.repository_id
    where r.name like $1 and m.released_at is not null and m.deleted_at is null
      and (exists (select 1 from manifest_references f join manifests p on p.id = f.parent_id
          where f.child_id = m.blob_id and f.kind = 'manifest' and f.repository_id = m.repository_id
          and p.deleted_at is null and p.released_at is null)
        or exists (select 1 from manifests s where s.blob_id = m.subject_id
          and s.repository_id = m.repository_id and s.deleted_at is null and s.released_at is null))`,
  'bytes are called stored and are not there': `
    select b.id from blobs b where b.state = 'stored' and b.storage_key is null
      and not exists (select 1 from payloads p where p.blob_id = b.id)`,
  'a namespace uses something else than a recount says': `
    select s.path, s.bytes + coalesce(c.bytes, 0) as bytes, now.bytes as bytes_now,
      s.tags + coalesce(c.tags, 0) as tags, now.tags as tags_now
    from usage_scopes s
    left join (select scope_id, sum(bytes) as bytes, sum(tags) as tags from usage_changes
      group by scope_id) c on c.scope_id = s.id
    cross join lateral (select
      (select count(*) from tags t join repositories r on r.id = t.repository_id
        where r.name like $1 and t.manifest_id is not null) as tags,
      (select coalesce(sum(b.size), 0) from blobs b where b.id in (
        select rb.blob_id from repository_blobs rb join repositories r on r.id = rb.repository_id
        where r.name like $1 and rb.is_counted = 1 and rb.deleted_at is null
        union
        select m.blob_id from manifests m join repositories r on r.id = m.repository_id
        where r.name like $1 and m.deleted_at is null and m.released_at is null)) as bytes) now
    where s.path || '/%' = $1
      and (s.bytes + coalesce(c.bytes, 0) <> now.bytes or s.tags + coalesce(c.tags, 0) <> now.tags)`,
};

/** Once everything due was collected. */
const LEFTOVERS: Readonly<Record<string, string>> = {
  'a manifest that nothing holds stays for ever': `
    select m.id from manifests m join repositories r on r.id = m.repository_id
    where r.name like $1 and (m.released_at is not null or m.deleted_at is not null)`,
  'a right that nothing needs stays for ever': `
    select rb.blob_id, rb.unheld_since from repository_blobs rb
    join repositories r on r.id = rb.repository_id
    where r.name like $1 and not exists (select 1 from manifest_references f
      join manifests m on m.id = f.parent_id
      where f.child_id = rb.blob_id and f.repository_id = rb.repository_id)`,
  'a blob that nobody has stays for ever': `
    select b.id, b.unheld_since from blobs b where b.state = 'stored' and b.id >= $2::bigint
      and $1::text is not null
      and not exists (select 1 from repository_blobs rb where rb.blob_id = b.id)
      and not exists (select 1 from manifests m where m.blob_id = b.id)`,
};

async function firstBroken(
  connection: Connection,
  table: Readonly<Record<string, string>>,
  values: (string | number)[],
): Promise<string | undefined> {
  for (const [what, query] of Object.entries(table)) {
    const used = values.slice(0, query.includes('$2') ? 2 : query.includes('$1') ? 1 : 0);
    const [row] = await connection.unsafe(query, used);
    if (row !== undefined) return `${what}: ${JSON.stringify(row)}`;
  }
  return undefined;
}

export function brokenPromise(connection: Connection, path: string): Promise<string | undefined> {
  return firstBroken(connection, PROMISES, [`${path}/%`]);
}

/** `firstBlob`: the first id of a blob of this history. */
export function leftover(
  connection: Connection,
  { path, firstBlob }: { path: string; firstBlob: number },
): Promise<string | undefined> {
  return firstBroken(connection, LEFTOVERS, [`${path}/%`, firstBlob]);
}
