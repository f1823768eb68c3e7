// What version 0.1.0 left in a database: its tables, and an image as its push wrote it. Written out, so that
// it stays what it was whatever the program of today does.

import type { DatabaseSettings } from '../../src/app/database.ts';
import { MIGRATIONS, migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool } from '../../src/metadata/postgres.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { BLOB, CONFIG, DIGEST, MANIFEST } from './hidden-repository.ts';
import { OCI_MANIFEST } from './push.ts';

const OPTIONS = { version: '0.1.0', migrations: MIGRATIONS.slice(0, 1) };

/** As that program did at its start. @throws SchemaTooNewError on what a newer one left. */
export async function startFirstVersion(database: DatabaseSettings): Promise<void> {
  if (database.kind === 'postgres') return migratePostgres(database.url, OPTIONS);
  const connection = openSqliteWriter(database.path, Date.now);
  try {
    await migrateSqlite(connection, OPTIONS);
  } finally {
    connection.close();
  }
}

/** `team/old` with the tag `v1`. */
export async function pushByFirstVersion(database: DatabaseSettings): Promise<void> {
  const texts = imageRows(database.kind);
  if (database.kind === 'sqlite') {
    const connection = openSqliteWriter(database.path, Date.now);
    for (const text of texts) connection.execute(text);
    connection.close();
    return;
  }
  const pool = openPostgresPool(database.url, 1);
  try {
    for (const text of texts) await pool.unsafe(text);
  } finally {
    await pool.end();
  }
}

function imageRows(kind: DatabaseSettings['kind']): string[] {
  const bytes = (hex: string) => (kind === 'sqlite' ? `x'${hex}'` : `decode('${hex}', 'hex')`);
  const digest = (text: string) => bytes(`01${text.slice('sha256:'.length)}`);
  const content = (text: string) => bytes(Buffer.from(text).toString('hex'));
  const idOf = (of: string) => `(select id from blobs where digest = ${digest(of)})`;
  const namespace = (path: string) => `(select id from namespaces where path = '${path}')`;
  const repository = `(select id from repositories where name = 'team/old')`;
  const manifest = `(select id from manifests where blob_id = ${idOf(DIGEST)})`;
  const blob = (of: string, text: string) => [
    `insert into blobs (digest, size, storage_key, state, created_at)
      values (${digest(of)}, ${text.length}, null, 'stored', 1000)`,
    `insert into payloads (blob_id, bytes) values (${idOf(of)}, ${content(text)})`,
  ];
  return [
    `insert into namespaces (path, parent_id, created_at) values ('team', ${namespace('')}, 1000)`,
    `insert into repositories (name, namespace_id, listed, created_at)
      values ('team/old', ${namespace('team')}, 1, 1000)`,
    ...blob(BLOB, CONFIG),
    ...blob(DIGEST, MANIFEST),
    `insert into repository_blobs (repository_id, blob_id, created_at, deleted_at)
      values (${repository}, ${idOf(BLOB)}, 1000, null)`,
    `insert into manifests
      (repository_id, blob_id, media_type, artifact_type, subject_id, created_at, deleted_at)
      values (${repository}, ${idOf(DIGEST)}, '${OCI_MANIFEST}', null, null, 1000, null)`,
    `insert into manifest_references (parent_id, child_id, kind)
      values (${manifest}, ${idOf(BLOB)}, 'config')`,
    `insert into tags (repository_id, name, manifest_id, sequence)
      values (${repository}, 'v1', ${manifest}, 1)`,
    `insert into tag_events (tag_id, sequence, old_blob_id, new_blob_id, at, actor, cause)
      values ((select id from tags where name = 'v1'), 1, null, ${idOf(DIGEST)}, 1000, 'anonymous', 'push')`,
  ];
}
