// What plans do on every engine: whatever happens between two of their transactions.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SYSTEM } from '../../metadata/audit.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import { summaryOf } from './plan-summary.ts';
import { type OpenedPlans, PlanWorld } from './suite-plans.ts';

const HOUR_MS = 60 * 60 * 1000;

export function describePlans(title: string, open: () => Promise<OpenedPlans>): void {
  describe(title, () => {
    let opened: OpenedPlans | undefined;
    let world: PlanWorld;
    beforeAll(async () => {
      opened = await open();
      world = new PlanWorld(opened);
    });
    afterAll(() => opened?.close());

    /** An instant after all that was done so far, and before all to come. */
    const instant = async (): Promise<number> => {
      const begin = Date.now();
      while (Date.now() < begin + 2) await new Promise((resolve) => setTimeout(resolve, 1));
      const at = Date.now();
      while (Date.now() < at + 2) await new Promise((resolve) => setTimeout(resolve, 1));
      return at;
    };
    const stateOf = async (names: readonly string[]) => {
      const tags: Record<string, unknown> = {};
      for (const name of names) tags[name] = await world.tags(name);
      return tags;
    };

    test('whatever happened, a restore brings back what was, and its undo what is', async () => {
      const step = fc.record({
        repository: fc.constantFrom('a', 'b/c'),
        tag: fc.constantFrom('v1', 'v2', 'v3'),
        image: fc.constantFrom(1, 2, 3, 0),
      });
      const steps = fc.array(step, { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(steps, steps, fc.nat(3), async (first, second, stops) => {
          const path = world.path();
          const names = ['a', 'b/c'].map((name) => `${path}/${name}`);
          const images = new Map<string, Digest>();
          for (const name of names) {
            for (const seed of [1, 2, 3])
              images.set(`${name} ${seed}`, await world.push(name, '', seed));
          }
          const follow = async (all: typeof first) => {
            for (const { repository, tag, image } of all) {
              const name = `${path}/${repository}` as RepositoryName;
              const digest = images.get(`${name} ${image}`);
              const key = { repository: name, tag: tag as Tag, actor: SYSTEM };
              if (digest !== undefined) await world.commands.run('setTag', { ...key, digest });
              else await world.commands.run('deleteTag', key).catch(() => {});
            }
          };
          await follow(first);
          const then = await stateOf(names);
          const at = await instant();
          await follow(second);
          const now = await stateOf(names);
          const plan = await world.restore(path, at);
          // Stopped after each step for so many times, and taken up again.
          let left = stops;
          await world.apply(plan, () => {
            left -= 1;
            return left === 0;
          });
          await world.advance(plan);
          expect((await world.plan(plan)).state).toBe('applied');
          expect(await stateOf(names)).toEqual(then);
          await world.commands.run('startApplyingPlan', {
            id: plan,
            actor: SYSTEM,
            isOverriding: false,
          });
          await world.advance(plan);
          expect(await stateOf(names)).toEqual(then);
          await world.undo(plan);
          expect(await stateOf(names)).toEqual(now);
        }),
        { numRuns: 25 },
      );
    }, 60_000);

    test('one that ends between two repositories is taken up where it ended', async () => {
      const path = world.path();
      const names = ['a', 'b', 'c'].map((name) => `${path}/${name}`);
      const before = await instant();
      for (const name of names) await world.push(name, 'v1', 1);
      const plan = await world.restore(path, before);
      let applied = 0;
      world.before = (name) => {
        if (name !== 'applyPlanItems') return;
        applied += 1;
        if (applied === 2) throw new Error('the node ends');
      };
      await expect(world.apply(plan)).rejects.toThrow('the node ends');
      world.before = undefined;
      expect(
        Object.values(await stateOf(names)).filter(
          (tags) => Object.keys(tags as object).length > 0,
        ),
      ).toHaveLength(2);
      expect((await world.plan(plan)).state).toBe('applying');
      await world.advance(plan);
      expect(await world.plan(plan)).toMatchObject({ state: 'applied' });
      expect(summaryOf(await world.plan(plan)).done).toMatchObject({ disappearing: 3 });
      expect(await stateOf(names)).toEqual(Object.fromEntries(names.map((name) => [name, {}])));
    });

    test('two that apply it at once do each item once', async () => {
      const path = world.path();
      const before = await instant();
      for (const name of ['a', 'b', 'c', 'd']) await world.push(`${path}/${name}`, 'v1', 1);
      const plan = await world.restore(path, before);
      await world.advance(plan);
      await world.commands.run('startApplyingPlan', {
        id: plan,
        actor: SYSTEM,
        isOverriding: false,
      });
      await Promise.all([world.advance(plan), world.advance(plan), world.advance(plan)]);
      const { done, skipped } = summaryOf(await world.plan(plan));
      expect([done.disappearing, skipped]).toEqual([4, 0]);
    });

    test('one whose making ended halfway has each item once', async () => {
      const path = world.path();
      const before = await instant();
      const digest = await world.push(`${path}/a`, 'first', 1);
      const repository = `${path}/a` as RepositoryName;
      for (let tag = 0; tag < 250; tag += 1) {
        await world.commands.run('setTag', {
          repository,
          tag: `t${tag}` as Tag,
          digest,
          actor: SYSTEM,
        });
      }
      await world.push(`${path}/b`, 'v1', 1);
      const plan = await world.restore(path, before);
      let added = 0;
      world.before = (name) => {
        if (name !== 'addPlanItems') return;
        added += 1;
        if (added === 2) throw new Error('the node ends');
      };
      await expect(world.advance(plan)).rejects.toThrow('the node ends');
      world.before = undefined;
      await world.advance(plan);
      const items = await world.items(plan);
      expect(items).toHaveLength(252);
      expect(items.map(({ number }) => number)).toEqual(
        Array.from({ length: 252 }, (_, at) => at + 1),
      );
      expect(new Set(items.map(({ name, tag }) => `${name}:${tag}`)).size).toBe(252);
      expect(summaryOf(await world.plan(plan))).toMatchObject({
        items: 252,
        planned: { disappearing: 252 },
        repositories: 2,
      });
    });

    test('manifests without a tag go with all that they hold, and come back', async () => {
      const name = `${world.path()}/app`;
      const children = [await world.push(name, '', 1), await world.push(name, '', 2)];
      const index = await world.content.push(name, '', { manifests: children });
      const config = await world.content.blob(name, 9, 500);
      const referrer = await world.content.push(name, '', { layers: [config], subject: index });
      const all = [index, ...children, referrer];
      await world.commands.run('age', 2 * HOUR_MS);
      const fresh = await world.push(name, '', 3);
      const policy = { rules: [], untaggedAfter: '1h' };
      const plan = await world.retention(name, { policy });
      await world.apply(plan);
      const items = await world.items(plan);
      const going = items.filter(({ action }) => action === 'delete');
      expect(going.map(({ from }) => from).sort()).toEqual([...all].sort());
      expect(going[0]?.from).toBe(index);
      for (const digest of all) expect(await world.content.hasManifest(name, digest)).toBe(false);
      expect(await world.content.hasManifest(name, fresh)).toBe(true);
      const undo = await world.undo(plan);
      expect(summaryOf(await world.plan(undo))).toMatchObject({ done: { revived: 4 }, skipped: 0 });
      for (const digest of all) expect(await world.content.hasManifest(name, digest)).toBe(true);
    });

    test('what got a tag since the plan was made stays, with all that it holds', async () => {
      const name = `${world.path()}/app`;
      const children = [await world.push(name, '', 1), await world.push(name, '', 2)];
      const index = await world.content.push(name, '', { manifests: children });
      const config = await world.content.blob(name, 9, 500);
      const referrer = await world.content.push(name, '', { layers: [config], subject: index });
      await world.commands.run('age', 2 * HOUR_MS);
      const plan = await world.retention(name, { policy: { rules: [], untaggedAfter: '1h' } });
      await world.advance(plan);
      const repository = name as RepositoryName;
      await world.commands.run('setTag', {
        repository,
        tag: 'kept' as Tag,
        digest: index,
        actor: SYSTEM,
      });
      await world.apply(plan);
      expect(summaryOf(await world.plan(plan))).toMatchObject({ done: { deleted: 0 }, skipped: 4 });
      for (const digest of [index, ...children, referrer]) {
        expect(await world.content.hasManifest(name, digest)).toBe(true);
      }
    });

    test('a repository that has left the path of the plan is left alone', async () => {
      const path = world.path();
      const before = await instant();
      await world.push(`${path}/a`, 'v1', 1);
      await world.push(`${path}/b`, 'v1', 1);
      const plan = await world.restore(path, before);
      await world.advance(plan);
      const to = `${world.path()}/a`;
      await world.commands.run('rename', { from: `${path}/a`, to });
      await world.apply(plan);
      expect(summaryOf(await world.plan(plan))).toMatchObject({
        done: { disappearing: 1 },
        skipped: 1,
      });
      expect(Object.keys(await world.tags(to))).toEqual(['v1']);
      const [skipped] = await world.items(plan);
      // Where it is now may be nothing for those who see the plan.
      expect(skipped?.note).toBe('the repository is elsewhere now');
    });

    test('a restore that a quota refuses leaves that repository as it is, and says so', async () => {
      const path = world.path();
      const limit = (hard: number) => {
        const document = JSON.stringify({ tags: { hard } });
        return world.commands.run('setPolicy', { path, kind: 'quota', document, actor: SYSTEM });
      };
      // Set where nothing lies yet, so that no job must count first.
      await limit(5);
      await world.push(`${path}/a`, 'v1', 1);
      await world.push(`${path}/a`, 'v2', 2);
      const at = await instant();
      await world.content.deleteTag(`${path}/a`, 'v1');
      await world.content.deleteTag(`${path}/a`, 'v2');
      await limit(1);
      const plan = await world.restore(path, at);
      await world.apply(plan);
      expect(await world.tags(`${path}/a`)).toEqual({});
      const items = await world.items(plan);
      expect(items.map(({ state }) => state)).toEqual(['skipped', 'skipped']);
      expect(items[0]?.note).toContain('tags');
    });
  });
}
