// How often, and when last, manifests and tags were pulled. Counters, added up in memory and flushed
// in batches: a pull never waits for a write.
import { sql as raw } from 'kysely';
import type { ManifestId } from './manifests.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface PullCount {
  readonly manifest: ManifestId;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly lastAt: number;
}

/** Nodes flush in any order: a count that comes late must not make the last pull earlier. */
function later(table: 'manifest_pulls' | 'tag_pulls') {
  const known = raw.ref<number>(`${table}.last_at`);
  return raw<number>`case when excluded.last_at > ${known} then excluded.last_at else ${known} end`;
}

const addToManifest = statement<{ manifest: number; count: number; lastAt: number }>()((q, p) =>
  q
    .insertInto('manifest_pulls')
    .values({ manifest_id: p.manifest, count: p.count, last_at: p.lastAt })
    .onConflict((c) =>
      c.column('manifest_id').doUpdateSet({
        count: (e) => e('manifest_pulls.count', '+', e.ref('excluded.count')),
        last_at: later('manifest_pulls'),
      }),
    ),
);

const tagsOf = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('tags').select('id').where('manifest_id', '=', p.manifest),
);

const addToTag = statement<{ tag: number; count: number; lastAt: number }>()((q, p) =>
  q
    .insertInto('tag_pulls')
    .values({ tag_id: p.tag, count: p.count, last_at: p.lastAt })
    .onConflict((c) =>
      c.column('tag_id').doUpdateSet({
        count: (e) => e('tag_pulls.count', '+', e.ref('excluded.count')),
        last_at: later('tag_pulls'),
      }),
    ),
);

/** Indexes that a manifest was reached through, as far as the registry can know: all that name it. */
const indexesOf = statement<{ manifest: number }>()((q, p) =>
  q
    .selectFrom('manifests as child')
    .innerJoin('manifest_references as ref', 'ref.child_id', 'child.blob_id')
    .innerJoin('manifests as parent', 'parent.id', 'ref.parent_id')
    .select('parent.id')
    .distinct()
    .where('child.id', '=', p.manifest)
    .where('ref.kind', '=', 'manifest')
    .whereRef('parent.repository_id', '=', 'child.repository_id')
    .where('parent.deleted_at', 'is', null),
);

const manifestExists = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('manifests').select('id').where('id', '=', p.manifest),
);

/** Credits the manifests, the tags that point at them now, and the indexes that name them (without a count). */
export async function addPulls(tx: Transaction, pulls: readonly PullCount[]): Promise<void> {
  // In one order, so that two nodes that flush at once never wait for each other in a circle.
  for (const { manifest, count, lastAt } of pulls.toSorted((a, b) => a.manifest - b.manifest)) {
    if ((await tx.first(manifestExists, { manifest })) === undefined) continue;
    await tx.run(addToManifest, { manifest, count, lastAt });
    for (const tag of await tx.all(tagsOf, { manifest })) {
      await tx.run(addToTag, { tag: tag.id, count, lastAt });
    }
    for (const index of await tx.all(indexesOf, { manifest })) {
      await tx.run(addToManifest, { manifest: index.id, count: 0, lastAt });
      for (const tag of await tx.all(tagsOf, { manifest: index.id })) {
        await tx.run(addToTag, { tag: tag.id, count: 0, lastAt });
      }
    }
  }
}

const ofTag = statement<{ tag: number }>()((q, p) =>
  q.selectFrom('tag_pulls').select('last_at as at').where('tag_id', '=', p.tag),
);

const ofManifest = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('manifest_pulls').select('last_at as at').where('manifest_id', '=', p.manifest),
);

/** Milliseconds since 1970; undefined: never, as far as is written down. */
export async function lastPullOfTag(sql: Sql, tag: number): Promise<number | undefined> {
  return (await sql.first(ofTag, { tag }))?.at;
}

export async function lastPullOfManifest(
  sql: Sql,
  manifest: ManifestId,
): Promise<number | undefined> {
  return (await sql.first(ofManifest, { manifest }))?.at;
}
