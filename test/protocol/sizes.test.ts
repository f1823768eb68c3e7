// Sizes through HTTP: they agree with what quotas count, with what deleting really frees, and tell nothing of
// others to those who only pull. What is written down once a day.
import { expect } from 'bun:test';
import { recordDay } from '../../src/jobs/usage-upkeep.ts';
import { readScopes } from '../../src/metadata/usage-scopes.ts';
import { addUser, grant } from '../support/people.ts';
import { ADMIN, askApi, basic, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { describeContent, OCI_INDEX, OCI_MANIFEST, pushImage, putManifest } from './push.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

interface Share {
  readonly bytes: number;
  readonly exclusive: number | null;
  readonly keptByHistory: number | null;
  readonly shared: number | null;
}

interface Whole {
  readonly live: Share & { readonly apparent: number; readonly tags: number };
  readonly history: Share;
  readonly frees: number | null;
}

type Tag = Share & {
  readonly apparent: number;
  readonly platforms: readonly (Share & { readonly platform: string; readonly digest: string })[];
};

onBothEngines('sizes', ({ test, registry }) => {
  async function get<T>(path: string, headers = ADMIN): Promise<T> {
    const answer = await askApi(registry().url, { method: 'GET', path, headers });
    expect({ path, status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
    return answer.body as unknown as T;
  }
  const at = (name: string) => `/repositories/${encodeURIComponent(name)}`;
  const sql = () => registry().program.access.signIn.sql;
  const used = async (path: string) => (await readScopes(sql(), [path]))[0]?.bytes;

  /** An index of two platforms, of which `arm` is tagged elsewhere too, and a signature of the index. */
  async function pushBuilt(name: string, seed: string): Promise<void> {
    const { url } = registry();
    const platforms = [];
    for (const architecture of ['amd64', 'arm64']) {
      const { manifest } = await pushImage(url, name, { seed: `${seed} ${architecture}` });
      const platform = { os: 'linux', architecture };
      platforms.push({ ...describeContent(manifest, OCI_MANIFEST), platform });
    }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: platforms });
    await putManifest(url, name, { reference: 'built', manifest: index, type: OCI_INDEX });
    const subject = describeContent(index, OCI_INDEX);
    await pushImage(url, name, { seed: `${seed} signature`, more: { subject } });
  }

  test('of a tag: what deleting it frees is what the namespace then uses less', async () => {
    const { url } = registry();
    const name = 'sizes-a/app';
    await pushBuilt(name, 'a');
    await pushImage(url, name, { seed: 'a arm64', reference: 'arm' });
    // The same layer and config lie in another namespace too.
    await pushImage(url, 'sizes-b/app', { seed: 'a amd64', reference: 'v1' });
    const tag = await get<Tag>(`${at(name)}/tags/built/sizes`);
    expect(tag.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    const [amd, arm] = tag.platforms;
    expect({ exclusive: arm?.exclusive, shared: arm?.shared }).toEqual({
      exclusive: 0,
      shared: arm?.bytes as number,
    });
    // It lies elsewhere as a whole.
    expect(amd?.exclusive).toBe(0);
    const sum = Number(tag.exclusive) + Number(tag.keptByHistory) + Number(tag.shared);
    expect(sum).toBe(tag.bytes);
    expect(tag.exclusive).toBeGreaterThan(0);

    const before = await get<Whole>(`/sizes?path=sizes-a`);
    expect(before.live.bytes).toBe((await used('sizes-a')) as number);
    expect((await get<Whole>(`${at(name)}/sizes`)).live).toMatchObject({
      bytes: before.live.bytes,
      apparent: before.live.apparent,
    });
    expect((await fetch(`${url}/v2/${name}/manifests/built`, { method: 'DELETE' })).status).toBe(
      202,
    );
    const after = await get<Whole>(`/sizes?path=sizes-a`);
    expect(after.live.bytes).toBe((await used('sizes-a')) as number);
    // What the other namespace has as well is no longer used here, but not freed.
    const freed = before.live.bytes - after.live.bytes;
    expect(freed).toBe(Number(tag.exclusive) + Number(amd?.bytes));
    expect(after.history.bytes).toBe(freed);
    expect(after.history.exclusive).toBe(tag.exclusive);
    expect(after.frees).toBe(before.frees as number);
  });

  test('of what is not there', async () => {
    await pushImage(registry().url, 'sizes-d/app', { reference: 'v1' });
    for (const path of [`${at('sizes-d/app')}/tags/v2/sizes`, `${at('sizes-d/none')}/sizes`]) {
      const answer = await askApi(registry().url, { method: 'GET', path, headers: ADMIN });
      expect({ path, status: answer.status }).toEqual({ path, status: 404 });
    }
    expect(await get<Whole>('/sizes?path=sizes-d/none')).toMatchObject({ live: { bytes: 0 } });
  });

  test('are written down once a day, for what has changed', async () => {
    const { url, program } = registry();
    const [one, two] = ['sizes-e/one', 'sizes-e/two'];
    await pushImage(url, one, { seed: 'one', reference: 'v1' });
    await pushImage(url, two, { seed: 'one', reference: 'v1' });
    // The registry itself may write today down while this runs.
    const today = Math.floor(Date.now() / DAY_MS) + 10;
    const record = (day: number) =>
      recordDay(
        {
          sql: sql(),
          commands: program.commands,
          reports: program.reports,
          now: () => day * DAY_MS + 1,
        },
        { extend: async () => {}, isStopping: () => false },
      );
    const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
    const growth = async (path: string) => {
      const range = `from=${dateOf(today - 1)}&to=${dateOf(today + 3)}`;
      const { items } = await get<{ items: { day: string; bytes: number; apparent: number }[] }>(
        `/growth?path=${encodeURIComponent(path)}&${range}`,
      );
      return items;
    };
    await record(today);
    const { live } = await get<Whole>('/sizes?path=sizes-e');
    const [first] = await growth('sizes-e');
    expect(first).toMatchObject({
      day: dateOf(today),
      bytes: live.bytes,
      apparent: live.apparent,
      tags: 2,
      repositories: 2,
    });
    expect(live.apparent).toBe(2 * live.bytes);

    await pushImage(url, one, { seed: 'more', reference: 'v2' });
    await record(today);
    expect((await growth(one))[0]?.bytes).toBe(live.bytes);
    await record(today + 1);
    const bytes = async (path: string) => (await growth(path)).map((day) => day.bytes);
    const grown = (await get<Whole>(`${at(one)}/sizes`)).live.bytes;
    expect(await bytes(one)).toEqual([live.bytes, grown, grown, grown]);
    expect(await bytes(two)).toEqual(Array.from({ length: 4 }, () => live.bytes));
    expect((await bytes('sizes-e'))[1]).toBe((await used('sizes-e')) as number);
    expect(await growth('sizes-e/nothing')).toEqual([]);
  });

  test('of older days the last of each week is kept', async () => {
    const { program } = registry();
    const path = 'sizes-f/app';
    const row = { path, apparent: 0, blobs: 0, tags: 0, repositories: 1 };
    const last = 20_000 * 7 + 5;
    for (let start = last - 140; start <= last; start += 47) {
      const rows = Array.from({ length: 47 }, (_, at) => ({
        ...row,
        day: start + at,
        bytes: start + at,
      }));
      await program.commands.run('recordUsage', rows);
    }
    const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
    const { items } = await get<{ items: { day: string; bytes: number }[] }>(
      `/growth?path=${path}&from=${dateOf(last - 140)}&to=${dateOf(last)}`,
    );
    const shown = new Set(items.map(({ bytes }) => bytes));
    const written = [...shown].sort((a, b) => a - b);
    const daily = written.filter((day) => day >= last - 100);
    expect(daily).toEqual(Array.from({ length: 101 }, (_, at) => last - 100 + at));
    const weekly = written.filter((day) => day < last - 100);
    for (const day of weekly.slice(0, -1)) expect(day % 7).toBe(6);
    expect(weekly.length).toBeLessThan(8);
  });
});

onBothEngines(
  'sizes of a private repository',
  ({ test, registry }) => {
    test('tell who else holds a blob to those who may delete there', async () => {
      const { url } = registry();
      const name = 'closed/app';
      const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
      const push = { reference: 'v1', manifest, type: OCI_INDEX, headers: ADMIN };
      expect((await putManifest(url, name, push)).status).toBe(201);
      const callers = { reader: 'reader', keeper: 'maintainer' };
      for (const [user, role] of Object.entries(callers)) {
        const id = await addUser(registry(), { name: user, password: PASSWORD });
        await grant(registry(), { to: { kind: 'user', id }, role, path: name });
      }
      const address = `/repositories/${encodeURIComponent(name)}`;
      const get = async (suffix: string, user: string) => {
        const headers = basic(user, PASSWORD);
        return (await askApi(url, { method: 'GET', path: `${address}${suffix}`, headers })).body;
      };
      const bytes = manifest.length;
      const untold = { bytes, exclusive: null, keptByHistory: null, shared: null };
      const told = { bytes, exclusive: bytes, keptByHistory: 0, shared: 0 };
      expect(await get('/tags/v1/sizes', 'reader')).toMatchObject(untold);
      expect(await get('/tags/v1/sizes', 'keeper')).toMatchObject(told);
      expect(await get('/sizes', 'reader')).toMatchObject({
        live: untold,
        history: { ...untold, bytes: 0 },
        frees: null,
      });
      expect(await get('/sizes', 'keeper')).toMatchObject({ live: told, frees: bytes });
    });
  },
  { isPrivate: true },
);
