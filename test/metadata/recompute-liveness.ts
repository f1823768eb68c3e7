// What is live and held, worked out from nothing over whole tables in memory: a second statement of
// docs/decisions/0020-liveness.md, to compare with what the transactions wrote down.
import type { Sql } from '../../src/metadata/sql.ts';
import { statement } from '../../src/metadata/statement.ts';
import { digestFromBytes } from '../../src/oci/digest.ts';

const manifestRows = statement()((q) => q.selectFrom('manifests').selectAll().orderBy('id'));
const referenceRows = statement()((q) => q.selectFrom('manifest_references').selectAll());
const tagRows = statement()((q) => q.selectFrom('tags').selectAll());
const rightRows = statement()((q) => q.selectFrom('repository_blobs').selectAll());
const leaseRows = statement()((q) => q.selectFrom('lease_items').selectAll());
const blobRows = statement()((q) => q.selectFrom('blobs').select(['id', 'digest']));
const outboxRows = statement()((q) => q.selectFrom('outbox').selectAll().orderBy('id'));

export interface Recomputed {
  readonly differences: readonly string[];
  readonly live: number;
  readonly released: number;
}

/** What happened last to a digest of a repository: it was pushed, or a tag left it. */
function lastWords(
  outbox: readonly { kind: string; repository_id: number; detail: string }[],
): Map<string, 'pushed' | 'left'> {
  const last = new Map<string, 'pushed' | 'left'>();
  for (const { kind, repository_id, detail } of outbox) {
    const { digest, from } = JSON.parse(detail) as { digest?: string; from?: string };
    if (kind === 'push') last.set(`${repository_id}/${digest}`, 'pushed');
    if (kind === 'tag' && from !== undefined) last.set(`${repository_id}/${from}`, 'left');
  }
  return last;
}

export async function recomputeLiveness(sql: Sql): Promise<Recomputed> {
  const manifests = await sql.all(manifestRows, {});
  const references = await sql.all(referenceRows, {});
  const tags = await sql.all(tagRows, {});
  const leases = await sql.all(leaseRows, {});
  const lastSaid = lastWords(await sql.all(outboxRows, {}));
  const digests = new Map((await sql.all(blobRows, {})).map((b) => [b.id, b.digest]));
  const rights = await sql.all(rightRows, {});

  const present = manifests.filter((m) => m.deleted_at === null);
  const byBlob = new Map(present.map((m) => [`${m.repository_id}/${m.blob_id}`, m]));
  const below = new Map<number, number[]>();
  const hold = (holder: number, held: number) =>
    below.set(holder, [...(below.get(holder) ?? []), held]);
  for (const { parent_id, child_id, kind } of references) {
    const parent = present.find(({ id }) => id === parent_id);
    const child = parent && byBlob.get(`${parent.repository_id}/${child_id}`);
    if (kind === 'manifest' && child !== undefined) hold(parent_id, child.id);
  }
  for (const m of present) {
    const subject = byBlob.get(`${m.repository_id}/${m.subject_id}`);
    if (subject !== undefined) hold(subject.id, m.id);
  }
  // Reached from a tag or a lease.
  const reached = new Set(tags.flatMap(({ manifest_id: id }) => (id === null ? [] : [id])));
  for (const { repository_id, blob_id } of leases) {
    const leased = byBlob.get(`${repository_id}/${blob_id}`);
    if (leased !== undefined) reached.add(leased.id);
  }
  for (const id of reached) for (const lower of below.get(id) ?? []) reached.add(lower);

  const differences: string[] = [];
  for (const m of present) {
    const isLive = m.released_at === null;
    if (reached.has(m.id) && !isLive) differences.push(`manifest ${m.id} is tagged and released`);
    // What no tag reaches is live only when it was pushed since it lost its last tag, or is below such.
    const digest = digestFromBytes(digests.get(m.blob_id) as Uint8Array);
    const isLeft = lastSaid.get(`${m.repository_id}/${digest}`) === 'left';
    if (!reached.has(m.id) && isLive && isLeft && !isBelowLive(m.id)) {
      differences.push(`manifest ${m.id} lost its tags and is live`);
    }
  }
  function isBelowLive(id: number): boolean {
    return present.some((m) => m.released_at === null && below.get(m.id)?.includes(id) === true);
  }

  const isLive = new Set(present.filter((m) => m.released_at === null).map(({ id }) => id));
  const needed = new Set(
    references
      .filter(({ kind, parent_id }) => kind !== 'subject' && isLive.has(parent_id))
      .map(({ repository_id, child_id }) => `${repository_id}/${child_id}`),
  );
  for (const right of rights) {
    const key = `${right.repository_id}/${right.blob_id}`;
    const isHeld = right.unheld_since === null;
    if (right.deleted_at !== null) {
      if (right.is_counted !== 0) differences.push(`the deleted right ${key} is counted`);
      continue;
    }
    if (needed.has(key) && !isHeld) differences.push(`the right ${key} is needed and unheld`);
    if (!needed.has(key) && isHeld) differences.push(`the right ${key} is held by nothing`);
    if (isHeld && right.is_counted !== 1) differences.push(`the held right ${key} is not counted`);
  }
  return { differences, live: isLive.size, released: present.length - isLive.size };
}
