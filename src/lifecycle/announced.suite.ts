// What stands in the outbox after each act that webhooks will want to tell of, on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SYSTEM } from '../metadata/audit.ts';
import { statement } from '../metadata/statement.ts';
import { listTrash } from '../metadata/trash-items.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { type OpenedPlans, PlanWorld } from './plans/suite-plans.ts';

const after = statement<{ id: number }>()((q, p) =>
  q.selectFrom('outbox').select(['id', 'kind', 'detail']).where('id', '>', p.id).orderBy('id'),
);

export function describeAnnounced(title: string, open: () => Promise<OpenedPlans>): void {
  describe(title, () => {
    let opened: OpenedPlans;
    let world: PlanWorld;
    let seen = 0;
    beforeAll(async () => {
      opened = await open();
      world = new PlanWorld(opened);
    });
    afterAll(() => opened?.close());

    /** What was announced since it was asked last, without who did it. */
    async function announced(): Promise<Record<string, unknown>[]> {
      const rows = await opened.sql.all(after, { id: seen });
      seen = rows.at(-1)?.id ?? seen;
      return rows.map(({ kind, detail }) => {
        const { actor, ...rest } = JSON.parse(detail) as Record<string, unknown>;
        expect(actor).toBeString();
        return { kind, ...rest };
      });
    }

    async function pushed() {
      const name = world.path() as RepositoryName;
      const tag = 'v1' as Tag;
      const images = [await world.push(name, tag, 1), await world.push(name, tag, 2)];
      await announced();
      const [first, second] = images as [Digest, Digest];
      return { name, tag, first, second, key: { repository: name, tag, actor: SYSTEM } };
    }

    async function trashed(path: string): Promise<number> {
      const page = { filter: { path }, after: undefined, limit: 1 };
      const [item] = await listTrash(opened.sql, page);
      return item?.id ?? 0;
    }

    test('a move of a tag, with what moved it', async () => {
      const { tag, first, second, key } = await pushed();
      const way = { kind: 'steps', count: 1 } as const;
      const { commands } = opened;
      await commands.run('rollBackTag', { ...key, way, restores: false, isOverriding: false });
      await commands.run('deleteTag', key);
      expect(await announced()).toEqual([
        { kind: 'tag', tag, from: second, to: first, cause: 'rollback' },
        { kind: 'tag', tag, from: first, cause: 'delete-tag' },
      ]);
      const item = { id: await trashed(key.repository), actor: SYSTEM };
      await commands.run('restoreItem', { ...item, isReplacing: false, tags: null });
      expect(await announced()).toEqual([{ kind: 'tag', tag, to: first, cause: 'restore' }]);
    });

    test('moves of a plan and of its undo', async () => {
      const { name, tag, second } = await pushed();
      const applied = await world.restore(name, 1);
      await world.apply(applied);
      const gone = { kind: 'tag', tag, from: second, cause: 'restore', plan: applied };
      expect(await announced()).toEqual([gone]);
      const undo = await world.undo(applied);
      const back = { kind: 'tag', tag, to: second, cause: 'undo', plan: undo };
      expect(await announced()).toEqual([back]);
    });

    test('a manifest that goes and comes back with its tag', async () => {
      const { name, tag, second: digest } = await pushed();
      const deleted = { repository: name, digest, actor: SYSTEM };
      await opened.commands.run('deleteManifest', deleted);
      const gone = await announced();
      expect(gone.map(({ kind }) => kind).sort()).toEqual(['delete-manifest', 'tag']);
      const page = {
        filter: { path: name, kind: 'manifest' },
        after: undefined,
        limit: 1,
      } as const;
      const [item] = await listTrash(opened.sql, page);
      const restored = { id: item?.id ?? 0, actor: SYSTEM, isReplacing: false, tags: null };
      await opened.commands.run('restoreItem', restored);
      expect(await announced()).toEqual([
        { kind: 'restore-manifest', digest },
        { kind: 'tag', tag, to: digest, cause: 'restore' },
      ]);
    });

    test('what a rollback takes out of the trash', async () => {
      const { name, tag, second: digest, key } = await pushed();
      await opened.commands.run('deleteManifest', { repository: name, digest, actor: SYSTEM });
      await announced();
      const way = { kind: 'digest', digest } as const;
      const rolled = { ...key, way, restores: true, isOverriding: false };
      await opened.commands.run('rollBackTag', rolled);
      expect(await announced()).toEqual([
        { kind: 'restore-manifest', digest },
        { kind: 'tag', tag, to: digest, cause: 'rollback' },
      ]);
    });

    test.each(['repository', 'namespace'] as const)(
      'a %s that goes, comes back and is renamed',
      async (kind) => {
        const path = world.path();
        const names = kind === 'repository' ? [path] : [`${path}/a`, `${path}/b`];
        for (const name of names) await world.push(name, 'v1', 1);
        await announced();
        const count = kind === 'repository' ? {} : { repositories: 2 };
        await opened.commands.run('deletePlace', { kind, path, actor: SYSTEM });
        expect(await announced()).toEqual([{ kind: `delete-${kind}`, name: path, ...count }]);
        await opened.commands.run('restorePlace', { id: await trashed(path), actor: SYSTEM });
        expect(await announced()).toEqual([{ kind: `restore-${kind}`, name: path, ...count }]);
        const to = world.path();
        const renamed = { kind, path, to, keepMs: 0, grants: 'take', actor: SYSTEM } as const;
        await opened.commands.run('renamePlace', renamed);
        expect(await announced()).toEqual([{ kind: `rename-${kind}`, from: path, to, ...count }]);
      },
    );
  });
}
