// What is forgotten of the history of tags, and what is said of it afterwards, on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SYSTEM } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import { findRepository } from '../../metadata/repositories.ts';
import type { Sql } from '../../metadata/sql.ts';
import { type PresentTag, readTag, readTagsThen, tagAtInstant } from '../../metadata/tags-at.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import { type OpenedPlans, PlanWorld } from '../plans/suite-plans.ts';
import { findPast, type WayBack } from './find-past.ts';
import { oldTagEvents } from './old-events.ts';
import { movesOf, type oldEventSuiteCommands } from './suite-old-events.ts';

export interface OpenedOldEvents {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof oldEventSuiteCommands>>;
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const KEPT_DAYS = 100;

export function describeOldEvents(title: string, open: () => Promise<OpenedOldEvents>): void {
  describe(title, () => {
    let opened: OpenedOldEvents;
    let world: PlanWorld;
    beforeAll(async () => {
      opened = await open();
      world = new PlanWorld(opened as unknown as OpenedPlans);
    });
    afterAll(() => opened?.close());

    const now = Date.now();
    const ago = (days: number): number => now - days * DAY_MS;

    /** A tag that was moved so many days ago to one of three images, 0: deleted; the first of them is the oldest. */
    async function tagWith(moves: readonly { to: number; daysAgo: number }[]) {
      const path = world.path() as RepositoryName;
      const tag = 'v1' as Tag;
      const images: Digest[] = [];
      for (const seed of [1, 2, 3]) images.push(await world.push(path, '', seed));
      const states: { at: number; digest: Digest | undefined }[] = [];
      for (const { to, daysAgo } of moves) {
        const digest = images[to - 1];
        const last = states.at(-1);
        if ((last?.digest ?? '') === (digest ?? '')) continue;
        const key = { repository: path, tag, actor: SYSTEM };
        if (digest === undefined) await opened.commands.run('deleteTag', key);
        else await opened.commands.run('setTag', { ...key, digest });
        states.push({ at: ago(daysAgo), digest });
      }
      const repository = (await findRepository(opened.sql, path)) ?? 0;
      const { id = 0 } = (await readTag(opened.sql, { repository, name: tag })) ?? {};
      for (const [index, { at }] of states.entries()) {
        await opened.commands.run('dateMove', { tag: id, sequence: index + 1, at });
      }
      await opened.commands.run('dateGone', { repository, at: ago(1_000) });
      return { path, tag, id, repository, states, images };
    }

    /** As the job does it. */
    async function trim(limit = 2): Promise<void> {
      for (let after: number | undefined = 0; after !== undefined; ) {
        const page = { after, limit: 50, ageMs: KEPT_DAYS * DAY_MS, now };
        const found = await oldTagEvents(opened.sql, page);
        for (const old of found.tags) {
          while ((await opened.commands.run('forgetOldTagEvents', { ...old, limit })) === limit);
        }
        after = found.next;
      }
    }

    const present = async (tag: { repository: number; tag: Tag }): Promise<PresentTag> =>
      (await readTag(opened.sql, { repository: tag.repository, name: tag.tag })) as PresentTag;
    const back = async (tag: { repository: number; tag: Tag }, way: WayBack) =>
      findPast(opened.sql, { tag: await present(tag), name: tag.tag, way });

    test('what a tag was since then is known to the end, what it was before is known or forgotten', async () => {
      const move = fc.record({ to: fc.nat(3), daysAgo: fc.integer({ min: 0, max: 200 }) });
      const history = fc
        .array(move, { minLength: 1, maxLength: 8 })
        .map((all) => all.sort((a, b) => b.daysAgo - a.daysAgo));
      await fc.assert(
        fc.asyncProperty(history, async (all) => {
          const tag = await tagWith(all);
          const { id, repository, states } = tag;
          if (states.length === 0) return;
          await trim();
          const kept = await movesOf(opened.sql, id);
          const expected = states.findLastIndex(({ at }) => at < ago(KEPT_DAYS));
          // The last one from before is what held at the beginning of the time that is kept.
          expect(kept.map(({ sequence }) => sequence)).toEqual(
            states.map((_, index) => index + 1).slice(Math.max(0, expected)),
          );
          const instants = [201, 150, KEPT_DAYS, 50, 0].map(ago);
          for (const { at } of states) instants.push(at - 1, at, at + 1);
          for (const at of instants) {
            const digest = states.findLast((one) => one.at <= at)?.digest;
            const isKnown = at >= (kept[0]?.at ?? 0) || kept[0]?.sequence === 1;
            const page = { repository, at, after: '', limit: 10 };
            const [then] = await readTagsThen(opened.sql, page);
            expect(then?.state === 'forgotten').toBe(!isKnown);
            expect(then?.past).toBe(isKnown ? digest : undefined);
            const past = await tagAtInstant(opened.sql, { tag: id, at });
            expect(past.digest).toBe(isKnown ? digest : undefined);
            if (at >= ago(KEPT_DAYS)) expect(isKnown).toBe(true);
          }
        }),
        { numRuns: 25 },
      );
    });

    test('going back says where the history begins; what the first move left is still known', async () => {
      const days = [190, 180, 170, 160, 50];
      const tag = await tagWith(days.map((daysAgo, index) => ({ to: (index % 2) + 1, daysAgo })));
      const [one, two, three] = tag.images;
      await trim();
      expect((await movesOf(opened.sql, tag.id)).map(({ sequence }) => sequence)).toEqual([4, 5]);
      expect((await back(tag, { kind: 'steps', count: 1 })).digest).toBe(two as Digest);
      // What move 4 left.
      const left = { digest: one as Digest, sequence: 3 };
      expect(await back(tag, { kind: 'steps', count: 2 })).toMatchObject(left);
      expect(await back(tag, { kind: 'move', sequence: 3 })).toMatchObject(left);
      const forgotten = 'goes back to move 4, of ';
      const ways: [WayBack, string][] = [
        [{ kind: 'steps', count: 3 }, forgotten],
        [{ kind: 'move', sequence: 1 }, forgotten],
        [{ kind: 'instant', at: ago(175) }, forgotten],
        [{ kind: 'instant', at: ago(500) }, forgotten],
        [{ kind: 'digest', digest: three as Digest }, forgotten],
        [{ kind: 'move', sequence: 6 }, 'has no move 6'],
        [{ kind: 'move', sequence: 0 }, 'There was no tag'],
        [{ kind: 'steps', count: 5 }, 'There was no tag'],
      ];
      for (const [way, sentence] of ways) await expect(back(tag, way)).rejects.toThrow(sentence);
      const { repository } = tag;
      const rolled = { repository: tag.path, tag: tag.tag, restores: false, isOverriding: false };
      const way = { kind: 'digest', digest: one as Digest } as const;
      await opened.commands.run('deleteTag', { repository: tag.path, tag: tag.tag, actor: SYSTEM });
      const moved = await opened.commands.run('rollBackTag', { ...rolled, way, actor: SYSTEM });
      expect(moved.sequence).toBe(7);
      expect((await present({ repository, tag: tag.tag })).digest).toBe(one as Digest);
    });

    test('what lost its last holder a short time ago keeps its move, and all after it', async () => {
      const days = [190, 180, 170, 160];
      const tag = await tagWith(days.map((daysAgo, index) => ({ to: (index % 3) + 1, daysAgo })));
      const { repository } = tag;
      const sequences = async () =>
        (await movesOf(opened.sql, tag.id)).map(({ sequence }) => sequence);
      await opened.commands.run('dateGone', { repository, at: ago(29) });
      await trim();
      // The third is still in its time, and so is the second; the first points to what the tag has now.
      expect(await sequences()).toEqual([2, 3, 4]);
      const policy = { path: tag.path, kind: 'trash', actor: SYSTEM } as const;
      await opened.commands.run('setPolicy', { ...policy, document: '{"days":28}' });
      await trim();
      expect(await sequences()).toEqual([4]);
    });

    test('moves stay as long as what was deleted, where a policy keeps that for longer', async () => {
      const tag = await tagWith([190, 180, 170].map((daysAgo, to) => ({ to: to + 1, daysAgo })));
      const policy = { path: tag.path, kind: 'trash', actor: SYSTEM } as const;
      await opened.commands.run('setPolicy', { ...policy, document: '{"days":175}' });
      await trim();
      const kept = await movesOf(opened.sql, tag.id);
      expect(kept.map(({ sequence }) => sequence)).toEqual([2, 3]);
    });

    test('a repository in the trash comes back with its history', async () => {
      const tag = await tagWith([190, 180, 170].map((daysAgo, to) => ({ to: to + 1, daysAgo })));
      const deleted = { kind: 'repository', path: tag.path, actor: SYSTEM } as const;
      await opened.commands.run('deletePlace', deleted);
      await trim();
      expect(await movesOf(opened.sql, tag.id)).toHaveLength(3);
    });

    test('a plan to return to what is forgotten leaves the tag as it is, and says why', async () => {
      const tag = await tagWith([190, 180, 170].map((daysAgo, to) => ({ to: to + 1, daysAgo })));
      await trim();
      const plan = await world.restore(tag.path, ago(185));
      await world.apply(plan);
      expect(await world.items(plan)).toMatchObject([
        { action: 'keep', reason: expect.stringContaining('forgotten') },
      ]);
      expect((await present(tag)).digest).toBe(tag.images[2] as Digest);
    });
  });
}
