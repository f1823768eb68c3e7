// The promises, held against what the database and the disk really have. Runs between two steps, so
// nothing moves meanwhile. @throws Violation for the first promise that is broken.
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { findBlob } from '../../src/metadata/blobs.ts';
import { findManifestByDigest, findManifestByTag } from '../../src/metadata/manifests.ts';
import { findUpload, heldBytes, type UploadRow } from '../../src/metadata/uploads.ts';
import { type Digest, digestAlgorithm, digestFromBytes } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { LiveUploads } from '../../src/registry/live-uploads.ts';
import { uploadStatus } from '../../src/registry/upload.ts';
import { checkClosures } from './check-closures.ts';
import { checkCollected } from './check-collected.ts';
import { checkHistories } from './check-histories.ts';
import type { UploadSession } from './session.ts';
import { isTrustworthy } from './upload-session.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export async function checkPromises(world: World): Promise<void> {
  await checkStoredBytes(world);
  await checkPresence(world);
  await checkTags(world);
  checkHistories(world.database.connection);
  if (world.profile.collects) checkCollected(world);
  for (const session of world.sessions.values()) await checkUpload(world, session);
}

/** Nothing is claimed that is absent: every blob that is called stored has its bytes. */
async function checkStoredBytes({ database, disk }: World): Promise<void> {
  const rows = database.connection.query(
    `select b.digest, b.size, b.storage_key as key, p.bytes from blobs b
     left join payloads p on p.blob_id = b.id where b.state = 'stored'`,
    [],
  ) as { digest: Uint8Array; size: number; key: string | null; bytes: Uint8Array | null }[];
  for (const row of rows) {
    const digest = digestFromBytes(row.digest);
    const bytes = row.key === null ? row.bytes : await contentOf(disk.store, row.key);
    if (bytes === null) throw new Violation(`blob ${digest} is stored, but its bytes are absent`);
    const isRight = hashBytes(digestAlgorithm(digest), bytes) === digest;
    if (!isRight || bytes.length !== row.size) {
      throw new Violation(`blob ${digest} has ${bytes.length} bytes that are not its own`);
    }
  }
}

async function contentOf(store: BlobStore, key: string): Promise<Uint8Array | null> {
  const content = await store.open(key).catch(() => undefined);
  return content?.kind === 'stream' ? allOf(content.open()) : null;
}

async function allOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What was acknowledged is there, and what was deleted is not. */
async function checkPresence({ model, database: { connection } }: World): Promise<void> {
  for (const [key, presence] of model.blobs()) {
    const isThere = (await findBlob(connection, parts(key))) !== undefined;
    if (!isThere && presence.isCertain) throw new Violation(`the blob ${key} is lost`);
    if (isThere && presence.isCertainlyAbsent) throw new Violation(`the blob ${key} is back`);
  }
  for (const [key, presence] of model.manifests()) {
    const isThere = (await findManifestByDigest(connection, parts(key))) !== undefined;
    if (!isThere && presence.isCertain) throw new Violation(`the manifest ${key} is lost`);
    if (isThere && presence.isCertainlyAbsent) throw new Violation(`the manifest ${key} is back`);
  }
}

function parts(key: string): { repository: RepositoryName; digest: Digest } {
  const [repository, digest] = key.split(' ');
  return { repository: repository as RepositoryName, digest: digest as Digest };
}

/** Every tag points where some answer or some lost answer says, and whatever it needs is held. */
async function checkTags({ model, database: { connection } }: World): Promise<void> {
  for (const [key, value] of model.tags()) {
    const [repository, tag] = key.split(' ') as [RepositoryName, Tag];
    const at = (await findManifestByTag(connection, { repository, tag }))?.digest;
    const candidates = value.candidates();
    if (!candidates.has(at)) {
      const allowed = [...candidates].map(String).join(' or ');
      throw new Violation(`the tag ${key} is at ${at}, not at ${allowed}`);
    }
  }
  checkClosures(connection);
}

/** An upload never claims more bytes than it holds, nor other ones, nor fewer than it acknowledged. */
async function checkUpload(world: World, session: UploadSession): Promise<void> {
  const { connection } = world.database;
  const { id, repository, content, promised } = session;
  const row = await findUpload(connection, id);
  if (row === undefined) {
    if (session.mayBeOver || !isTrustworthy(world, session)) return;
    throw new Violation(`upload ${id} is gone, and nobody ended it`);
  }
  const { store } = world.disk;
  const server = world.servers[0];
  if (server === undefined) return;
  const now = { ...server.upload, sql: connection, blobs: store, live: new LiveUploads() };
  const { size } = await uploadStatus(now, { id, repository });
  const bytes = await heldBy(world, row);
  if (size > bytes.length) {
    throw new Violation(`upload ${id} claims ${size} bytes and holds ${bytes.length}`);
  }
  if (!isTrustworthy(world, session)) return;
  if (size < promised && !session.mayBeOver) {
    throw new Violation(`upload ${id} holds ${size} bytes, but ${promised} were acknowledged`);
  }
  const length = Math.min(size, content.bytes.length);
  if (Buffer.compare(bytes.subarray(0, length), content.bytes.subarray(0, length)) !== 0) {
    throw new Violation(`upload ${id} holds other bytes than were sent`);
  }
}

/** The most that an upload has: in its file, under the key that it was about to get, or in its row. */
async function heldBy({ database, disk }: World, row: UploadRow): Promise<Uint8Array> {
  const { file, storageKey } = row;
  const isFile = file !== undefined && (await disk.store.uploadLength(file)) !== undefined;
  const places = [
    isFile ? await allOf(disk.store.readUpload(file)) : undefined,
    storageKey === undefined ? undefined : await contentOf(disk.store, storageKey),
    await heldBytes(database.connection, row.id),
  ];
  const lengths = places.map((bytes) => bytes?.length ?? 0);
  return places[lengths.indexOf(Math.max(...lengths))] ?? new Uint8Array();
}
