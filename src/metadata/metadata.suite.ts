// What the metadata does on every engine and behind every driver: each file of this folder, case by
// case. A bug found on one engine becomes a case here first.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Digest, digestOf } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { findBlob, findBlobId, readPayload, repositoriesWithBlob } from './blobs.ts';
import type { Commands } from './command.ts';
import { countJobs } from './jobs.ts';
import {
  findManifestByDigest,
  findManifestByTag,
  heldManifestDigests,
  listReferrers,
} from './manifests.ts';
import { isStillNamed, nextRemovals } from './removals.ts';
import { findRepository, listedRepositories } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';
import { namespaces, type SuiteCommands } from './suite.command.ts';
import { readTagEvents } from './tag-history.ts';
import { listTags, tagsPointingAt } from './tags.ts';
import { readUpkeepFigures } from './upkeep-figures.ts';
import { countUploads, findUpload, heldBytes, isUploadFile, staleUploads } from './uploads.ts';

export interface OpenedMetadata {
  readonly sql: Sql;
  readonly commands: Commands<SuiteCommands>;
  /** Removes all that the database has left. */
  close(): Promise<void>;
}

export type OpenMetadata = () => Promise<OpenedMetadata>;

let made = 0;

/** A digest that no other case uses. */
export function freshDigest(): Digest {
  made += 1;
  return digestOf('sha256', made.toString(16).padStart(64, 'a'));
}

/** A repository name that no other case uses. */
export function freshName(): RepositoryName {
  made += 1;
  return `suite/of${made}` as RepositoryName;
}

const outboxOf = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('outbox')
    .select(['kind', 'detail', 'state'])
    .where('repository_id', '=', p.repository)
    .orderBy('id'),
);

const pullsOf = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('manifest_pulls').selectAll().where('manifest_id', '=', p.manifest),
);

const tagPulls = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('tag_pulls as c')
    .innerJoin('tags as t', 't.id', 'c.tag_id')
    .select(['t.name', 'c.count', 'c.last_at'])
    .where('t.repository_id', '=', p.repository)
    .orderBy('t.name'),
);

const bytes = (...values: number[]) => Uint8Array.from(values);
const plainBytes = (value: Uint8Array | undefined) => value && [...value];

/** The database under test, and the steps that many cases begin with. */
class World {
  opened: OpenedMetadata | undefined;
  get #open(): OpenedMetadata {
    if (this.opened === undefined) throw new Error('the database is not open');
    return this.opened;
  }
  get sql(): Sql {
    return this.#open.sql;
  }
  get commands(): Commands<SuiteCommands> {
    return this.#open.commands;
  }

  async repository(name = freshName()): Promise<{ name: RepositoryName; id: number }> {
    return { name, id: await this.commands.run('ensureRepository', name) };
  }

  async blob(digest = freshDigest(), payload = bytes(1, 2, 3)) {
    const place = { payload };
    const { id } = await this.commands.run('storeBlob', { digest, size: payload.length, place });
    return { digest, id };
  }

  /** A manifest that names `parts`, each kind of them by digest. */
  async manifest(
    repository: number,
    parts: { layer?: Digest[]; manifest?: Digest[]; subject?: { digest: Digest; id: number } } = {},
  ) {
    const { digest, id: blob } = await this.blob();
    const { subject } = parts;
    const all = [...(parts.layer ?? []), ...(parts.manifest ?? [])];
    if (all.length > 0) await this.commands.run('ensureBlobRows', all);
    const id = await this.commands.run('storeManifest', {
      repository,
      blob,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: undefined,
      subject: subject?.id,
    });
    for (const kind of ['layer', 'manifest'] as const) {
      const digests = parts[kind] ?? [];
      if (digests.length > 0) {
        await this.commands.run('storeReferences', { repository, parent: id, kind, digests });
      }
    }
    if (subject !== undefined) {
      const digests = [subject.digest];
      await this.commands.run('storeReferences', {
        repository,
        parent: id,
        kind: 'subject',
        digests,
      });
    }
    return { digest, blob, id };
  }

  async tag(repository: number, name: string, to?: { id: number; blob: number }): Promise<void> {
    await this.commands.run('moveTag', {
      repository,
      name: name as Tag,
      to: to && { manifest: to.id, blob: to.blob },
      cause: to === undefined ? 'delete-tag' : 'push',
    });
  }

  needs(repository: number, blob: number, limit = 10): Promise<string[]> {
    return this.commands.run('tagsThatNeed', { repository, blob, limit });
  }
}

