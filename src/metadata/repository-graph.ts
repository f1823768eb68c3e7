// One repository as a whole: what a retention run, a plan or sizes need to know of it, in a few statements and
// compact arrays. Knows no rule: what holds what is for the caller to work out.
//
// Everything is numbered anew: a manifest by its place in `manifests`, a blob by its place in `blobs`.
// A repository of 10,000 tags with 10 layers each takes 5 MB; it is read in pages, within one snapshot.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import { wantedIds } from './fragments.ts';
import type { ReportSql } from './report.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

export interface RepositoryGraph {
  readonly repository: RepositoryId;
  /** Those that point at something, in byte order. */
  readonly tags: readonly GraphTag[];
  /** All of them, also released ones and those in the trash, by id. */
  readonly manifests: readonly GraphManifest[];
  readonly references: GraphReferences;
  readonly blobs: GraphBlobs;
}

export interface GraphTag {
  readonly id: number;
  readonly name: string;
  /** Place in `manifests`. */
  readonly manifest: number;
  readonly sequence: number;
  /** Milliseconds since 1970: when it came to point there. That a restore or an undo put it back does not count. */
  readonly movedAt: number;
  readonly pulledAt: number | undefined;
}

export interface GraphManifest {
  readonly id: number;
  readonly digest: Digest;
  /** Place in `blobs`. */
  readonly blob: number;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  /** Place in `blobs`; the repository need not hold it. */
  readonly subject: number | undefined;
  readonly createdAt: number;
  /** In the trash since; else undefined. */
  readonly deletedAt: number | undefined;
  /** Held by nothing since; else undefined. */
  readonly releasedAt: number | undefined;
  readonly pulledAt: number | undefined;
  readonly isLeased: boolean;
}

export const REFERENCE_KINDS = ['config', 'layer', 'manifest', 'subject', 'foreign'] as const;

/** What manifest `i` names stands at `first[i]` to before `first[i + 1]`. */
export interface GraphReferences {
  readonly first: Int32Array;
  /** Places in `blobs`. */
  readonly children: Int32Array;
  /** Places in `REFERENCE_KINDS`. */
  readonly kinds: Uint8Array;
}

/** The repository's right to a blob. `gone`: in the trash. `counted`: part of what is used, see liveness.ts. */
export const RIGHT = { none: 0, gone: 1, uncounted: 2, counted: 3 } as const;

export interface GraphBlobs {
  readonly ids: Float64Array;
  /** Bytes; 0 where the repository has neither a right nor a manifest: such a part is not held. */
  readonly sizes: Float64Array;
  /** Values of `RIGHT`. */
  readonly rights: Uint8Array;
  /** The place in `manifests` of the manifest that the blob is in this repository; -1: none. */
  readonly manifests: Int32Array;
}

/** Causes of moves that bring back what was there. */
const PUT_BACK = ['restore', 'undo'];

const tagsOf = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('tags as t')
    .leftJoin('tag_events as e', (j) =>
      j.onRef('e.tag_id', '=', 't.id').onRef('e.sequence', '=', 't.sequence'),
    )
    .leftJoin('tag_pulls as c', 'c.tag_id', 't.id')
    .select(['t.id', 't.name', 't.manifest_id as manifest', 't.sequence'])
    .select('c.last_at as pulledAt')
    .select((eb) => {
      // What was put back is as old as it was: else undoing a run would make the oldest the newest.
      const before = eb
        .selectFrom('tag_events as b')
        .select('b.at')
        .whereRef('b.tag_id', '=', 'e.tag_id')
        .whereRef('b.new_blob_id', '=', 'e.new_blob_id')
        .where('b.cause', 'not in', PUT_BACK)
        .orderBy('b.sequence', 'desc')
        .limit(1);
      return eb
        .case()
        .when('e.cause', 'in', PUT_BACK)
        .then(eb.fn.coalesce(before, 'e.at'))
        .else(eb.ref('e.at'))
        .end()
        .as('movedAt');
    })
    .where('t.repository_id', '=', p.repository)
    .where('t.manifest_id', 'is not', null)
    .orderBy('t.name'),
);

const manifestsOf = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .leftJoin('manifest_pulls as c', 'c.manifest_id', 'm.id')
    .select(['m.id', 'm.blob_id as blob', 'b.digest', 'b.size', 'm.media_type as mediaType'])
    .select(['m.artifact_type as artifactType', 'm.subject_id as subject'])
    .select(['m.created_at as createdAt', 'm.deleted_at as deletedAt'])
    .select(['m.released_at as releasedAt', 'c.last_at as pulledAt'])
    .where('m.repository_id', '=', p.repository)
    .orderBy('m.id'),
);

const leasedIn = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('lease_items')
    .select('blob_id as blob')
    .distinct()
    .where('repository_id', '=', p.repository),
);

const referencesOf = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .select(['ref.parent_id as parent', 'ref.child_id as child', 'ref.kind'])
    .whereRef('ref.parent_id', '=', 'wanted.id'),
);

const rightsOf = statement<{ repository: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('repository_blobs as rb')
    .innerJoin('blobs as b', 'b.id', 'rb.blob_id')
    .select(['rb.blob_id as blob', 'b.size', 'rb.deleted_at as deletedAt'])
    .select('rb.is_counted as isCounted')
    .where('rb.repository_id', '=', p.repository)
    .where('rb.blob_id', '>', p.after)
    .orderBy('rb.blob_id')
    .limit(p.limit),
);

