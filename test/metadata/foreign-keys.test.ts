// Whoever takes a row away makes the database look for rows that still refer to it, also where there cannot be
// any. Without an index each such look reads a whole table, and the writer waits.
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';

/** Referring columns without an index, with the reason why none is needed. */
const WITHOUT: Readonly<Record<string, string>> = {
  'invitations.organisation_id': 'few rows, and organisations go rarely',
  'namespaces.parent_id': 'a few thousand rows, taken away one by one and rarely',
};

test('every row that refers to another is found by an index', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'entrepot-keys-'));
  const path = join(folder, 'entrepot.db');
  const sql = openSqliteWriter(path, Date.now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const database = new Database(path, { readonly: true });
  try {
    expect(unindexed(database)).toEqual(Object.keys(WITHOUT).sort());
  } finally {
    database.close();
    sql.close();
    await rm(folder, { recursive: true });
  }
});

function unindexed(database: Database): string[] {
  const rows = database
    .query<{ table: string; column: string }, []>(
      `select t.name as "table", f."from" as "column"
       from sqlite_master t, pragma_foreign_key_list(t.name) f where t.type = 'table'
       and not exists (
         select 1 from pragma_index_list(t.name) l, pragma_index_info(l.name) i
         where i.seqno = 0 and i.name = f."from")
       and not exists (
         select 1 from pragma_table_info(t.name) c where c.name = f."from" and c.pk = 1)`,
    )
    .all();
  return rows.map(({ table, column }) => `${table}.${column}`).sort();
}