export function describeMetadata(name: string, open: OpenMetadata): void {
  describe(name, () => {
    const world = new World();
    beforeAll(async () => {
      world.opened = await open();
    }, 60_000);
    afterAll(() => world.opened?.close());
    repositories(world);
    blobs(world);
    manifests(world);
    neededTags(world);
    tags(world);
    uploads(world);
    removals(world);
    jobs(world);
    events(world);
    values(world);
  });
}

/** Names whose order by bytes is not that of a dictionary. */
const ORDERED = ['a-b', 'a.b', 'a/b', 'a0', 'a1', 'a10', 'a2', 'a_b', 'ab', 'b'];

function repositories(world: World): void {
  describe('repositories', () => {
    test('make a namespace for each prefix, once', async () => {
      const { id } = await world.repository('deep/er/still/api' as RepositoryName);
      await world.repository('deep/er/web' as RepositoryName);
      expect((await world.repository('deep/er/still/api' as RepositoryName)).id).toBe(id);
      const all = await world.sql.all(namespaces, {});
      const paths = all.map((row) => row.path).filter((path) => path.startsWith('deep'));
      expect(paths).toEqual(['deep', 'deep/er', 'deep/er/still']);
      expect(all[0]).toEqual({ path: '', parent: null });
      expect(all.filter((row) => row.parent === null)).toHaveLength(1);
    });

    test('a name of one part lies in the root', async () => {
      await world.repository('alpine' as RepositoryName);
      const all = await world.sql.all(namespaces, {});
      expect(all.some((row) => row.path === 'alpine')).toBe(false);
      expect(await findRepository(world.sql, 'alpine' as RepositoryName)).toBeNumber();
      expect(await findRepository(world.sql, 'alpin' as RepositoryName)).toBeUndefined();
    });

    test('are listed in byte order once they held a manifest, page by page', async () => {
      const names = ORDERED.map((name) => `list/${name}` as RepositoryName);
      for (const name of names.toReversed()) {
        const { id } = await world.repository(name);
        await world.commands.run('listRepository', id);
        await world.commands.run('listRepository', id);
      }
      await world.repository('list/a3' as RepositoryName);
      const all = await listedRepositories(world.sql, { last: 'list/', limit: 100 });
      expect(all.filter((name) => name.startsWith('list/'))).toEqual(names.toSorted());
      // The last name of the page before need not exist.
      expect(await listedRepositories(world.sql, { last: 'list/a1', limit: 2 })).toEqual([
        'list/a10',
        'list/a2',
      ]);
      expect(await listedRepositories(world.sql, { last: 'list/a15', limit: 1 })).toEqual([
        'list/a2',
      ]);
    });
  });
}

