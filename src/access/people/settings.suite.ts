// What holds of settings of paths on every engine, and of what repositories show by them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readPathSetting, settingsBelow, settingsHolding } from '../../metadata/path-settings.ts';
import { isRepositoryListed } from '../../metadata/repositories.ts';
import { ADMIN, type OpenPeople, People, race, refusal } from './suite-people.ts';

export function describeSettings(name: string, open: OpenPeople): void {
  describe(name, () => {
    const people = new People();
    beforeAll(() => people.open(open), 60_000);
    afterAll(() => people.close());

    type Setting = { visibility?: 'private' | 'internal' | 'public' | null };
    const set = (path: string, setting: Setting & { creation?: 'push' | 'explicit' | null }) =>
      people.run('setPathSetting', { path, ...setting, actor: ADMIN });

    test('the nearest visibility wins, whatever is set in which order', async () => {
      const top = people.fresh('top');
      const names = [top, `${top}-x/a`, `${top}/a`, `${top}/a-b`, `${top}/a/deep/one`, `${top}/z`];
      for (const name of names) await people.run('pushed', name);
      const shown = async () =>
        Object.fromEntries(
          await Promise.all(
            names.map(async (name) => [name.slice(top.length), await people.visibility(name)]),
          ),
        );
      expect(await set(top, { visibility: 'public' })).toBe(5);
      expect(await set(`${top}/a`, { visibility: 'internal' })).toBe(2);
      expect(await set(`${top}/a/deep`, { visibility: 'private' })).toBe(1);
      expect(await shown()).toEqual({
        '': 'public',
        '-x/a': 'private',
        '/a': 'internal',
        '/a-b': 'public',
        '/a/deep/one': 'private',
        '/z': 'public',
      });
      // What has a nearer setting is not touched, not even looked at.
      expect(await set(top, { visibility: 'internal' })).toBe(3);
      expect(await set(`${top}/a`, { visibility: null })).toBe(0);
      expect(await set(`${top}/a/deep`, { visibility: null })).toBe(1);
      expect(await set(top, { visibility: null })).toBe(5);
      expect(new Set(Object.values(await shown()))).toEqual(new Set(['private']));
    });

    test('what holds at a path is set on it or above it, the nearest one last', async () => {
      const top = people.fresh('top');
      await set(`${top}/a/b`, { creation: 'explicit' });
      await set(top, { visibility: 'public' });
      await set(`${top}/a`, { visibility: 'internal' });
      await set(`${top}/a-b`, { visibility: 'private' });
      const nothing = { visibility: undefined, creation: undefined };
      const holding = await settingsHolding(people.sql, `${top}/a/b/c`);
      expect(holding.filter(({ path }) => path !== '')).toEqual([
        { ...nothing, path: top, visibility: 'public' },
        { ...nothing, path: `${top}/a`, visibility: 'internal' },
        { ...nothing, path: `${top}/a/b`, creation: 'explicit' },
      ]);
    });

    test('the root reaches all, and a new repository shows what holds above it', async () => {
      const [before, kept, later] = [people.fresh('a'), people.fresh('b'), people.fresh('c')];
      await people.run('pushed', before);
      await people.run('pushed', `${kept}/x`);
      await set(kept, { visibility: 'private' });
      await set('', { visibility: 'internal' });
      await people.run('pushed', `${later}/x`);
      expect(await people.visibility(before)).toBe('internal');
      expect(await people.visibility(`${kept}/x`)).toBe('private');
      expect(await people.visibility(`${later}/x`)).toBe('internal');
      await set('', { visibility: null });
      expect(await people.visibility(`${later}/x`)).toBe('private');
    });

    test('one setting leaves the other, and nothing set leaves no row', async () => {
      const path = people.fresh('path');
      expect(await people.changes(() => set(path, { creation: 'explicit' }))).toBe(true);
      await set(path, { visibility: 'public' });
      expect(await readPathSetting(people.sql, path)).toEqual({
        visibility: 'public',
        creation: 'explicit',
      });
      expect(await people.changes(() => set(path, { visibility: 'public' }))).toBe(false);
      await set(`${path}/below`, { creation: 'push' });
      const below = await settingsBelow(people.sql, { path, after: '', limit: 10 });
      expect(below).toEqual([{ path: `${path}/below`, visibility: undefined, creation: 'push' }]);
      await set(path, { visibility: null, creation: null });
      const all = await settingsBelow(people.sql, { path: '', after: '', limit: 1000 });
      expect(all.map((row) => row.path)).not.toContain(path);
      expect(await refusal(set('A', { visibility: 'public' }))).toMatch(/^REQUEST_INVALID/);
      const odd = { visibility: 'secret' } as unknown as Setting;
      expect(await refusal(set(path, odd))).toMatch(/REQUEST_INVALID: "secret" is none of/);
    });

    test('a repository made by hand is listed, and is made once', async () => {
      const name = `${people.fresh('top')}/app`;
      expect(await isRepositoryListed(people.sql, name)).toBe(false);
      const make = () => people.run('createRepository', { name, actor: ADMIN });
      const [done, refused] = await race([make(), make()]);
      expect([done, refused]).toEqual([1, [expect.stringContaining('already')]]);
      expect(await isRepositoryListed(people.sql, name)).toBe(true);
      const wrong = people.run('createRepository', { name: 'Team/App', actor: ADMIN });
      expect(await refusal(wrong)).toMatch(/^NAME_INVALID/);
    });

    test('a repository in the making and a change of visibility see each other', async () => {
      for (let round = 0; round < 20; round += 1) {
        const top = people.fresh('race');
        await set(top, { visibility: 'public' });
        await Promise.all([
          people.run('pushed', `${top}/a`),
          set(top, { visibility: 'private' }),
          people.run('pushed', `${top}/b`),
        ]);
        expect(await people.visibility(`${top}/a`)).toBe('private');
        expect(await people.visibility(`${top}/b`)).toBe('private');
      }
    });
  });
}
