// What the collector promises, on either engine: what is held stays whole, what nothing holds goes.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { SYSTEM } from '../../metadata/audit.ts';
import { findBlob } from '../../metadata/blobs.ts';
import { findManifestByTag, findManifestState } from '../../metadata/manifests.ts';
import { findRepository } from '../../metadata/repositories.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import { CollectionWorld, type OpenedCollection } from './suite-collection.ts';

const APP = 'team/app';
const OTHER = 'team/other';

export function describeCollection(title: string, open: () => Promise<OpenedCollection>): void {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = new CollectionWorld(await open());
  });
  afterEach(() => world.opened.close());

  const idOf = async (name: string) =>
    (await findRepository(world.sql, name as RepositoryName)) as number;

  describe(title, () => {
    test('what a tag left stays for the window and then goes, without what others need', async () => {
      const [shared, old, fresh] = [
        await world.blob(APP, 1),
        await world.blob(APP, 2),
        await world.blob(APP, 3),
      ];
      const first = await world.push(APP, 'latest', { layers: [shared, old] });
      const second = await world.push(APP, 'latest', { layers: [shared, fresh] });
      world.passDays(29);
      expect(await world.collect()).toEqual({ gone: 0, isOver: true });
      expect(await world.hasManifest(APP, first)).toBe(true);
      expect(await world.hasBlob(APP, old)).toBe(true);
      world.passDays(2);
      await world.collect();
      expect(await world.hasManifest(APP, first)).toBe(false);
      expect(await world.hasBlob(APP, old)).toBe(false);
      expect(await world.hasManifest(APP, second)).toBe(true);
      expect(await world.hasBlob(APP, shared)).toBe(true);
      expect(await world.hasBlob(APP, fresh)).toBe(true);
      world.passDays(1);
      await world.removeBytes();
      expect(world.hasBytes(old)).toBe(false);
      expect(world.hasBytes(shared)).toBe(true);
      // The history of the tag speaks of the first manifest on; nothing speaks of its layer.
      const rows = await world.blobRows();
      expect(rows.filter(({ state }) => state === 'absent')).toHaveLength(1);
      expect(rows.every(({ unheldSince }) => unheldSince === null)).toBe(true);
    });

    test('a deleted tag leaves the trash when its time is over, and its name is free', async () => {
      const layer = await world.blob(APP, 1);
      await world.push(APP, 'v1', { layers: [layer] });
      await world.push(OTHER, 'v1', { layers: [await world.blob(OTHER, 1)] });
      await world.commands.run('setTrashDays', { path: OTHER, days: 60 });
      await world.deleteTag(APP, 'v1');
      await world.deleteTag(OTHER, 'v1');
      world.passDays(29);
      await world.collect();
      expect(await world.trashItems()).toHaveLength(2);
      world.passDays(2);
      await world.collect();
      expect((await world.trashItems()).map(({ path }) => path)).toEqual([OTHER]);
      world.passDays(30);
      await world.collect();
      expect(await world.trashItems()).toEqual([]);
    });

    test('a blob that came after the manifest that names it stays, and is counted', async () => {
      const layer = await world.blob(APP, 1);
      const image = await world.push(APP, '', { layers: [layer] });
      const repository = APP as RepositoryName;
      await world.commands.run('deleteBlob', { repository, actor: SYSTEM, digest: layer });
      const without = await world.usedBytes('team');
      await world.blob(APP, 1);
      world.passDays(2);
      await world.collect();
      world.passDays(60);
      await world.collect();
      expect(await world.hasManifest(APP, image)).toBe(true);
      expect(await world.hasBlob(APP, layer)).toBe(true);
      expect(await world.usedBytes('team')).toBe(without + 50_000);
    });

    test('bytes wait for whoever may be about to read them', async () => {
      const digest = await world.blob(APP, 1);
      world.passDays(1.5);
      expect((await world.collect()).gone).toBe(2);
      expect(await world.hasBlob(APP, digest)).toBe(false);
      const later = new CollectionWorld(world.opened);
      await later.removeBytes();
      expect(world.hasBytes(digest)).toBe(true);
      await world.removeBytes();
      expect(world.hasBytes(digest)).toBe(false);
      const [run] = await world.runs();
      expect(run?.counts).toEqual({
        rights: 1,
        rightBytes: 50_000,
        blobs: 1,
        storedBytes: 50_000,
        removed: 1,
        removedBytes: 50_000,
      });
      expect(run?.endedAt).not.toBeNull();
      expect(await world.blobRows()).toEqual([]);
    });

    test('an upload that no manifest names is used until it goes', async () => {
      await world.blob(APP, 2, 100);
      await world.commands.run('limit', { path: 'team' });
      await world.blob(APP, 1);
      expect(await world.usedBytes('team')).toBe(50_000);
      world.passDays(0.9);
      expect((await world.collect()).gone).toBe(0);
      expect(await world.runs()).toEqual([]);
      world.passDays(0.2);
      await world.collect();
      expect(await world.usedBytes('team')).toBe(0);
    });

    test('an index, its children and its signatures go together, and in a circle too', async () => {
      const layer = await world.blob(APP, 1);
      const child = await world.push(APP, '', { layers: [layer] });
      const index = await world.push(APP, 'latest', { manifests: [child] });
      const signature = await world.push(APP, '', { layers: [layer], subject: index, mark: 's' });
      const circle = await world.push(APP, '', { manifests: [index], subject: index, mark: 'c' });
      await world.deleteTag(APP, 'latest');
      const all = [child, index, signature, circle];
      world.passDays(29);
      await world.collect();
      for (const digest of all) expect(await world.hasManifest(APP, digest)).toBe(true);
      world.passDays(2);
      await world.collect();
      for (const digest of all) expect(await world.hasManifest(APP, digest)).toBe(false);
      expect(await world.hasBlob(APP, layer)).toBe(false);
      expect(await world.references()).toEqual([]);
      expect(await world.usedBytes('team')).toBe(0);
      const [run] = await world.runs();
      expect(run?.counts).toMatchObject({ releasedManifests: 4, rights: 1 });
    });

    test('tags of signatures go to the trash when their image is gone, and not before', async () => {
      const layer = await world.blob(APP, 1);
      const image = await world.push(APP, 'latest', { layers: [layer] });
      const tag = `${image.replace(':', '-')}.sig`;
      const signature = await world.push(APP, tag, { layers: [layer], mark: 'signature' });
      const other = await world.push(APP, `sha256-${'0'.repeat(64)}.sig`, {
        layers: [layer],
        mark: 'other',
      });
      await world.deleteTag(APP, 'latest');
      world.passDays(29);
      await world.collect();
      expect((await world.trashItems()).map((item) => item.tag)).toEqual(['latest']);
      world.passDays(2);
      await world.collect();
      expect(await world.hasManifest(APP, image)).toBe(false);
      const key = { repository: APP as RepositoryName, tag: tag as Tag };
      expect(await findManifestByTag(world.sql, key)).toBeUndefined();
      // By the clock of the database it was released just now, which is long ago by the collector's.
      await world.collect();
      expect(await world.hasManifest(APP, signature)).toBe(false);
      expect(await world.hasManifest(APP, other)).toBe(true);
    });

    test('a child stays as long as an index that can still be restored', async () => {
      const layer = await world.blob(APP, 1);
      const child = await world.push(APP, '', { layers: [layer] });
      const index = await world.push(APP, 'latest', { manifests: [child] });
      await world.deleteTag(APP, 'latest');
      const repository = await idOf(APP);
      // The index was released with its child, and deleted ten days later.
      await world.commands.run('setTrashDays', { path: 'team', days: 1 });
      await world.deleteManifest(APP, index);
      const [item] = await world.trashItems();
      expect(item?.kind).toBe('tag');
      world.passDays(0.99);
      await world.collect();
      expect(await world.hasManifest(APP, child)).toBe(true);
      const found = await findBlob(world.sql, { repository: APP as RepositoryName, digest: layer });
      expect(found).toBeDefined();
      world.passDays(1.1);
      await world.collect();
      expect(await world.hasManifest(APP, child)).toBe(false);
      expect(repository).toBeGreaterThan(0);
    });

    test('what was deleted by digest can be brought back whole within the window, and goes after', async () => {
      const layer = await world.blob(APP, 1);
      const image = await world.push(APP, 'v1', { layers: [layer] });
      await world.deleteManifest(APP, image);
      expect(await world.usedBytes('team')).toBe(0);
      world.passDays(29);
      await world.collect();
      const repository = await idOf(APP);
      const blob = (await world.blobRows()).map(({ id }) => id).sort((a, b) => a - b)[1] as number;
      const state = await findManifestState(world.sql, { repository, blob });
      expect(state?.deletedAt).not.toBeNull();
      await world.commands.run('undelete', {
        repository,
        name: APP,
        manifest: state?.id as number,
      });
      expect(await world.hasManifest(APP, image)).toBe(true);
      expect(await world.hasBlob(APP, layer)).toBe(true);
      expect(await world.usedBytes('team')).toBeGreaterThan(50_000);
      await world.deleteManifest(APP, image);
      world.passDays(31);
      await world.collect();
      expect(await findManifestState(world.sql, { repository, blob })).toBeUndefined();
      expect(await world.hasBlob(APP, layer)).toBe(false);
      expect((await world.trashItems()).filter(({ kind }) => kind === 'manifest')).toEqual([]);
    });

    test('a mounted blob keeps its bytes when the first repository lets go of it', async () => {
      const layer = await world.blob(APP, 1);
      const mount = { repository: OTHER as RepositoryName, from: APP as RepositoryName };
      expect(await world.commands.run('mountBlob', { ...mount, digest: layer })).toBe(true);
      await world.push(OTHER, 'v1', { layers: [layer] });
      world.passDays(2);
      await world.collect();
      expect(await world.hasBlob(APP, layer)).toBe(false);
      expect(await world.hasBlob(OTHER, layer)).toBe(true);
      await world.removeBytes();
      expect(world.hasBytes(layer)).toBe(true);
      expect(await world.commands.run('mountBlob', { ...mount, digest: layer })).toBe(false);
    });

    test('who looks again finds what was done since the look before', async () => {
      const layer = await world.blob(APP, 1);
      const repository = await idOf(APP);
      const [row] = await world.blobRows();
      const blobs = [row?.id as number];
      const limits = { deletedBefore: 0, graceMs: 0, windowMs: 0 };
      const asked = { repository, blobs, unheldBefore: Date.now() + 60_000, ...limits };
      // A manifest came.
      const image = await world.push(APP, 'v1', { layers: [layer] });
      await world.commands.run('collectRights', asked);
      expect(await world.hasBlob(APP, layer)).toBe(true);
      const marked = await world.commands.run('collectBlobs', { blobs });
      expect(marked.gone).toBe(0);
      // The tag came back to what it had left.
      await world.push(APP, 'v1', { layers: [layer], mark: 'two' });
      const state = async () =>
        findManifestState(world.sql, { repository, blob: (blobs[0] as number) + 1 });
      const manifests = [(await state())?.id as number];
      await world.push(APP, 'v1', { layers: [layer] });
      const before = Date.now() + 60_000;
      const manifestsAsked = { repository, manifests, before, early: 0 };
      expect((await world.commands.run('collectManifests', manifestsAsked)).gone).toBe(0);
      expect(await world.hasManifest(APP, image)).toBe(true);
    });

    test('a lease holds what lost its tag, and no longer than it is there', async () => {
      const layer = await world.blob(APP, 1);
      const image = await world.push(APP, 'v1', { layers: [layer] });
      const items = [{ repository: APP as RepositoryName, digest: image }];
      const lease = { name: 'cluster', actor: SYSTEM, managed: [], detail: '' };
      await world.commands.run('putLease', { ...lease, ttlMs: 3_600_000, items });
      await world.deleteTag(APP, 'v1');
      world.passDays(100);
      await world.collect();
      expect(await world.hasManifest(APP, image)).toBe(true);
      await world.commands.run('endLease', { ...lease });
      await world.commands.run('releaseEndedLeases', null);
      await world.collect();
      expect(await world.hasManifest(APP, image)).toBe(false);
    });

    test('history and trash go before their time up to an instant, the oldest first', async () => {
      const [a, b] = [await world.blob(APP, 1), await world.blob(APP, 2)];
      const first = await world.push(APP, 'v1', { layers: [a] });
      await world.deleteTag(APP, 'v1');
      await Bun.sleep(5);
      const between = Date.now();
      await Bun.sleep(5);
      const second = await world.push(APP, 'v2', { layers: [b] });
      await world.deleteTag(APP, 'v2');
      world.early = between;
      await world.collect();
      expect(await world.hasManifest(APP, first)).toBe(false);
      expect(await world.hasManifest(APP, second)).toBe(true);
      expect((await world.runs())[0]?.counts).toMatchObject({ earlyManifests: 1 });
    });

    test('what many hold goes in more than one transaction', async () => {
      const layer = await world.blob(APP, 1, 100);
      const child = await world.push(APP, '', { layers: [layer] });
      for (let at = 0; at < 230; at += 1) {
        await world.push(APP, 'v', { manifests: [child], mark: String(at) });
      }
      await world.deleteTag(APP, 'v');
      world.passDays(31);
      await world.collect();
      expect(await world.references()).toEqual([]);
      expect((await world.runs())[0]?.counts.releasedManifests).toBeGreaterThan(30);
      expect(await world.usedBytes('team')).toBe(0);
    }, 60_000);

    test('a repository is purged in batches, and the collector takes the rest', async () => {
      const layer = await world.blob(APP, 1);
      const image = await world.push(APP, 'v1', { layers: [layer] });
      await world.push(APP, 'v2', { manifests: [image] });
      await world.push(APP, '', { layers: [layer], subject: image });
      await world.deleteTag(APP, 'v2');
      const repository = await idOf(APP);
      for (let batches = 0; ; batches += 1) {
        expect(batches).toBeLessThan(30);
        if (await world.commands.run('purge', { repository, limit: 2 })) break;
      }
      expect(await findRepository(world.sql, APP as RepositoryName)).toBeUndefined();
      expect(await world.usedBytes('team')).toBe(0);
      await world.collect();
      expect(await world.blobRows()).toEqual([]);
      expect(await world.trashItems()).toEqual([]);
    });
  });
}