function blobs(world: World): void {
  describe('blobs', () => {
    test('are absent until they are stored, and stored once', async () => {
      const digest = freshDigest();
      await world.commands.run('ensureBlobRows', [digest, digest]);
      const absent = await findBlobId(world.sql, digest);
      const { name, id: repository } = await world.repository();
      await world.commands.run('linkBlob', { repository, blob: absent as number });
      expect(await findBlob(world.sql, { repository: name, digest })).toBeUndefined();
      const wanted = { repository, digests: [digest] };
      expect(await world.commands.run('heldAsBlobs', wanted)).toEqual([]);

      const place = { storageKey: `sha256/aa/${digest.slice(7)}.1` };
      const first = await world.commands.run('storeBlob', { digest, size: 70_000, place });
      expect(first).toEqual({ id: absent as number, isNew: true });
      const later = { digest, size: 70_000, place: { storageKey: 'sha256/aa/other' } };
      expect(await world.commands.run('storeBlob', later)).toEqual({ ...first, isNew: false });
      expect(await findBlob(world.sql, { repository: name, digest })).toMatchObject({
        id: first.id,
        size: 70_000,
        storageKey: place.storageKey,
      });
      expect(await world.commands.run('heldAsBlobs', wanted)).toEqual([digest]);
      // A later manifest that names it must not make it absent again.
      await world.commands.run('ensureBlobRows', [digest]);
      expect(await world.commands.run('heldAsBlobs', wanted)).toEqual([digest]);
    });

    test('an absent one is filled with a payload too', async () => {
      const digest = freshDigest();
      await world.commands.run('ensureBlobRows', [digest]);
      const { id } = await world.blob(digest, bytes(7));
      expect(plainBytes(await readPayload(world.sql, id))).toEqual([7]);
    });

    test('give back every byte', async () => {
      const all = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
      const { id } = await world.blob(freshDigest(), all);
      expect(plainBytes(await readPayload(world.sql, id))).toEqual([...all]);
      const empty = await world.blob(freshDigest(), bytes());
      expect(plainBytes(await readPayload(world.sql, empty.id))).toEqual([]);
      expect(await readPayload(world.sql, 999_999_999)).toBeUndefined();
    });

    test('a payload can stand beside a storage key, and the first one stays', async () => {
      const digest = freshDigest();
      const place = { storageKey: `sha256/aa/${digest.slice(7)}.2` };
      const { id } = await world.commands.run('storeBlob', { digest, size: 2, place });
      await world.commands.run('keepPayload', { blob: id, bytes: bytes(1, 2) });
      await world.commands.run('keepPayload', { blob: id, bytes: bytes(3) });
      expect(plainBytes(await readPayload(world.sql, id))).toEqual([1, 2]);
    });

    test('belong to the repositories that were given them, and to no other', async () => {
      const { digest, id: blob } = await world.blob();
      const one = await world.repository();
      const other = await world.repository();
      await world.commands.run('linkBlob', { repository: one.id, blob });
      await world.commands.run('linkBlob', { repository: one.id, blob });
      expect(await findBlob(world.sql, { repository: one.name, digest })).toBeDefined();
      expect(await findBlob(world.sql, { repository: other.name, digest })).toBeUndefined();
      expect(await world.commands.run('unlinkBlob', { repository: other.id, blob })).toBe(false);
      expect(await world.commands.run('unlinkBlob', { repository: one.id, blob })).toBe(true);
      expect(await world.commands.run('unlinkBlob', { repository: one.id, blob })).toBe(false);
      expect(await findBlob(world.sql, { repository: one.name, digest })).toBeUndefined();
      await world.commands.run('linkBlob', { repository: one.id, blob });
      expect(await findBlob(world.sql, { repository: one.name, digest })).toBeDefined();
    });

    test('name the repositories that hold them, those of a namespace first, no more than asked for', async () => {
      const { digest, id: blob } = await world.blob();
      const names = ['far/one', 'near/one', 'far/two', 'near/two', 'nearby/one'];
      for (const name of names) {
        const { id: repository } = await world.repository(name as RepositoryName);
        await world.commands.run('linkBlob', { repository, blob });
      }
      const wanted = { digest, prefix: 'near/', limit: 4 };
      expect(await repositoriesWithBlob(world.sql, wanted)).toEqual([
        'near/one',
        'near/two',
        'far/one',
        'far/two',
      ]);
      expect(await repositoriesWithBlob(world.sql, { ...wanted, digest: freshDigest() })).toEqual(
        [],
      );
    });
  });
}

