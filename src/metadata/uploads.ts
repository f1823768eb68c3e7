// Uploads in progress: what is held, and who may write.
//
//   start ──► open ──take──► open, writer=P ──record──► open ──take──► … ──intend──► closing ──► gone
//                                  │                                        │
//                                  └─ P dies: the next take raises the fence └─ crash: the next take finds
//                                     above P's; nothing P records counts       storage_key, see upload.ts
//
// Every step names the fence it holds; a step of an older fence changes no row.
import type { Selectable } from 'kysely';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { locked } from './fragments.ts';
import type { Schema } from './schema.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface UploadRow {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly algorithm: DigestAlgorithm;
  /** Bytes held when the last request ended. */
  readonly size: number;
  /** Digest of those bytes; undefined = not known. */
  readonly digest: Digest | undefined;
  readonly fence: number;
  readonly writer: string | undefined;
  readonly file: string | undefined;
  readonly storageKey: string | undefined;
  readonly boot: string | undefined;
  /** When a request last began or ended on it: milliseconds since 1970. */
  readonly updatedAt: number;
}

const COLUMNS = [
  'id',
  'repository_name',
  'algorithm',
  'size',
  'digest',
  'fence',
  'writer',
  'file',
  'storage_key',
  'boot',
  'updated_at',
] as const;

const insertUpload = statement<{
  id: string;
  repository: string;
  actor: string;
  algorithm: string;
  now: number;
}>()((q, p) =>
  q.insertInto('uploads').values({
    id: p.id,
    repository_name: p.repository,
    actor: p.actor,
    algorithm: p.algorithm,
    size: 0,
    digest: null,
    fence: 0,
    writer: null,
    file: null,
    storage_key: null,
    boot: null,
    created_at: p.now,
    updated_at: p.now,
  }),
);

const uploadById = statement<{ id: string }>()((q, p) =>
  q.selectFrom('uploads').select(COLUMNS).where('id', '=', p.id),
);

const lockUpload = statement<{ id: string }>()((q, p, engine) =>
  locked(engine, q.selectFrom('uploads').select(COLUMNS).where('id', '=', p.id)),
);

const take = statement<{
  id: string;
  fence: number;
  writer: string | null;
  file: string | null;
  storageKey: string | null;
  now: number;
}>()((q, p) =>
  q
    .updateTable('uploads')
    .set({
      fence: p.fence,
      writer: p.writer,
      file: p.file,
      storage_key: p.storageKey,
      updated_at: p.now,
    })
    .where('id', '=', p.id),
);

const record = statement<{
  id: string;
  fence: number;
  size: number;
  digest: Uint8Array | null;
  file: string | null;
  boot: string | null;
  now: number;
}>()((q, p) =>
  q
    .updateTable('uploads')
    .set({
      size: p.size,
      digest: p.digest,
      writer: null,
      file: p.file,
      boot: p.boot,
      updated_at: p.now,
    })
    .where('id', '=', p.id)
    .where('fence', '=', p.fence),
);

const intend = statement<{ id: string; fence: number; storageKey: string; now: number }>()((q, p) =>
  q
    .updateTable('uploads')
    .set({ storage_key: p.storageKey, updated_at: p.now })
    .where('id', '=', p.id)
    .where('fence', '=', p.fence),
);

const deleteUpload = statement<{ id: string }>()((q, p) =>
  q.deleteFrom('uploads').where('id', '=', p.id),
);

const putPayload = statement<{ id: string; bytes: Uint8Array }>()((q, p) =>
  q
    .insertInto('upload_payloads')
    .values({ upload_id: p.id, bytes: p.bytes })
    .onConflict((c) =>
      c.column('upload_id').doUpdateSet({ bytes: (e) => e.ref('excluded.bytes') }),
    ),
);

const payload = statement<{ id: string }>()((q, p) =>
  q.selectFrom('upload_payloads').select('bytes').where('upload_id', '=', p.id),
);

const dropPayload = statement<{ id: string }>()((q, p) =>
  q.deleteFrom('upload_payloads').where('upload_id', '=', p.id),
);

const stale = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('uploads')
    .select('id')
    .where('updated_at', '<', p.before)
    .orderBy('updated_at')
    .limit(p.limit),
);

const byFile = statement<{ file: string }>()((q, p) =>
  q.selectFrom('uploads').select('id').where('file', '=', p.file),
);

const byStorageKey = statement<{ storageKey: string }>()((q, p) =>
  q.selectFrom('uploads').select('id').where('storage_key', '=', p.storageKey),
);

