// Rows of a seeded registry, written by prepared statements in large transactions: what a push would write,
// a thousand times faster. Knows the tables, and nothing of what is seeded.
import { Database, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import { OCI_MANIFEST } from './load/content.ts';

/** Rows of one transaction. */
const ROWS_A_COMMIT = 500_000;

export type SeedRows = ReturnType<typeof openSeedRows>;

/** Indexes are taken down and built again at the end: sorted once is faster than a million single insertions. */
export function openSeedRows(path: string) {
  const database = new Database(path, { readwrite: true });
  for (const text of ['synchronous = off', 'cache_size = -1048576', 'temp_store = memory']) {
    database.run(`pragma ${text}`);
  }
  database.run('pragma journal_mode = off');
  const found = database.query('select count(*) as n from repositories').get() as { n: number };
  if (found.n > 0) throw new Error(`${path} holds repositories already: seed an empty directory.`);
  const indexes = database
    .query('select name, sql from sqlite_schema where type = ? and sql is not null')
    .all('index') as { name: string; sql: string }[];
  for (const { name } of indexes) database.run(`drop index "${name}"`);
  const writer = new RowWriter(database);
  const totals = { bytes: 0, blobs: 0 };
  return {
    ...tables(writer, totals),
    settle(scope: { scope: number; tags: number; repositories: number }): void {
      writer.run(
        'update usage_scopes set bytes = ?, blobs = ?, tags = ?, repositories = ? where id = ?',
        [totals.bytes, totals.blobs, scope.tags, scope.repositories, scope.scope],
      );
    },
    close(): void {
      writer.commit();
      for (const { sql } of indexes) database.run(sql);
      database.run('pragma journal_mode = wal');
      database.close(true);
    },
  };
}

class RowWriter {
  readonly #database: Database;
  readonly #prepared = new Map<string, Statement>();
  readonly #lastIds = new Map<string, number>();
  #pending = 0;

  constructor(database: Database) {
    this.#database = database;
    database.run('begin');
  }

  run(text: string, values: SQLQueryBindings[]): void {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#prepared.set(text, statement);
    }
    statement.run(...values);
    this.#pending += 1;
    if (this.#pending < ROWS_A_COMMIT) return;
    this.commit();
    this.#database.run('begin');
  }

  commit(): void {
    this.#database.run('commit');
    this.#pending = 0;
  }

  /** Ids in the order of insertion, as the database would give them. */
  nextId(table: string): number {
    const id = (this.#lastIds.get(table) ?? this.#highest(table)) + 1;
    this.#lastIds.set(table, id);
    return id;
  }

  #highest(table: string): number {
    return (
      this.#database.query(`select coalesce(max(id), 0) as n from ${table}`).get() as { n: number }
    ).n;
  }
}

function tables(writer: RowWriter, totals: { bytes: number; blobs: number }) {
  return {
    ...placeRows(writer),
    ...contentRows(writer, totals),
    ...tagRows(writer),
  };
}

function placeRows(writer: RowWriter) {
  return {
    namespace(path: string, at: number): number {
      const id = writer.nextId('namespaces');
      const root = `(select id from namespaces where path = '')`;
      writer.run(
        `insert into namespaces (id, path, parent_id, created_at) values (?, ?, ${root}, ?)`,
        [id, path, at],
      );
      return id;
    },
    scope(path: string, at: number): number {
      const id = writer.nextId('usage_scopes');
      writer.run(
        `insert into usage_scopes (id, path, bytes, blobs, tags, repositories, state, counted_to, created_at)
          values (?, ?, 0, 0, 0, 0, 'exact', '', ?)`,
        [id, path, at],
      );
      return id;
    },
    repository({ name, namespace, at }: { name: string; namespace: number; at: number }): number {
      const id = writer.nextId('repositories');
      writer.run(
        `insert into repositories (id, name, namespace_id, listed, visibility, created_at)
          values (?, ?, ?, 1, 'private', ?)`,
        [id, name, namespace, at],
      );
      return id;
    },
  };
}

interface BlobRow {
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Null: the bytes lie in the database. */
  readonly key: string | null;
}

interface RightRow {
  readonly repository: number;
  readonly blob: number;
  readonly at: number;
  readonly unheldSince: number | null;
}

interface ManifestRow {
  readonly repository: number;
  readonly blob: number;
  readonly at: number;
  readonly releasedAt: number | null;
  readonly subject?: number;
}

function contentRows(writer: RowWriter, totals: { bytes: number; blobs: number }) {
  return {
    blob({ digest, bytes, at, key }: BlobRow): number {
      const id = writer.nextId('blobs');
      const stored = Buffer.from(`01${digest.slice('sha256:'.length)}`, 'hex');
      writer.run(
        `insert into blobs (id, digest, size, storage_key, state, created_at)
          values (?, ?, ?, ?, 'stored', ?)`,
        [id, stored, bytes.length, key, at],
      );
      if (key === null)
        writer.run('insert into payloads (blob_id, bytes) values (?, ?)', [id, bytes]);
      return id;
    },
    counted({ scope, blob, size }: { scope: number; blob: number; size: number }): void {
      writer.run('insert into scope_blobs (scope_id, blob_id) values (?, ?)', [scope, blob]);
      totals.bytes += size;
      totals.blobs += 1;
    },
    right({ repository, blob, at, unheldSince }: RightRow): void {
      writer.run(
        `insert into repository_blobs (repository_id, blob_id, created_at, unheld_since, is_counted)
          values (?, ?, ?, ?, ?)`,
        [repository, blob, at, unheldSince, unheldSince === null ? 1 : 0],
      );
    },
    manifest({ repository, blob, at, releasedAt, subject }: ManifestRow): number {
      const id = writer.nextId('manifests');
      writer.run(
        `insert into manifests (id, repository_id, blob_id, media_type, subject_id, created_at, released_at)
          values (?, ?, ?, ?, ?, ?, ?)`,
        [id, repository, blob, OCI_MANIFEST, subject ?? null, at, releasedAt],
      );
      return id;
    },
    reference(row: { repository: number; manifest: number; child: number; kind: string }): void {
      writer.run(
        `insert into manifest_references (parent_id, child_id, kind, repository_id) values (?, ?, ?, ?)`,
        [row.manifest, row.child, row.kind, row.repository],
      );
    },
    referrer(row: {
      repository: number;
      subject: number;
      manifest: number;
      descriptor: string;
    }): void {
      writer.run(
        `insert into referrers (repository_id, subject_id, manifest_id, descriptor) values (?, ?, ?, ?)`,
        [row.repository, row.subject, row.manifest, row.descriptor],
      );
    },
    announce({ repository, digest, at }: { repository: number; digest: string; at: number }): void {
      writer.run(
        `insert into outbox (kind, repository_id, detail, state, created_at)
          values ('push', ?, ?, 'waiting', ?)`,
        [repository, `{"actor":"seed","digest":"${digest}"}`, at],
      );
    },
  };
}

function tagRows(writer: RowWriter) {
  return {
    tag(row: { repository: number; name: string; manifest: number; sequence: number }): number {
      const id = writer.nextId('tags');
      writer.run(
        'insert into tags (id, repository_id, name, manifest_id, sequence) values (?, ?, ?, ?, ?)',
        [id, row.repository, row.name, row.manifest, row.sequence],
      );
      return id;
    },
    move(row: {
      tag: number;
      sequence: number;
      from: number | null;
      to: number;
      at: number;
    }): void {
      writer.run(
        `insert into tag_events (tag_id, sequence, old_blob_id, new_blob_id, at, actor, cause)
          values (?, ?, ?, ?, ?, 'seed', 'push')`,
        [row.tag, row.sequence, row.from, row.to, row.at],
      );
    },
    pulls({ tag, manifest, at }: { tag: number; manifest: number; at: number }): void {
      writer.run('insert into tag_pulls (tag_id, count, last_at) values (?, 1, ?)', [tag, at]);
      writer.run('insert into manifest_pulls (manifest_id, count, last_at) values (?, 1, ?)', [
        manifest,
        at,
      ]);
    },
  };
}