function manifests(world: World): void {
  describe('manifests', () => {
    test('are found by digest and by tag, in their repository only', async () => {
      const { name, id: repository } = await world.repository();
      const other = await world.repository();
      const { digest, blob, id } = await world.manifest(repository);
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      const found = { id, blobId: blob, digest, size: 3, mediaType };
      expect(await findManifestByDigest(world.sql, { repository: name, digest })).toEqual(found);
      const elsewhere = { repository: other.name, digest };
      expect(await findManifestByDigest(world.sql, elsewhere)).toBeUndefined();
      const tag = 'v1' as Tag;
      expect(await findManifestByTag(world.sql, { repository: name, tag })).toBeUndefined();
      await world.tag(repository, tag, { id, blob });
      expect(await findManifestByTag(world.sql, { repository: name, tag })).toEqual(found);
    });

    test('are brought back by a second push, with the same id and what it says now', async () => {
      const { name, id: repository } = await world.repository();
      const { digest, blob, id } = await world.manifest(repository);
      const deletion = { repository, manifest: id };
      expect(await world.commands.run('deleteManifest', deletion)).toBe(true);
      expect(await world.commands.run('deleteManifest', deletion)).toBe(false);
      expect(await findManifestByDigest(world.sql, { repository: name, digest })).toBeUndefined();
      const wanted = { repository, digests: [digest] };
      expect(await world.commands.run('heldAsManifests', wanted)).toEqual([]);
      const again = { repository, blob, mediaType: 'application/x', artifactType: 'a/b' };
      expect(await world.commands.run('storeManifest', { ...again, subject: undefined })).toBe(id);
      const found = await findManifestByDigest(world.sql, { repository: name, digest });
      expect(found?.mediaType).toBe('application/x');
      expect(await world.commands.run('heldAsManifests', wanted)).toEqual([digest]);
    });

    test('list their referrers in the order of their coming, by pages, without the deleted', async () => {
      const { name, id: repository } = await world.repository();
      const subject = await world.blob();
      const ids: number[] = [];
      for (const artifactType of ['a/a', undefined, 'a/b', 'a/c']) {
        const { id: manifest } = await world.manifest(repository, { subject });
        const referrer = { repository, subject: subject.id, manifest, artifactType };
        const descriptor = `{"n":${ids.length}}`;
        await world.commands.run('storeReferrer', { ...referrer, descriptor: 'older' });
        await world.commands.run('storeReferrer', { ...referrer, descriptor });
        ids.push(manifest);
      }
      const page = { repository: name, subject: subject.digest, after: 0, limit: 10 };
      const all = await listReferrers(world.sql, page);
      expect(all.map((row) => row.manifestId)).toEqual(ids);
      expect(all[1]).toEqual({
        manifestId: ids[1] as number,
        artifactType: null,
        descriptor: '{"n":1}',
      });
      const second = await listReferrers(world.sql, { ...page, after: ids[1] as number, limit: 1 });
      expect(second.map((row) => row.manifestId)).toEqual([ids[2] as number]);
      await world.commands.run('deleteManifest', { repository, manifest: ids[2] as number });
      const rest = await listReferrers(world.sql, page);
      expect(rest.map((row) => row.manifestId)).toEqual([ids[0], ids[1], ids[3]] as number[]);
      const elsewhere = { ...page, repository: (await world.repository()).name };
      expect(await listReferrers(world.sql, elsewhere)).toEqual([]);
    });

    test('that a fallback tag lists count only when they do not name the subject themselves', async () => {
      const { name, id: repository } = await world.repository();
      const subject = await world.blob();
      const naming = await world.manifest(repository, { subject });
      const silent = await world.manifest(repository);
      const gone = await world.manifest(repository);
      await world.commands.run('deleteManifest', { repository, manifest: gone.id });
      const digests = [naming.digest, silent.digest, gone.digest, freshDigest()];
      const wanted = { repository: name, subject: subject.digest, digests };
      expect([...(await heldManifestDigests(world.sql, wanted))]).toEqual([silent.digest]);
    });
  });
}

function neededTags(world: World): void {
  describe('tags that need a part', () => {
    test('through indexes of indexes', async () => {
      const { id: repository } = await world.repository();
      const layer = await world.blob();
      const image = await world.manifest(repository, { layer: [layer.digest] });
      const index = await world.manifest(repository, { manifest: [image.digest] });
      const outer = await world.manifest(repository, { manifest: [index.digest] });
      expect(await world.needs(repository, layer.id)).toEqual([]);
      await world.tag(repository, 'outer', outer);
      expect(await world.needs(repository, layer.id)).toEqual(['outer']);
      expect(await world.needs(repository, image.blob)).toEqual(['outer']);
      expect(await world.needs(repository, index.blob)).toEqual(['outer']);
      // Nothing names the outermost one: its own tag does not stand in its way.
      expect(await world.needs(repository, outer.blob)).toEqual([]);
      await world.commands.run('deleteManifest', { repository, manifest: index.id });
      expect(await world.needs(repository, layer.id)).toEqual([]);
    });

    test('through a referrer of what is tagged, which itself may go', async () => {
      const { id: repository } = await world.repository();
      const image = await world.manifest(repository);
      const payload = await world.blob();
      const signature = await world.manifest(repository, {
        layer: [payload.digest],
        subject: { digest: image.digest, id: image.blob },
      });
      await world.tag(repository, 'signed', image);
      expect(await world.needs(repository, payload.id)).toEqual(['signed']);
      expect(await world.needs(repository, signature.blob)).toEqual([]);
      expect(await world.needs(repository, image.blob)).toEqual([]);
    });

    test('through the children of a build cache, which are blobs', async () => {
      const { id: repository } = await world.repository();
      const layer = await world.blob();
      const cache = await world.manifest(repository, { manifest: [layer.digest] });
      await world.tag(repository, 'cache', cache);
      expect(await world.needs(repository, layer.id)).toEqual(['cache']);
    });

    test('in this repository only, no more than asked for, and also round a circle', async () => {
      const { id: repository } = await world.repository();
      const other = await world.repository();
      const layer = await world.blob();
      const here = await world.manifest(repository, { layer: [layer.digest] });
      const there = await world.manifest(other.id, { layer: [layer.digest] });
      await world.tag(other.id, 'there', there);
      expect(await world.needs(repository, layer.id)).toEqual([]);
      // Two that are each other's subject cannot be made by honest means, but must not hang.
      const back = await world.manifest(repository, { manifest: [here.digest] });
      const child = { repository, parent: here.id, kind: 'manifest', digests: [back.digest] };
      await world.commands.run('storeReferences', child);
      expect(await world.needs(repository, layer.id)).toEqual([]);
      for (const tag of ['c', 'a', 'b']) await world.tag(repository, tag, here);
      expect(await world.needs(repository, layer.id, 2)).toEqual(['a', 'b']);
    });
  });
}