/** Manifests whose references are read at once: about ten times as many rows. */
const MANIFESTS_PAGE = 1_000;
/** Rights read at once. */
const RIGHTS_PAGE = 10_000;

/** All of one instant. An unknown repository is an empty one. */
export function readRepositoryGraph(
  sql: ReportSql,
  repository: RepositoryId,
): Promise<RepositoryGraph> {
  return sql.snapshot((then) => readAll(then, repository));
}

async function readAll(sql: Sql, repository: RepositoryId): Promise<RepositoryGraph> {
  const blobs = new NumberedBlobs();
  const manifests = await readManifests(sql, repository, blobs);
  const places = new Map(manifests.map(({ id }, place) => [id, place]));
  const rows = await sql.all(tagsOf, { repository });
  const tags = rows.map(({ manifest, movedAt, pulledAt, ...tag }) => ({
    ...tag,
    manifest: places.get(manifest ?? 0) as number,
    movedAt: movedAt ?? 0,
    pulledAt: pulledAt ?? undefined,
  }));
  const references = await readReferences(sql, { manifests, places }, blobs);
  await readRights(sql, repository, blobs);
  return { repository, tags, manifests, references, blobs: blobs.pack(manifests) };
}

async function readManifests(
  sql: Sql,
  repository: RepositoryId,
  blobs: NumberedBlobs,
): Promise<GraphManifest[]> {
  const leased = new Set((await sql.all(leasedIn, { repository })).map(({ blob }) => blob));
  return (await sql.all(manifestsOf, { repository })).map((row) => ({
    id: row.id,
    digest: digestFromBytes(row.digest),
    blob: blobs.place(row.blob, row.size),
    size: row.size,
    mediaType: row.mediaType,
    artifactType: row.artifactType ?? undefined,
    subject: row.subject === null ? undefined : blobs.place(row.subject),
    createdAt: row.createdAt,
    deletedAt: row.deletedAt ?? undefined,
    releasedAt: row.releasedAt ?? undefined,
    pulledAt: row.pulledAt ?? undefined,
    isLeased: leased.has(row.blob),
  }));
}

async function readReferences(
  sql: Sql,
  { manifests, places }: { manifests: readonly GraphManifest[]; places: Map<number, number> },
  blobs: NumberedBlobs,
): Promise<GraphReferences> {
  const first = new Int32Array(manifests.length + 1);
  const children: number[] = [];
  const kinds: number[] = [];
  const kindPlaces = new Map<string, number>(REFERENCE_KINDS.map((kind, place) => [kind, place]));
  for (let start = 0; start < manifests.length; start += MANIFESTS_PAGE) {
    const page = manifests.slice(start, start + MANIFESTS_PAGE);
    const rows = await sql.all(referencesOf, {
      manifests: JSON.stringify(page.map(({ id }) => id)),
    });
    const parents = rows.map(({ parent }) => places.get(parent) as number);
    for (const parent of parents) first[parent + 1] = (first[parent + 1] as number) + 1;
    for (let at = start; at < start + page.length; at += 1) {
      first[at + 1] = (first[at + 1] as number) + (first[at] as number);
    }
    // Rows come in the order of the list on SQLite only.
    const next = first.slice(start, start + page.length);
    rows.forEach(({ child, kind }, index) => {
      const parent = (parents[index] as number) - start;
      const at = next[parent] as number;
      next[parent] = at + 1;
      children[at] = blobs.place(child);
      kinds[at] = kindPlaces.get(kind) as number;
    });
  }
  return { first, children: Int32Array.from(children), kinds: Uint8Array.from(kinds) };
}

async function readRights(sql: Sql, repository: RepositoryId, blobs: NumberedBlobs): Promise<void> {
  for (let after = 0; ; ) {
    const page = await sql.all(rightsOf, { repository, after, limit: RIGHTS_PAGE });
    for (const { blob, size, deletedAt, isCounted } of page) {
      after = blob;
      const kept = isCounted === 1 ? RIGHT.counted : RIGHT.uncounted;
      blobs.setRight(blobs.place(blob, size), deletedAt === null ? kept : RIGHT.gone);
    }
    if (page.length < RIGHTS_PAGE) return;
  }
}

/** Gives blobs their places, in the order in which they are met. */
class NumberedBlobs {
  readonly #places = new Map<number, number>();
  readonly #sizes: number[] = [];
  readonly #rights: number[] = [];

  place(id: number, size?: number): number {
    let place = this.#places.get(id);
    if (place === undefined) {
      place = this.#sizes.length;
      this.#places.set(id, place);
      this.#sizes.push(0);
      this.#rights.push(RIGHT.none);
    }
    if (size !== undefined) this.#sizes[place] = size;
    return place;
  }

  setRight(place: number, right: number): void {
    this.#rights[place] = right;
  }

  pack(manifests: readonly GraphManifest[]): GraphBlobs {
    const ofManifests = new Int32Array(this.#sizes.length).fill(-1);
    manifests.forEach(({ blob }, place) => {
      ofManifests[blob] = place;
    });
    return {
      ids: Float64Array.from(this.#places.keys()),
      sizes: Float64Array.from(this.#sizes),
      rights: Uint8Array.from(this.#rights),
      manifests: ofManifests,
    };
  }
}
