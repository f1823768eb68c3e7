// The tables, as types: one schema for SQLite and PostgreSQL. `migrations/` makes them.
//
// Ids and sizes are whole numbers below 2^53, flags 0 or 1, times milliseconds since 1970, digests
// the bytes of `digestToBytes`. Rows refer to ids; a name stands in one place.
import type { Generated } from 'kysely';
import type { AccessSchema, Visibility } from './access-schema.ts';
import type { VersionSchema } from './version-schema.ts';

export interface Schema extends AccessSchema, VersionSchema {
  namespaces: NamespaceTable;
  repositories: RepositoryTable;
  blobs: BlobTable;
  payloads: PayloadTable;
  repository_blobs: RepositoryBlobTable;
  manifests: ManifestTable;
  manifest_references: ManifestReferenceTable;
  referrers: ReferrerTable;
  tags: TagTable;
  tag_events: TagEventTable;
  uploads: UploadTable;
  upload_payloads: UploadPayloadTable;
  removals: RemovalTable;
  jobs: JobTable;
  outbox: OutboxTable;
  manifest_pulls: ManifestPullTable;
  tag_pulls: TagPullTable;
}

interface NamespaceTable {
  id: Generated<number>;
  /** Full path, '' for the root. */
  path: string;
  parent_id: number | null;
  created_at: number;
}

interface RepositoryTable {
  id: Generated<number>;
  /** Full name: what a pull looks up and the catalog sorts by (decision 0003). */
  name: string;
  namespace_id: number;
  /**
   * 1 once it held a manifest: a repository that only tested the right to push stays out of listings.
   * 2: it would be listed, but is in the trash under a hidden name.
   */
  listed: number;
  /** Of the nearest setting on its path, kept here so that listings read only what they show. */
  visibility: Visibility;
  created_at: number;
}

/** `absent`: named by a manifest, never received. `stored`: the bytes are there. */
export type BlobState = 'absent' | 'stored';

/** Bytes of any kind, manifests included, once for the whole registry. */
interface BlobTable {
  id: Generated<number>;
  digest: Uint8Array;
  size: number;
  /** Where the blob store keeps the bytes; null when they are in `payloads` only. */
  storage_key: string | null;
  state: BlobState;
  created_at: number;
  /** Since when no repository holds it; null = one does, or nobody has looked. */
  unheld_since: Generated<number | null>;
}

interface PayloadTable {
  blob_id: number;
  bytes: Uint8Array;
}

/** The right of a repository to a blob. */
interface RepositoryBlobTable {
  repository_id: number;
  blob_id: number;
  created_at: number;
  deleted_at: number | null;
  /** Since when no live manifest of the repository names it, as far as is known; null = one does. */
  unheld_since: Generated<number | null>;
  /** 1: it is part of what the namespaces above use, see `liveness.ts`. */
  is_counted: Generated<number>;
}

interface ManifestTable {
  id: Generated<number>;
  repository_id: number;
  blob_id: number;
  media_type: string;
  artifact_type: string | null;
  subject_id: number | null;
  created_at: number;
  /** Since when it is in the trash; null = it is not. */
  deleted_at: number | null;
  /** Since when no tag, lease or other live manifest holds it; null = it is live. */
  released_at: Generated<number | null>;
}

interface ManifestReferenceTable {
  parent_id: number;
  child_id: number;
  kind: string;
  /** That of the parent. */
  repository_id: number;
}

/** What `GET …/referrers/…` answers, ready to send: one JSON descriptor a row. */
interface ReferrerTable {
  repository_id: number;
  subject_id: number;
  manifest_id: number;
  artifact_type: string | null;
  descriptor: string;
  /** 1: its manifest is in the trash. */
  is_hidden: Generated<number>;
}

interface TagTable {
  id: Generated<number>;
  repository_id: number;
  name: string;
  /** Null once the tag is deleted: the row stays, because its history does. */
  manifest_id: number | null;
  /** Number of the tag's last event. */
  sequence: number;
}

/** Append-only. Order is by sequence; `at` is a label that never runs backwards within a tag. */
interface TagEventTable {
  tag_id: number;
  sequence: number;
  old_blob_id: number | null;
  new_blob_id: number | null;
  at: number;
  actor: string;
  cause: string;
  /** As in `Actor`: who and by which credential. '' in events of version 0.2 and older. */
  principal: Generated<string>;
  credential: Generated<string>;
  /** The plan that moved it. */
  plan_id: Generated<number | null>;
}

interface UploadTable {
  id: string;
  repository_name: string;
  actor: string;
  algorithm: string;
  /** Bytes held when the last request on this upload ended. */
  size: number;
  /** Digest of those bytes; null = not known, the closing PUT reads them again. */
  digest: Uint8Array | null;
  /** Rises with each request; only the holder of the highest may record anything. */
  fence: number;
  /** Which process a request is writing in now; null = none. */
  writer: string | null;
  /** Name in the blob store's upload area; null = nothing there, the bytes are in `upload_payloads`. */
  file: string | null;
  /** The key that the closing PUT is about to give to the bytes. */
  storage_key: string | null;
  /** Since which start of the machine the file's bytes are certain, see `registry/upload.ts`. */
  boot: string | null;
  created_at: number;
  updated_at: number;
}

interface UploadPayloadTable {
  upload_id: string;
  bytes: Uint8Array;
}

/** Bytes to remove from the blob store: `upload` by upload id, `content` by storage key. */
export type RemovalKind = 'upload' | 'content';

interface RemovalTable {
  id: Generated<number>;
  kind: RemovalKind;
  key: string;
  created_at: number;
  /** Not removed before (ms): somebody may have been told the key. */
  not_before: Generated<number>;
  /** Bytes that the removal frees; 0 = not known. */
  size: Generated<number>;
}

/** `waiting`: to run at run_at (also while leased). `dead`: gave up; a person must look. */
export type JobState = 'waiting' | 'dead';

interface JobTable {
  id: Generated<number>;
  kind: string;
  /** At most one job of a key. */
  key: string;
  arguments: string;
  state: JobState;
  run_at: number;
  attempts: number;
  lease_owner: string | null;
  lease_until: number;
  last_error: string | null;
  created_at: number;
}

interface OutboxTable {
  id: Generated<number>;
  kind: string;
  repository_id: number;
  /** JSON; its form depends on the kind, see `outbox.ts`. */
  detail: string;
  state: 'waiting' | 'done';
  created_at: number;
}

interface ManifestPullTable {
  manifest_id: number;
  count: number;
  last_at: number;
}

interface TagPullTable {
  tag_id: number;
  count: number;
  last_at: number;
}