function tags(world: World): void {
  describe('tags', () => {
    test('keep an unbroken history with what was before and after each move', async () => {
      const { id: repository } = await world.repository();
      const [one, two] = [await world.manifest(repository), await world.manifest(repository)];
      const name = 'v1' as Tag;
      await world.tag(repository, name, one);
      await world.tag(repository, name, two);
      await world.tag(repository, name);
      await world.tag(repository, name, one);
      const history = await readTagEvents(world.sql, { repository, name, limit: 10 });
      expect(
        history.map(({ sequence, from, to, cause }) => ({ sequence, from, to, cause })),
      ).toEqual([
        { sequence: 4, from: undefined, to: one.digest, cause: 'push' },
        { sequence: 3, from: two.digest, to: undefined, cause: 'delete-tag' },
        { sequence: 2, from: one.digest, to: two.digest, cause: 'push' },
        { sequence: 1, from: undefined, to: one.digest, cause: 'push' },
      ]);
      const last = await readTagEvents(world.sql, { repository, name, limit: 1 });
      expect(last[0]?.sequence).toBe(4);
      expect(last[0]?.actor).toBe('someone');
      const key = { repository, name: 'never' as Tag };
      expect(await readTagEvents(world.sql, { ...key, limit: 1 })).toEqual([]);
      expect(await world.commands.run('lockTag', key)).toBeUndefined();
    });

    test('show no event as earlier than the one before when the clock was set back', async () => {
      const { id: repository } = await world.repository();
      const one = await world.manifest(repository);
      const name = 'late' as Tag;
      await world.tag(repository, name, one);
      const future = 9_000_000_000_000;
      await world.commands.run('shiftEvents', { repository, at: future });
      await world.tag(repository, name);
      const [last] = await readTagEvents(world.sql, { repository, name, limit: 1 });
      expect(last?.at).toBe(future);
    });

    test('are listed in byte order without the deleted, page by page', async () => {
      const { id: repository } = await world.repository();
      const one = await world.manifest(repository);
      const names = ['A', 'B', '_x', 'a-b', 'a.b', 'a0', 'a10', 'a2', 'a_b', 'ab'];
      for (const name of names.toReversed()) await world.tag(repository, name, one);
      await world.tag(repository, 'a1', one);
      await world.tag(repository, 'a1');
      const page = { repository, last: '', limit: 100 };
      expect(await listTags(world.sql, page)).toEqual(names.toSorted());
      expect(await listTags(world.sql, { ...page, last: 'a1', limit: 2 })).toEqual(['a10', 'a2']);
      expect(await listTags(world.sql, { ...page, last: 'zz' })).toEqual([]);
      expect(await tagsPointingAt(world.sql, one.id)).toEqual(names.toSorted() as Tag[]);
    });
  });
}

