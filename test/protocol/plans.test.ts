// Plans: tags as they were, restored as a whole, looked at before, taken back after.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import { newName, pushImage } from './push.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

function asking(registry: ProtocolSuite['registry']) {
  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, body, headers: ADMIN });
  const good = async (method: string, path: string, body?: unknown): Promise<Row> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const push = (name: string, reference: string, seed: string) =>
    pushImage(registry().url, name, { reference, seed });
  const remove = async (name: string, reference: string) => {
    const address = `${registry().url}/v2/${name}/manifests/${reference}`;
    expect((await fetch(address, { method: 'DELETE', headers: ADMIN })).status).toBe(202);
  };
  const tags = async (name: string): Promise<Record<string, string>> => {
    const { items } = await good('GET', `/repositories/${encodeURIComponent(name)}/tags`);
    const rows = items as { name: string; digest: string }[];
    return Object.fromEntries(rows.map((row) => [row.name, row.digest]));
  };
  const itemsOf = async (plan: unknown, query = '') =>
    (await good('GET', `/plans/${plan}/items${query}`)).items as Row[];
  const ended = async (plan: Row): Promise<Row> => {
    let now = plan;
    await until(async () => {
      now = await good('GET', `/plans/${plan.id}`);
      return now.state !== 'making' && now.state !== 'applying';
    }, 'the plan is made and applied');
    return now;
  };
  return { ask, good, push, remove, tags, itemsOf, ended };
}

/** An instant at which all that was done so far is the past, and all to come the future. */
async function instant(): Promise<string> {
  const now = Date.now();
  await until(() => Date.now() > now + 1, 'the clock goes on');
  const at = new Date().toISOString();
  await until(() => Date.now() > Date.parse(at) + 1, 'the clock goes on');
  return at;
}