const openCount = statement()((q) =>
  q.selectFrom('uploads').select((e) => e.fn.countAll<number>().as('count')),
);

export interface NewUpload {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly actor: string;
  readonly algorithm: DigestAlgorithm;
}

export async function createUpload(tx: Transaction, upload: NewUpload): Promise<void> {
  await tx.run(insertUpload, { ...upload, now: await tx.now() });
}

export async function findUpload(sql: Sql, id: string): Promise<UploadRow | undefined> {
  const row = await sql.first(uploadById, { id });
  return row && toUpload(row);
}

/** As `findUpload`, and nobody else changes it until the transaction ends. */
export async function lockedUpload(tx: Transaction, id: string): Promise<UploadRow | undefined> {
  const row = await tx.first(lockUpload, { id });
  return row && toUpload(row);
}

export interface UploadTake {
  readonly id: string;
  readonly fence: number;
  /** The process that writes from now on; undefined = nobody. */
  readonly writer: string | undefined;
  readonly file: string | undefined;
  /** The key that the bytes are about to get, when the taker is closing the upload. */
  readonly storageKey: string | undefined;
}

/** Raises the fence above every earlier request's. */
export async function takeUpload(tx: Transaction, taken: UploadTake): Promise<void> {
  await tx.run(take, {
    id: taken.id,
    fence: taken.fence,
    writer: taken.writer ?? null,
    file: taken.file ?? null,
    storageKey: taken.storageKey ?? null,
    now: await tx.now(),
  });
}

export interface UploadProgress {
  readonly id: string;
  readonly fence: number;
  readonly size: number;
  readonly digest: Digest | undefined;
  readonly file: string | undefined;
  readonly boot: string | undefined;
}

/** Writes what a request left behind. @returns false when a newer request has taken the upload. */
export async function recordProgress(tx: Transaction, progress: UploadProgress): Promise<boolean> {
  const changed = await tx.run(record, {
    id: progress.id,
    fence: progress.fence,
    size: progress.size,
    digest: progress.digest === undefined ? null : digestToBytes(progress.digest),
    file: progress.file ?? null,
    boot: progress.boot ?? null,
    now: await tx.now(),
  });
  return changed > 0;
}

/** Names the key that the bytes are about to get. @returns false when a newer request has taken the upload. */
export async function intendStorageKey(
  tx: Transaction,
  intent: { id: string; fence: number; storageKey: string },
): Promise<boolean> {
  return (await tx.run(intend, { ...intent, now: await tx.now() })) > 0;
}

export async function removeUpload(tx: Transaction, id: string): Promise<void> {
  await tx.run(deleteUpload, { id });
}

/** Keeps the bytes of an upload that is too small for a file. */
export async function holdBytes(
  tx: Transaction,
  held: { id: string; bytes: Uint8Array },
): Promise<void> {
  await tx.run(putPayload, held);
}

export async function heldBytes(sql: Sql, id: string): Promise<Uint8Array | undefined> {
  return (await sql.first(payload, { id }))?.bytes;
}

export async function dropHeldBytes(tx: Transaction, id: string): Promise<void> {
  await tx.run(dropPayload, { id });
}

/** Uploads that nobody continued since `before` (ms), oldest first. */
export async function staleUploads(
  sql: Sql,
  page: { before: number; limit: number },
): Promise<string[]> {
  return (await sql.all(stale, page)).map((row) => row.id);
}

/** Whether an upload's row names this file of the upload area. */
export async function isUploadFile(sql: Sql, file: string): Promise<boolean> {
  return (await sql.first(byFile, { file })) !== undefined;
}

/** Whether an upload is being closed under this key. */
export async function isUploadKey(sql: Sql, storageKey: string): Promise<boolean> {
  return (await sql.first(byStorageKey, { storageKey })) !== undefined;
}

export async function countUploads(sql: Sql): Promise<number> {
  return Number((await sql.first(openCount, {}))?.count ?? 0);
}

type StoredUpload = Pick<Selectable<Schema['uploads']>, (typeof COLUMNS)[number]>;

function toUpload(row: StoredUpload): UploadRow {
  return {
    id: row.id,
    repository: row.repository_name as RepositoryName,
    algorithm: row.algorithm as DigestAlgorithm,
    size: row.size,
    digest: row.digest === null ? undefined : digestFromBytes(row.digest),
    fence: row.fence,
    writer: row.writer ?? undefined,
    file: row.file ?? undefined,
    storageKey: row.storage_key ?? undefined,
    boot: row.boot ?? undefined,
    updatedAt: row.updated_at,
  };
}