function uploads(world: World): void {
  const begin = async () => {
    made += 1;
    const id = `upload-${made}`;
    const repository = freshName();
    await world.commands.run('createUpload', {
      id,
      repository,
      actor: 'someone',
      algorithm: 'sha512',
    });
    return { id, repository };
  };
  const nothing = { writer: undefined, file: undefined, storageKey: undefined };

  describe('uploads', () => {
    test('obey the highest fence only', async () => {
      const { id, repository } = await begin();
      const file = `${id}-1`;
      const take = { ...nothing, id, writer: 'one', file };
      await world.commands.run('takeUpload', { ...take, fence: 1 });
      await world.commands.run('takeUpload', { ...take, fence: 2, writer: 'two' });
      const digest = freshDigest();
      const progress = { id, size: 5, digest, file, boot: 'b' };
      expect(await world.commands.run('recordProgress', { ...progress, fence: 1 })).toBe(false);
      const intent = { id, storageKey: `sha256/aa/${id}` };
      expect(await world.commands.run('intendStorageKey', { ...intent, fence: 1 })).toBe(false);
      expect(await findUpload(world.sql, id)).toMatchObject({ size: 0, fence: 2, writer: 'two' });
      expect(await world.commands.run('intendStorageKey', { ...intent, fence: 2 })).toBe(true);
      expect(
        await isStillNamed(world.sql, { id: 0, kind: 'content', key: intent.storageKey }),
      ).toBe(true);
      expect(await world.commands.run('recordProgress', { ...progress, fence: 2 })).toBe(true);
      expect(await findUpload(world.sql, id)).toEqual({
        id,
        repository,
        algorithm: 'sha512',
        size: 5,
        digest,
        fence: 2,
        writer: undefined,
        file,
        storageKey: intent.storageKey,
        boot: 'b',
        updatedAt: expect.any(Number),
      });
      expect(await isUploadFile(world.sql, file)).toBe(true);
      await world.commands.run('removeUpload', id);
      expect(await findUpload(world.sql, id)).toBeUndefined();
      expect(await isUploadFile(world.sql, file)).toBe(false);
    });

    test('hold small bytes, which go with them', async () => {
      const { id } = await begin();
      await world.commands.run('holdBytes', { id, bytes: bytes(1) });
      await world.commands.run('holdBytes', { id, bytes: bytes(1, 2) });
      expect(plainBytes(await heldBytes(world.sql, id))).toEqual([1, 2]);
      await world.commands.run('removeUpload', id);
      expect(await heldBytes(world.sql, id)).toBeUndefined();
    });

    test('are stale when nobody continued them, oldest first', async () => {
      const before = Date.now() - 3_600_000;
      const old = await begin();
      await world.commands.run('ageUploads', { seconds: 1_000_000 });
      const older = [old.id];
      const next = await begin();
      await world.commands.run('ageUploads', { seconds: 10_000 });
      older.push(next.id);
      const fresh = await begin();
      const stale = await staleUploads(world.sql, { before, limit: 1000 });
      expect(stale.filter((id) => [...older, fresh.id].includes(id))).toEqual(older);
      expect(await staleUploads(world.sql, { before, limit: 1 })).toHaveLength(1);
      expect(await countUploads(world.sql)).toBeGreaterThanOrEqual(3);
      // A request that takes it makes it fresh again.
      await world.commands.run('takeUpload', { ...nothing, id: old.id, fence: 1 });
      expect(await staleUploads(world.sql, { before, limit: 1000 })).not.toContain(old.id);
    });
  });
}

function removals(world: World): void {
  test('removals are handed out in order, and only bytes without a row are removed', async () => {
    const digest = freshDigest();
    const key = `sha256/aa/${digest.slice(7)}.9`;
    await world.commands.run('storeBlob', { digest, size: 9, place: { storageKey: key } });
    await world.commands.run('queueRemoval', { kind: 'content', key });
    await world.commands.run('queueRemoval', { kind: 'upload', key: 'nobody' });
    const queued = await nextRemovals(world.sql, { after: 0, limit: 10 });
    expect(queued.map(({ kind, key }) => ({ kind, key }))).toEqual([
      { kind: 'content', key },
      { kind: 'upload', key: 'nobody' },
    ]);
    const [first, second] = queued as [(typeof queued)[0], (typeof queued)[0]];
    expect(await isStillNamed(world.sql, first)).toBe(true);
    expect(await isStillNamed(world.sql, second)).toBe(false);
    expect(await nextRemovals(world.sql, { after: first.id, limit: 10 })).toEqual([second]);
    for (const { id } of queued) await world.commands.run('forgetRemoval', id);
    expect(await nextRemovals(world.sql, { after: 0, limit: 10 })).toEqual([]);
  });
}

