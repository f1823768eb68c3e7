// The history of each tag: numbered without a gap, each event going on from the one before, the last
// one where the tag is; and one row of the outbox for each move.
import type { SqliteConnection } from '../../src/metadata/sqlite.ts';
import { digestFromBytes } from '../../src/oci/digest.ts';
import { Violation } from './violation.ts';

interface EventRow {
  readonly tag: number;
  readonly repository: number;
  readonly name: string;
  readonly sequence: number;
  readonly from: Uint8Array | null;
  readonly to: Uint8Array | null;
  readonly at: number;
}

interface TagRow {
  readonly id: number;
  readonly name: string;
  readonly sequence: number;
  readonly digest: Uint8Array | null;
}

export function checkHistories(connection: SqliteConnection): void {
  const events = connection.query(
    `select e.tag_id as tag, t.repository_id as repository, t.name, e.sequence, o.digest as "from",
       n.digest as "to", e.at
     from tag_events e join tags t on t.id = e.tag_id
     left join blobs o on o.id = e.old_blob_id left join blobs n on n.id = e.new_blob_id
     order by e.tag_id, e.sequence`,
    [],
  ) as EventRow[];
  const tags = connection.query(
    `select t.id, t.name, t.sequence, b.digest from tags t
     left join manifests m on m.id = t.manifest_id left join blobs b on b.id = m.blob_id`,
    [],
  ) as TagRow[];
  for (const tag of tags) {
    checkTag(
      tag,
      events.filter((event) => event.tag === tag.id),
    );
  }
  checkOutbox(connection, events);
}

function checkTag(tag: TagRow, events: readonly EventRow[]): void {
  let at: Uint8Array | null = null;
  let time = 0;
  events.forEach((event, index) => {
    const isNext = event.sequence === index + 1 && isSame(event.from, at) && event.at >= time;
    if (!isNext) throw new Violation(`the history of the tag ${tag.name} breaks at ${index + 1}`);
    at = event.to;
    time = event.at;
  });
  if (tag.sequence !== events.length || !isSame(tag.digest, at)) {
    throw new Violation(`the tag ${tag.name} is not where its history ends`);
  }
}

/** In the outbox the moves of one tag stand in the order of its history. */
function checkOutbox(connection: SqliteConnection, events: readonly EventRow[]): void {
  const rows = connection.query(
    `select repository_id as repository, detail from outbox where kind = 'tag' order by id`,
    [],
  ) as { repository: number; detail: string }[];
  const told = rows.map(({ repository, detail }) => {
    const { tag, from, to } = JSON.parse(detail) as { tag: string; from?: string; to?: string };
    return `${repository} ${tag} ${from} ${to}`;
  });
  const moved = events.map(
    ({ repository, name, from, to }) => `${repository} ${name} ${shown(from)} ${shown(to)}`,
  );
  if (told.toSorted().join('\n') === moved.toSorted().join('\n')) return;
  throw new Violation(`the outbox tells ${told.length} moves of tags, not these ${moved.length}`);
}

function shown(digest: Uint8Array | null): string | undefined {
  return digest === null ? undefined : digestFromBytes(digest);
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(a, b) === 0;
}
