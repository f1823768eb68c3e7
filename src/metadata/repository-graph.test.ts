// A graph that is longer than the pages it is read in; what sizes make of graphs is in test/metadata.
import { expect, test } from 'bun:test';
import { migrateSqlite } from './migrate.ts';
import type { ReportSql } from './report.ts';
import { type GraphTag, REFERENCE_KINDS, RIGHT, readRepositoryGraph } from './repository-graph.ts';
import type { Sql } from './sql.ts';
import { openSqliteWriter } from './sqlite.ts';

const MANIFESTS = 2_500;
const BLOBS = 13_000;
const numbers = `with recursive n (n) as (select 1 union all select n + 1 from n where n < ${BLOBS})`;

/** Manifest `n` is blob `n`, and names the three blobs after `2500 + 4n`. Every other one is another's. */
const ROWS: readonly string[] = [
  `insert into repositories (name, namespace_id, listed, created_at) values ('a', 1, 1, 1), ('b', 1, 1, 1)`,
  `insert into blobs (digest, size, storage_key, state, created_at)
    ${numbers} select unhex('01' || printf('%064x', n)), n, 'k' || n, 'stored', 1 from n`,
  `insert into manifests (repository_id, blob_id, media_type, created_at, deleted_at, released_at)
    ${numbers} select 1 + n % 2, n, 'm', n, case n % 5 when 0 then 5 end, case n % 7 when 0 then 6 end
    from n where n <= ${MANIFESTS}`,
  ...[1, 2, 3].map(
    (part) => `insert into manifest_references (parent_id, child_id, kind, repository_id)
      ${numbers} select n, ${MANIFESTS} + 4 * n + ${part}, '${REFERENCE_KINDS[part - 1]}', 1 + n % 2
      from n where n <= ${MANIFESTS}`,
  ),
  `insert into repository_blobs (repository_id, blob_id, created_at, deleted_at, is_counted)
    ${numbers} select 2, n, 1, case n % 3 when 0 then 7 end, n % 2 from n where n > ${MANIFESTS}`,
  `insert into tags (repository_id, name, manifest_id, sequence) values (2, 'v1', 3, 2), (2, 'gone', null, 2)`,
  `insert into tag_events (tag_id, sequence, at, actor, cause) values (1, 1, 5, 'a', 'push'), (1, 2, 9, 'a', 'push')`,
  `insert into tag_pulls (tag_id, count, last_at) values (1, 1, 11)`,
];

test('a graph of several pages is whole', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  for (const text of ROWS) connection.execute(text);
  const sql: ReportSql = {
    engine: connection.engine,
    all: connection.all.bind(connection),
    first: connection.first.bind(connection),
    snapshot: <R>(read: (then: Sql) => Promise<R>) => read(connection),
  };
  const { tags, manifests, references, blobs } = await readRepositoryGraph(sql, 2);
  connection.close();
  expect(tags).toEqual([
    { id: 1, name: 'v1', manifest: 1, sequence: 2, movedAt: 9, pulledAt: 11 } satisfies GraphTag,
  ]);
  expect(manifests).toHaveLength(MANIFESTS / 2);
  expect(references.children).toHaveLength((MANIFESTS / 2) * 3);
  manifests.forEach(({ id, blob, size, deletedAt, releasedAt }, place) => {
    expect({ id, size, own: blobs.ids[blob], back: blobs.manifests[blob] }).toEqual({
      id: 1 + 2 * place,
      size: id,
      own: id,
      back: place,
    });
    expect({ deletedAt, releasedAt }).toEqual({
      deletedAt: id % 5 === 0 ? 5 : undefined,
      releasedAt: id % 7 === 0 ? 6 : undefined,
    });
    const [start, end] = [references.first[place], references.first[place + 1]];
    const children = [...references.children.slice(start, end)].map((child) => blobs.ids[child]);
    expect(children).toEqual([1, 2, 3].map((part) => MANIFESTS + 4 * id + part));
    expect([...references.kinds.slice(start, end)]).toEqual([0, 1, 2]);
  });
  const rights = [...blobs.ids].map((id, blob) => [id, blobs.rights[blob], blobs.sizes[blob]]);
  for (const [id = 0, right, size] of rights) {
    const kept = id % 2 === 1 ? RIGHT.counted : RIGHT.uncounted;
    const expected = id <= MANIFESTS ? RIGHT.none : id % 3 === 0 ? RIGHT.gone : kept;
    expect({ id, right, size }).toEqual({ id, right: expected, size: id });
  }
  expect(rights).toHaveLength(MANIFESTS / 2 + BLOBS - MANIFESTS);
});