function jobs(world: World): void {
  const lease = (owner: string) => world.commands.run('leaseJob', { owner, leaseMs: 60_000 });
  const add = (key: string, runAt = 0) =>
    world.commands.run('addJob', { kind: 'work', key, arguments: '{"n":1}', runAt });
  const count = async () => (await countJobs(world.sql)).filter((row) => row.kind === 'work');

  describe('jobs', () => {
    test('belong to one owner until they end, and are there once for each key', async () => {
      await add('one');
      await add('one');
      expect(await count()).toEqual([{ kind: 'work', state: 'waiting', count: 1, failures: 0 }]);
      const job = await lease('me');
      expect(job).toMatchObject({ kind: 'work', key: 'one', arguments: '{"n":1}', attempts: 1 });
      expect(await lease('other')).toBeUndefined();
      const { id, attempts } = job as { id: number; attempts: number };
      const end = { id, attempts, end: { kind: 'done' as const } };
      await world.commands.run('endJob', { ...end, owner: 'other' });
      expect(await count()).toHaveLength(1);
      await world.commands.run('endJob', { ...end, owner: 'me' });
      expect(await count()).toEqual([]);
    });

    test('of an owner that is gone are taken by another, and the first one learns it', async () => {
      await add('lost');
      const job = (await lease('dead')) as { id: number };
      const own = { id: job.id, leaseMs: 60_000 };
      expect(await world.commands.run('extendLease', { ...own, owner: 'dead' })).toBe(true);
      await world.commands.run('ageJobs', { seconds: 61 });
      expect(await lease('heir')).toMatchObject({ id: job.id, attempts: 2 });
      expect(await world.commands.run('extendLease', { ...own, owner: 'dead' })).toBe(false);
      const end = { id: job.id, attempts: 1, end: { kind: 'done' as const } };
      await world.commands.run('endJob', { ...end, owner: 'dead' });
      expect(await count()).toHaveLength(1);
      await world.commands.run('endJob', { ...end, owner: 'heir' });
    });

    test('that failed wait, count on, and are laid aside in the end', async () => {
      await add('bad');
      const owner = 'me';
      const job = (await lease(owner)) as { id: number };
      const failed = { kind: 'failed' as const, inMs: 5_000, error: 'no' };
      await world.commands.run('endJob', { id: job.id, owner, attempts: 1, end: failed });
      expect(await lease(owner)).toBeUndefined();
      await world.commands.run('ageJobs', { seconds: 6 });
      expect(await lease(owner)).toMatchObject({ id: job.id, attempts: 2 });
      // The second time runs: nobody knows yet how it ends.
      expect(await count()).toMatchObject([{ failures: 1 }]);
      await world.commands.run('endJob', { id: job.id, owner, attempts: 2, end: failed });
      expect(await count()).toMatchObject([{ failures: 2 }]);
      await world.commands.run('ageJobs', { seconds: 6 });
      expect(await lease(owner)).toMatchObject({ id: job.id, attempts: 3 });
      const again = { kind: 'again' as const, inMs: 5_000 };
      await world.commands.run('endJob', { id: job.id, owner, attempts: 3, end: again });
      expect(await count()).toMatchObject([{ failures: 0 }]);
      await world.commands.run('ageJobs', { seconds: 6 });
      expect(await lease(owner)).toMatchObject({ id: job.id, attempts: 1 });
      const dead = { kind: 'dead' as const, error: 'no' };
      await world.commands.run('endJob', { id: job.id, owner, attempts: 1, end: dead });
      await world.commands.run('ageJobs', { seconds: 100_000 });
      expect(await lease(owner)).toBeUndefined();
      expect(await count()).toEqual([{ kind: 'work', state: 'dead', count: 1, failures: 1 }]);
    });

    test('due longest come first, those of the future not at all', async () => {
      await add('later', Date.now() - 1_000);
      await add('sooner', Date.now() - 100_000);
      await add('future', 9_000_000_000_000);
      expect((await lease('me'))?.key).toBe('sooner');
      expect((await lease('me'))?.key).toBe('later');
      expect(await lease('me')).toBeUndefined();
    });
  });
}

