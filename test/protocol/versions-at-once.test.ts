// The same thing asked for twice at once, and names that grow, swap and move under open uploads.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { digestOf, locationOf, newName, pushImage, putManifest } from './push.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

onBothEngines('versions, asked for at once', ({ test, registry }) => {
  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, body, headers: ADMIN });
  const good = async (method: string, path: string, body?: unknown): Promise<Row> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const at = (name: string, rest = '') => `/repositories/${encodeURIComponent(name)}${rest}`;
  const digestAt = async (name: string, tag: string) =>
    (await fetch(`${registry().url}/v2/${name}/manifests/${tag}`)).headers.get(
      'docker-content-digest',
    );
  const codesOf = (answers: readonly ApiAnswer[]) => answers.map(({ status }) => status);
  const faults = (answers: readonly ApiAnswer[]) => answers.filter(({ status }) => status >= 500);

  test('a plan is applied, dropped and taken back at once: one state follows another', async () => {
    const { url } = registry();
    for (let round = 0; round < 5; round += 1) {
      const name = newName();
      const first = await pushImage(url, name, { reference: 'v1', seed: 'one' });
      const time = new Date().toISOString();
      await until(() => Date.now() > Date.parse(time) + 1, 'the clock goes on');
      const second = await pushImage(url, name, { reference: 'v1', seed: 'two' });
      const { id } = await good('POST', '/plans', { kind: 'restore', path: name, time });
      const answers = await Promise.all(
        ['apply', 'drop', 'apply', 'undo', 'undo', 'drop'].map((verb) =>
          ask('POST', `/plans/${id}/${verb}`, {}),
        ),
      );
      expect(faults(answers)).toEqual([]);
      let { state } = await good('GET', `/plans/${id}`);
      await until(async () => {
        ({ state } = await good('GET', `/plans/${id}`));
        return state === 'applied' || state === 'dropped';
      }, 'the plan ends');
      const { items } = await good('GET', `/plans?path=${name}&kind=undo`);
      await until(async () => {
        const { items: all } = await good('GET', `/plans?path=${name}`);
        return (all as Row[]).every((plan) => /applied|dropped/.test(String(plan.state)));
      }, 'all plans end');
      const isBack = state === 'applied' && (items as Row[]).length === 0;
      expect(await digestAt(name, 'v1')).toBe(isBack ? first.digest : second.digest);
      expect((items as Row[]).length).toBeLessThanOrEqual(1);
    }
  });

  test('an item is restored and purged at once: one of them has it', async () => {
    const { url } = registry();
    for (let round = 0; round < 5; round += 1) {
      const name = newName();
      const { digest } = await pushImage(url, name, { reference: 'v1', seed: name });
      const removed = await fetch(`${url}/v2/${name}/manifests/${digest}`, { method: 'DELETE' });
      expect(removed.status).toBe(202);
      const { items } = await good('GET', `/trash?path=${name}&kind=manifest`);
      const [{ id } = { id: 0 }] = items as Row[];
      const answers = await Promise.all(
        ['restore', 'purge', 'restore', 'purge'].map((verb) =>
          ask('POST', `/trash/${id}/${verb}`, {}),
        ),
      );
      expect(codesOf(answers).sort()).toEqual([200, 404, 404, 404]);
      const isRestored = answers.some((one, place) => one.status === 200 && place % 2 === 0);
      expect(await digestAt(name, 'v1')).toBe(isRestored ? digest : null);
    }
  });

  test('a repository is restored and purged at once', async () => {
    const { url } = registry();
    for (let round = 0; round < 5; round += 1) {
      const name = newName();
      await pushImage(url, name, { reference: 'v1', seed: name });
      const { trash } = await good('DELETE', at(name));
      const answers = await Promise.all(
        ['purge', 'restore', 'purge', 'restore'].map((verb) =>
          ask('POST', `/trash/${trash}/${verb}`, {}),
        ),
      );
      expect(faults(answers)).toEqual([]);
      const isRestored = answers.some((one, place) => one.status === 200 && place % 2 === 1);
      expect((await digestAt(name, 'v1')) !== null).toBe(isRestored);
      if (!isRestored)
        await until(
          async () => (await ask('GET', `/trash/${trash}`)).status === 404,
          'it is purged',
        );
    }
  });

  test('no name becomes longer than names may be', async () => {
    const { url } = registry();
    const top = newName();
    const long = `${top}/part/${'x'.repeat(240 - top.length)}`;
    expect(long.length).toBeLessThan(255);
    await pushImage(url, long, { reference: 'v1', seed: 'long' });
    const rename = { path: `${top}/part`, to: `${top}/part-with-a-longer-name-than-fits` };
    for (const dryRun of [true, false]) {
      const refused = await ask('POST', '/namespaces/rename', { ...rename, dryRun });
      if (!dryRun)
        expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('255')]);
    }
    expect(await digestAt(long, 'v1')).not.toBeNull();
    const { trash } = await good('DELETE', `/namespaces?path=${top}/part`);
    const as = await ask('POST', `/trash/${trash}/restore`, { as: rename.to });
    expect([as.status, as.text]).toEqual([400, expect.stringContaining('255')]);
    await good('POST', `/trash/${trash}/restore`, {});
    expect(await digestAt(long, 'v1')).not.toBeNull();
  });

  test('an upload goes on while its repository gets other names, there and back', async () => {
    const { url } = registry();
    const top = newName();
    const [one, two] = [`${top}/one`, `${top}/two`];
    await pushImage(url, one, { reference: 'v1', seed: 'moved' });
    const content = 'bytes that come while names change';
    const started = await fetch(`${url}/v2/${one}/blobs/uploads/`, { method: 'POST' });
    let place = locationOf(started);
    for (const [from, to, part] of [
      [one, two, content.slice(0, 10)],
      [two, one, content.slice(10, 20)],
      [one, two, content.slice(20)],
    ] as const) {
      await good('POST', at(from, '/rename'), { to });
      const patched = await fetch(new URL(place, url), { method: 'PATCH', body: part });
      expect(patched.status).toBe(202);
      place = locationOf(patched);
    }
    const digest = digestOf(content);
    const end = new URL(place, url);
    end.searchParams.set('digest', digest);
    expect((await fetch(end, { method: 'PUT' })).status).toBe(201);
    expect((await fetch(`${url}/v2/${two}/blobs/${digest}`)).status).toBe(200);
    expect((await fetch(`${url}/v2/${one}/blobs/${digest}`)).status).toBe(200);
    // Nobody else takes the old name meanwhile, not even through a third one.
    const three = `${top}/three`;
    await pushImage(url, three, { reference: 'v1', seed: 'third' });
    expect((await ask('POST', at(three, '/rename'), { to: one })).status).toBe(403);
  });

  test('pushes and renames at once leave every image in one place', async () => {
    const { url } = registry();
    const top = newName();
    const names = [`${top}/a`, `${top}/b`];
    const { manifest, digest } = await pushImage(url, `${top}/a`, { reference: 'v0', seed: top });
    const work: Promise<unknown>[] = [];
    const pushed: string[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const [from = '', to = ''] = turn % 2 === 0 ? names : names.toReversed();
      work.push(
        ask('POST', at(from, '/rename'), { to }).then(({ status }) =>
          expect([200, 404, 409]).toContain(status),
        ),
      );
      work.push(
        putManifest(url, from, { reference: `v${turn}`, manifest }).then(({ status }) => {
          expect(status).toBeLessThan(500);
          if (status === 201) pushed.push(`v${turn}`);
        }),
      );
      if (turn % 4 === 3) await Promise.all(work.splice(0));
    }
    await Promise.all(work);
    const there = [];
    for (const tag of pushed)
      there.push((await digestAt(`${top}/a`, tag)) ?? (await digestAt(`${top}/b`, tag)));
    expect(there).toEqual(pushed.map(() => digest));
  });

  test('a purge names the first of many holders, and says that there are more', async () => {
    const { url } = registry();
    const top = newName();
    const seed = `shared by many of ${top}`;
    for (let number = 0; number <= 101; number += 1) {
      await pushImage(url, `${top}/r${number}`, { reference: 'v1', seed });
    }
    const { digest } = await pushImage(url, `${top}/r0`, { reference: 'v1', seed });
    const removed = await fetch(`${url}/v2/${top}/r0/manifests/${digest}`, { method: 'DELETE' });
    expect(removed.status).toBe(202);
    const { items } = await good('GET', `/trash?path=${top}/r0&kind=manifest`);
    const [{ id } = { id: 0 }] = items as Row[];
    const { blobs } = (await good('POST', `/trash/${id}/purge`)) as { blobs: Row[] };
    expect(blobs).toHaveLength(3);
    for (const { state, heldBy } of blobs) {
      expect(state).toBe('held');
      expect(heldBy).toMatchObject({ hasMore: true, manifests: [], otherRepositories: 0 });
      expect((heldBy as { repositories: string[] }).repositories).toHaveLength(100);
    }
  });

  test('names that look like parts of addresses are names', async () => {
    const { url } = registry();
    const top = newName();
    for (const name of [
      `${top}/tags`,
      `${top}/manifests`,
      `${top}/blobs/uploads`,
      `${top}/tags/list`,
    ]) {
      const pushed = await putManifest(url, name, {
        reference: 'v1',
        manifest: JSON.stringify({
          schemaVersion: 2,
          manifests: [],
          mediaType: 'application/vnd.oci.image.index.v1+json',
        }),
        type: 'application/vnd.oci.image.index.v1+json',
      });
      if (pushed.status !== 201) continue;
      expect((await ask('GET', at(name, '/tags'))).status).toBe(200);
      expect(
        (await good('POST', at(name, '/rename'), { to: `${name}-now`, keepOldNameFor: 0 })).isDone,
      ).toBe(true);
      const { trash } = await good('DELETE', at(`${name}-now`));
      await good('POST', `/trash/${trash}/restore`, { as: name });
      expect(await digestAt(name, 'v1')).not.toBeNull();
    }
  });
});
