// What collection may never do, held against the whole database: what can be returned to is whole for its
// time, what namespaces use is what a recount says, and in the end no garbage is left.
import type { SqliteConnection } from '../../src/metadata/sqlite.ts';
import { digestFromBytes } from '../../src/oci/digest.ts';
import { WINDOW_MS } from './server.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

interface MissingPart {
  readonly repository: string;
  readonly root: Uint8Array;
  readonly part: Uint8Array;
  readonly kind: string;
}

/** Roots: what is released or in the trash and has time left, and what is leased. Rows must all be there. */
const LOST = `
  with recursive needed (root_id, repository_id, blob_id, kind) as (
    select m.blob_id, m.repository_id, m.blob_id, 'manifest' from manifests m
    where (m.deleted_at is null and m.released_at > ?1) or m.deleted_at > ?1
      or exists (select 1 from lease_items l
        where l.repository_id = m.repository_id and l.blob_id = m.blob_id and m.deleted_at is null)
    union
    select n.root_id, n.repository_id, r.child_id, r.kind from needed n
    join manifests m on m.repository_id = n.repository_id and m.blob_id = n.blob_id
    join manifest_references r on r.parent_id = m.id and r.kind not in ('subject', 'foreign')
    where n.kind = 'manifest')
  select r.name as repository, root.digest as root, b.digest as part, n.kind
  from needed n join blobs b on b.id = n.blob_id join blobs root on root.id = n.root_id
  join repositories r on r.id = n.repository_id
  where b.state <> 'stored'
    or (n.kind = 'manifest' and not exists (select 1 from manifests m
      where m.repository_id = n.repository_id and m.blob_id = n.blob_id))
    or (n.kind <> 'manifest' and not exists (select 1 from repository_blobs rb
      where rb.repository_id = n.repository_id and rb.blob_id = n.blob_id))`;

/** Where tags were: the digest must still be there, pulled or restored. */
const LEFT = `
  select r.name as repository, b.digest as root, b.digest as part, 'manifest' as kind
  from tag_events e join tags t on t.id = e.tag_id join repositories r on r.id = t.repository_id
  join blobs b on b.id = e.old_blob_id
  where e.at > ?1 and not exists (select 1 from manifests m
    where m.repository_id = t.repository_id and m.blob_id = e.old_blob_id)`;

const USED = `
  select s.path, s.bytes, s.blobs, s.tags, s.repositories,
    (select coalesce(sum(b.size), 0) from blobs b where COUNTED) as bytesNow,
    (select count(*) from blobs b where COUNTED) as blobsNow,
    (select count(*) from tags where manifest_id is not null) as tagsNow,
    (select count(*) from repositories where listed = 1) as repositoriesNow
  from usage_scopes s where s.path = 'team'`.replaceAll(
  'COUNTED',
  `(exists (select 1 from repository_blobs rb where rb.blob_id = b.id and rb.is_counted = 1
      and rb.deleted_at is null)
    or exists (select 1 from manifests m where m.blob_id = b.id and m.deleted_at is null
      and m.released_at is null))`,
);

export function checkCollected(world: World): void {
  const { connection } = world.database;
  const since = world.now() - WINDOW_MS;
  for (const query of [LOST, LEFT]) {
    for (const missing of connection.query(query, [since]) as MissingPart[]) {
      if (mayHaveBeenDeleted(world, missing)) continue;
      const { repository, kind } = missing;
      const [root, part] = [digestFromBytes(missing.root), digestFromBytes(missing.part)];
      throw new Violation(`${repository}@${root} has time left and lost the ${kind} ${part}`);
    }
  }
  checkUse(connection);
}

/** Somebody asked for the part to go, which no tag needed then: it went at the end of its own time. */
function mayHaveBeenDeleted({ model }: World, missing: MissingPart): boolean {
  const digest = digestFromBytes(missing.part);
  const { repository, kind } = missing;
  return kind === 'manifest'
    ? model.manifest(repository, digest).mayBeDeleted
    : model.blob(repository, digest).mayBeDeleted;
}

type Use = Record<'bytes' | 'blobs' | 'tags' | 'repositories', number>;

function checkUse(connection: SqliteConnection): void {
  const [row] = connection.query(USED, []) as (Use & Record<string, number>)[];
  if (row === undefined) return;
  for (const name of ['bytes', 'blobs', 'tags', 'repositories'] as const) {
    if (row[name] === row[`${name}Now`]) continue;
    throw new Violation(
      `the namespace is said to use ${row[name]} ${name}, not ${row[`${name}Now`]}`,
    );
  }
}

/** What must be empty once everything had its time. */
const GARBAGE: Readonly<Record<string, string>> = {
  'a released manifest': 'select id from manifests where released_at is not null',
  'a deleted manifest': 'select id from manifests where deleted_at is not null',
  'a right that nothing needs': `select rb.blob_id from repository_blobs rb
    where rb.unheld_since is not null or not exists (select 1 from manifest_references r
      join manifests m on m.id = r.parent_id
      where r.repository_id = rb.repository_id and r.child_id = rb.blob_id)`,
  'a marked blob': 'select id from blobs where unheld_since is not null',
  'a blob that nobody has': `select id from blobs b where state = 'stored'
    and not exists (select 1 from repository_blobs rb where rb.blob_id = b.id)
    and not exists (select 1 from manifests m where m.blob_id = b.id)`,
  'a row of a blob that nothing speaks of': `select id from blobs b where state = 'absent'
    and not exists (select 1 from manifest_references r where r.child_id = b.id)
    and not exists (select 1 from tag_events e where e.old_blob_id = b.id or e.new_blob_id = b.id)`,
  'bytes of a blob that is gone': `select blob_id from payloads p
    join blobs b on b.id = p.blob_id where b.state <> 'stored'`,
  'an item of the trash': "select id from trash where kind in ('manifest', 'blob')",
  'a removal': 'select id from removals',
};

export function checkNoGarbage({ database }: World): void {
  for (const [what, query] of Object.entries(GARBAGE)) {
    const [row] = database.connection.query(query, []) as Record<string, number>[];
    if (row !== undefined) throw new Violation(`${what} stays for ever: ${JSON.stringify(row)}`);
  }
}