function events(world: World): void {
  test('what happened stands in the outbox, in order, until it is trimmed', async () => {
    const { id: repository } = await world.repository();
    const digest = freshDigest();
    const event = { repository, actor: 'someone' };
    await world.commands.run('announce', {
      ...event,
      kind: 'push',
      digest,
      mediaType: 'application/x',
    });
    const move = {
      ...event,
      kind: 'tag',
      tag: 'v1',
      from: undefined,
      to: digest,
      cause: 'push',
    } as const;
    await world.commands.run('announce', move);
    const rows = await world.sql.all(outboxOf, { repository });
    expect(rows.map((row) => [row.kind, row.state, JSON.parse(row.detail)])).toEqual([
      ['push', 'waiting', { actor: 'someone', digest, mediaType: 'application/x' }],
      ['tag', 'waiting', { actor: 'someone', tag: 'v1', to: digest, cause: 'push' }],
    ]);
    const all = { limit: 1000 };
    expect(await world.commands.run('trimOutbox', { ...all, before: 1 })).toBe(0);
    const before = 9_000_000_000_000;
    expect(await world.commands.run('trimOutbox', { before, limit: 1 })).toBe(1);
    await world.commands.run('trimOutbox', { ...all, before });
    expect(await world.sql.all(outboxOf, { repository })).toEqual([]);
  });

  test('what an operator is told of upkeep is in numbers', async () => {
    const figures = await readUpkeepFigures(world.sql);
    expect(figures.damages).toBe(0);
    for (const since of Object.values(figures.oldest)) {
      if (since !== null) expect(since).toBeNumber();
    }
    const kinds = ['blobs', 'released', 'rights', 'trashed'];
    expect(Object.keys(figures.oldest)).toEqual(expect.arrayContaining(kinds));
  });

  test('pulls add up for the manifest, its tags and the indexes that name it', async () => {
    const { id: repository } = await world.repository();
    const image = await world.manifest(repository);
    const index = await world.manifest(repository, { manifest: [image.digest] });
    await world.tag(repository, 'image', image);
    await world.tag(repository, 'index', index);
    const manifest = image.id;
    await world.commands.run('addPulls', [
      { manifest, count: 2, lastAt: 50 },
      { manifest: 999_999_999, count: 1, lastAt: 50 },
    ]);
    // Another node's counts, which come later and are older.
    await world.commands.run('addPulls', [{ manifest, count: 3, lastAt: 40 }]);
    const counted = { count: 5, last_at: 50 };
    expect(await world.sql.first(pullsOf, { manifest })).toEqual({
      manifest_id: manifest,
      ...counted,
    });
    expect(await world.sql.all(tagPulls, { repository })).toEqual([
      { name: 'image', ...counted },
      { name: 'index', count: 0, last_at: 50 },
    ]);
  });
}

function values(world: World): void {
  test('whole numbers up to 2^53 - 1 come back as they were', async () => {
    const { name, id: repository } = await world.repository();
    for (const size of [2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      const digest = freshDigest();
      const place = { storageKey: `sha256/aa/${digest.slice(7)}.3` };
      const { id: blob } = await world.commands.run('storeBlob', { digest, size, place });
      await world.commands.run('linkBlob', { repository, blob });
      expect((await findBlob(world.sql, { repository: name, digest }))?.size).toBe(size);
    }
  });

  test('a sha512 digest is another blob than a sha256 digest', async () => {
    const digest = digestOf('sha512', 'c'.repeat(128));
    const { name, id: repository } = await world.repository();
    const { id: blob } = await world.blob(digest);
    await world.commands.run('linkBlob', { repository, blob });
    expect(await world.commands.run('heldAsBlobs', { repository, digests: [digest] })).toEqual([
      digest,
    ]);
    const shorter = digestOf('sha256', 'c'.repeat(64));
    expect(await findBlob(world.sql, { repository: name, digest: shorter })).toBeUndefined();
  });

  test('a parameter that is not given is a mistake, not a NULL', async () => {
    await expect(world.sql.all(pullsOf, {} as never)).rejects.toThrow(
      'wants a parameter "manifest"',
    );
  });
}