onBothEngines('plans', ({ test, registry }) => {
  const { ask, good, push, remove, tags, itemsOf, ended } = asking(registry);

  /** Two repositories of a namespace that change after an instant. */
  async function changed() {
    const path = newName();
    const [api, web] = [`${path}/api`, `${path}/web`];
    await push(api, 'moves', 'one');
    await push(api, 'goes', 'two');
    await push(api, 'stays', 'three');
    await push(web, 'lost', 'four');
    const before = { api: await tags(api), web: await tags(web) };
    const time = await instant();
    await push(api, 'moves', 'five');
    await push(api, 'comes', 'six');
    await remove(api, 'goes');
    await remove(web, before.web.lost as string);
    return { path, api, web, before, time, after: { api: await tags(api), web: await tags(web) } };
  }

  test('tags are listed as they were, of a repository and of a namespace, by pages', async () => {
    const { path, api, before, time } = await changed();
    const at = `tags-at?time=${encodeURIComponent(time)}`;
    const { items } = await good('GET', `/repositories/${encodeURIComponent(api)}/${at}`);
    const found = items as Row[];
    expect(Object.fromEntries(found.map(({ tag, digest }) => [tag, digest]))).toEqual(before.api);
    expect(found.map(({ tag, now }) => [tag, now === before.api[tag as string]])).toEqual([
      ['goes', false],
      ['moves', false],
      ['stays', true],
    ]);
    const seen: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 20; page += 1) {
      const body = await good('GET', `/${at}&path=${path}&limit=1${cursor}`);
      seen.push(
        ...(body.items as Row[]).map(({ repository, tag, state }) => [repository, tag, state]),
      );
      if (body.next === undefined) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toEqual([
      [`${path}/api`, 'goes', 'there'],
      [`${path}/api`, 'moves', 'there'],
      [`${path}/api`, 'stays', 'there'],
      [`${path}/web`, 'lost', 'trash'],
    ]);
    expect(
      (await ask('GET', `/${at.replace(/=.*/, '=2999-01-01T00:00:00Z')}&path=${path}`)).status,
    ).toBe(400);
  });

  test('a restore is ready at once, looked at, applied, and taken back', async () => {
    const { path, api, web, before, after, time } = await changed();
    const plan = await good('POST', '/plans', { kind: 'restore', path, time });
    expect(plan).toMatchObject({
      state: 'ready',
      repositories: 2,
      planned: { moved: 1, appearing: 2, disappearing: 1, revived: 1, deleted: 0, kept: 0 },
    });
    expect(
      (await itemsOf(plan.id)).map(({ repository, tag, action }) => [repository, tag, action]),
    ).toEqual([
      [api, 'comes', 'move'],
      [api, 'goes', 'move'],
      [api, 'moves', 'move'],
      [web, null, 'revive'],
      [web, 'lost', 'move'],
    ]);
    expect(await itemsOf(plan.id, `?repository=${web}&action=revive`)).toHaveLength(1);
    expect({ api: await tags(api), web: await tags(web) }).toEqual(after);

    const applied = await ended(await good('POST', `/plans/${plan.id}/apply`));
    expect(applied).toMatchObject({ state: 'applied', done: plan.planned as Row, skipped: 0 });
    expect({ api: await tags(api), web: await tags(web) }).toEqual(before);
    const { items } = await good(
      'GET',
      `/repositories/${encodeURIComponent(api)}/tags/moves/history`,
    );
    expect((items as Row[])[0]).toMatchObject({ cause: 'restore', plan: plan.id });

    // Applied twice it changes nothing more.
    await push(api, 'moves', 'seven');
    const later = await tags(api);
    expect(await good('POST', `/plans/${plan.id}/apply`)).toMatchObject({ state: 'applied' });
    expect(await tags(api)).toEqual(later);
    await good('POST', `/repositories/${encodeURIComponent(api)}/tags/moves/rollback`);

    const undo = await ended(await good('POST', `/plans/${plan.id}/undo`));
    expect(undo).toMatchObject({ kind: 'undo', undoOf: plan.id, state: 'applied', skipped: 0 });
    expect({ api: await tags(api), web: await tags(web) }).toEqual(after);
    const gone = `${registry().url}/v2/${web}/manifests/${before.web.lost}`;
    expect((await fetch(gone, { headers: ADMIN })).status).toBe(404);
    expect((await ask('POST', `/plans/${plan.id}/undo`)).status).toBe(409);
    // The undo can be taken back too.
    await ended(await good('POST', `/plans/${undo.id}/undo`));
    expect({ api: await tags(api), web: await tags(web) }).toEqual(before);
  });

  test('what has moved since a plan was made is skipped and said', async () => {
    const { path, api, before, time } = await changed();
    const plan = await good('POST', '/plans', { kind: 'restore', path, time });
    const other = await push(api, 'moves', 'eight');
    const applied = await ended(await good('POST', `/plans/${plan.id}/apply`));
    expect(applied).toMatchObject({ skipped: 1, done: { moved: 0 } });
    expect(await tags(api)).toEqual({ ...before.api, moves: other.digest });
    const [skipped] = await itemsOf(plan.id, '?state=skipped');
    expect(skipped).toMatchObject({ tag: 'moves', note: expect.stringContaining(other.digest) });
    // What was skipped was not done, so its undo leaves it alone too.
    const undo = await ended(await good('POST', `/plans/${plan.id}/undo`));
    expect(undo).toMatchObject({ planned: { moved: 0 }, skipped: 0 });
    expect((await tags(api)).moves).toBe(other.digest);
  });

  test('what is immutable is skipped, unless who manages overrides the rule', async () => {
    const { path, api, before, time } = await changed();
    const policy = { rules: [{ tags: ['moves'] }] };
    await good('PUT', `/policies/immutability?path=${path}`, policy);
    const plan = await good('POST', '/plans', { kind: 'restore', path: api, time });
    await ended(await good('POST', `/plans/${plan.id}/apply`));
    const [skipped] = await itemsOf(plan.id, '?state=skipped');
    expect(skipped).toMatchObject({ tag: 'moves', note: expect.stringContaining('immutable') });
    const again = await good('POST', '/plans', { kind: 'restore', path: api, time });
    await ended(await good('POST', `/plans/${again.id}/apply`, { override: true }));
    expect(await tags(api)).toEqual(before.api);
  });

  test('one that was laid aside is not applied, and one that was applied not laid aside', async () => {
    const { path, time } = await changed();
    const plan = await good('POST', '/plans', { kind: 'restore', path, time });
    expect(await good('POST', `/plans/${plan.id}/drop`)).toMatchObject({ state: 'dropped' });
    expect((await ask('POST', `/plans/${plan.id}/apply`)).status).toBe(409);
    expect((await ask('POST', `/plans/${plan.id}/undo`)).status).toBe(409);
    const next = await good('POST', '/plans', { kind: 'restore', path, time });
    await ended(await good('POST', `/plans/${next.id}/apply`));
    expect((await ask('POST', `/plans/${next.id}/drop`)).status).toBe(409);
    const { items } = await good('GET', `/plans?path=${path}`);
    expect((items as Row[]).map(({ id }) => id)).toEqual([next.id, plan.id]);
    expect((await ask('GET', '/plans/999999')).status).toBe(404);
  });
});
