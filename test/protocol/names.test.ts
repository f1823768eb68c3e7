// Renaming, moving and copying through the management API, and the old name on every path of `/v2/`.
import { expect } from 'bun:test';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import { ADMIN, type ApiAnswer, askApi, basic } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import { digestOf, OCI_INDEX, OCI_MANIFEST, pushImage, putManifest } from './push.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

const PASSWORD = 'a quiet morning in march';
let made = 0;
/** A top namespace, or a user, that no other test uses. */
function newName(kind = 'names'): string {
  made += 1;
  return `${kind}${made}`;
}

function asking(registry: ProtocolSuite['registry']) {
  const ask = (method: string, path: string, body?: unknown, headers = ADMIN): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, headers, ...(body !== undefined && { body }) });
  const done = async (method: string, path: string, body?: unknown): Promise<Row> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const newUser = async (): Promise<string> => {
    const name = newName('user');
    await done('POST', '/users', { name, password: PASSWORD });
    return name;
  };
  const grant = (user: string, path: string, role: string) =>
    done('POST', '/grants', { subject: { kind: 'user', name: user }, path, role });
  /** What the counter of a namespace says is what a recount says. */
  const expectExact = (path: string) =>
    until(async () => {
      const { sql } = registry().program.answer.v2.pull;
      const [scope] = await readScopes(sql, [path]);
      const counted = await recountUsage(sql, path);
      if (scope === undefined) return counted.blobs === 0;
      const { bytes, blobs, tags, repositories } = scope;
      return Bun.deepEquals({ bytes, blobs, tags, repositories }, { ...counted });
    }, `the counter of ${path} is exact`);
  return { ask, done, newUser, grant, expectExact };
}

const at = (name: string) => `/repositories/${encodeURIComponent(name)}`;

onBothEngines('names', ({ test, registry }) => {
  const { ask, done, expectExact } = asking(registry);

  test('the old name of a repository answers pulls and pushes with a warning, and stays reserved', async () => {
    const { url } = registry();
    const top = newName();
    const [name, to] = [`${top}/app`, `${top}/web`];
    const { digest, layer, manifest } = await pushImage(url, name, { seed: name, reference: 'v1' });
    const renamed = await done('POST', `${at(name)}/rename`, { to, keepOldNameFor: 7 });
    expect(renamed).toMatchObject({ path: to, isDone: true, repositories: 1 });
    for (const path of [
      'manifests/v1',
      `manifests/${digest}`,
      `blobs/${layer.digest}`,
      'tags/list',
      'manifests/absent',
    ]) {
      const answer = await fetch(`${url}/v2/${name}/${path}`);
      expect(answer.status).toBe(path.endsWith('absent') ? 404 : 200);
      expect(answer.headers.get('warning')).toContain(`${name} is called ${to} now`);
      expect((await fetch(`${url}/v2/${to}/${path}`)).headers.get('warning')).toBeNull();
    }
    await pushImage(url, name, { seed: `${name} again`, reference: 'v2' });
    await putManifest(url, name, { reference: 'v3', manifest });
    expect((await fetch(`${url}/v2/${to}/manifests/v2`)).status).toBe(200);
    expect((await done('GET', at(to))).tags).toMatchObject({ count: 3 });
    expect((await ask('POST', '/repositories', { name: `${name}/below` })).status).toBe(403);
    expect((await done('GET', `/aliases?path=${top}`)).items).toMatchObject([
      { path: name, target: to },
    ]);
    await expectExact(top);
    // A second rename: both old names lead to the last one.
    const last = `${top}/last`;
    await done('POST', `${at(to)}/rename`, { to: last });
    for (const old of [name, to]) {
      const answer = await fetch(`${url}/v2/${old}/manifests/v1`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('warning')).toContain(`is called ${last} now`);
    }
    // And back to the first: no loop.
    await done('POST', `${at(last)}/rename`, { to: name });
    for (const old of [to, last]) {
      expect((await fetch(`${url}/v2/${old}/manifests/v1`)).headers.get('warning')).toContain(
        `called ${name} now`,
      );
    }
    expect((await fetch(`${url}/v2/${name}/manifests/v1`)).headers.get('warning')).toBeNull();
    await done('DELETE', `/aliases?path=${to}`);
    expect((await fetch(`${url}/v2/${to}/manifests/v1`)).status).toBe(404);
    await expectExact(top);
  });

  test('a namespace moves with all that is in it; counters stay exact on both sides', async () => {
    const { url } = registry();
    const [from, into] = [newName(), newName()];
    for (const name of [`${from}/a/api`, `${from}/a/b/web`, `${from}/other`, `${into}/own`]) {
      await pushImage(url, name, { seed: name, reference: 'v1' });
    }
    await done('PATCH', `/paths?path=${from}/a/b`, { visibility: 'public' });
    const to = `${into}/moved`;
    const body = { path: `${from}/a`, to, keepOldNameFor: 0 };
    const dry = await done('POST', '/namespaces/rename', { ...body, dryRun: true });
    expect(dry).toMatchObject({ isDone: false, repositories: 2 });
    expect((await fetch(`${url}/v2/${from}/a/api/manifests/v1`)).status).toBe(200);
    await done('POST', '/namespaces/rename', body);
    expect((await fetch(`${url}/v2/${from}/a/api/manifests/v1`)).status).toBe(404);
    expect((await fetch(`${url}/v2/${to}/b/web/manifests/v1`)).status).toBe(200);
    expect((await done('GET', at(`${to}/b/web`))).visibility).toBe('public');
    await expectExact(from);
    await expectExact(into);
    await pushImage(url, `${from}/a/api`, { seed: 'new', reference: 'v1' });
    expect((await ask('POST', '/namespaces/rename', { path: to, to: `${from}/a` })).status).toBe(
      409,
    );
    expect((await ask('POST', '/namespaces/rename', { path: to, to: `${to}/in` })).status).toBe(
      400,
    );
    const user = await asking(registry).newUser();
    await pushImage(url, `${user}/app`, { reference: 'v1' });
    const refused = await ask('POST', '/namespaces/rename', { path: user, to: newName() });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('user');
  });

  test('a move into a namespace with too small a quota is refused', async () => {
    const { url } = registry();
    const [from, into] = [newName(), newName()];
    await pushImage(url, `${from}/app`, { reference: 'v1' });
    await pushImage(url, `${into}/app`, { reference: 'v1' });
    await done('PUT', `/policies/quota?path=${into}`, { tags: { hard: 1 } });
    const refused = await ask('POST', `${at(`${from}/app`)}/rename`, { to: `${into}/more` });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('quota');
    expect((await fetch(`${url}/v2/${from}/app/manifests/v1`)).status).toBe(200);
    await expectExact(from);
    await expectExact(into);
  });

  test('a copy brings the whole image with what refers to it, and no bytes', async () => {
    const { url } = registry();
    const [from, to] = [`${newName()}/app`, `${newName()}/app`];
    const one = await pushImage(url, from, { seed: `${from} one` });
    const two = await pushImage(url, from, { seed: `${from} two` });
    const entry = (image: { digest: string; manifest: string }) => ({
      mediaType: OCI_MANIFEST,
      digest: image.digest,
      size: image.manifest.length,
    });
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [entry(one), entry(two)],
    });
    await putManifest(url, from, { reference: 'v1', manifest: index, type: OCI_INDEX });
    const subject = { mediaType: OCI_INDEX, digest: digestOf(index), size: index.length };
    const signature = await pushImage(url, from, { seed: `${from} signature`, more: { subject } });
    const copied = await done('POST', `${at(to)}/copy`, {
      from,
      reference: 'v1',
      tags: ['v1', 'stable'],
    });
    expect(copied).toMatchObject({ digest: digestOf(index), manifests: 4, tags: ['v1', 'stable'] });
    await done('DELETE', at(from));
    for (const path of [
      'manifests/stable',
      `manifests/${one.digest}`,
      `blobs/${two.layer.digest}`,
      `manifests/${signature.digest}`,
    ]) {
      expect((await fetch(`${url}/v2/${to}/${path}`)).status).toBe(200);
    }
    const referrers = (await (
      await fetch(`${url}/v2/${to}/referrers/${digestOf(index)}`)
    ).json()) as Row;
    expect(referrers.manifests).toMatchObject([{ digest: signature.digest }]);
    const history = (await done('GET', `${at(to)}/tags/v1/history`)).items as Row[];
    expect(history).toMatchObject([{ cause: 'copy' }]);
    await expectExact(to.split('/')[0] ?? '');
    await expectExact(from.split('/')[0] ?? '');
    expect((await ask('POST', `${at(to)}/copy`, { from, reference: 'v1' })).status).toBe(404);
  });
});

onBothEngines(
  'names and rights',
  ({ test, registry }) => {
    const { ask, done, newUser, grant } = asking(registry);
    const push = async (name: string) => {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
      const headers = { ...ADMIN, 'Content-Type': OCI_INDEX };
      const address = `${registry().url}/v2/${name}/manifests/v1`;
      expect((await fetch(address, { method: 'PUT', body, headers })).status).toBe(201);
    };
    const tokenFor = async (user: string, scope: string) => {
      const address = `${registry().url}/token?scope=${scope}`;
      const answer = await fetch(address, { headers: basic(user, PASSWORD) });
      return ((await answer.json()) as { token: string }).token;
    };

    test('a token for the old name is for the new one too; others learn nothing', async () => {
      const { url } = registry();
      const top = newName();
      const [name, to] = [`${top}/app`, `${newName()}/web`];
      await push(name);
      const [reader, stranger] = [await newUser(), await newUser()];
      await grant(reader, name, 'reader');
      const earlier = await tokenFor(reader, `repository:${name}:pull`);
      await done('POST', `${at(name)}/rename`, { to });
      const later = await tokenFor(reader, `repository:${name}:pull`);
      const get = (path: string, headers: Record<string, string>) =>
        fetch(`${url}/v2/${path}/manifests/v1`, { headers });
      expect((await get(name, { Authorization: `Bearer ${earlier}` })).status).toBe(200);
      expect((await get(name, { Authorization: `Bearer ${later}` })).status).toBe(200);
      expect((await get(to, { Authorization: `Bearer ${later}` })).status).toBe(200);
      const hidden = await get(name, basic(stranger, PASSWORD));
      const absent = await get(`${top}/absent`, basic(stranger, PASSWORD));
      expect(hidden.status).toBe(404);
      expect(hidden.headers.get('warning')).toBeNull();
      const text = async (answer: Response, asked: string) =>
        (await answer.text()).replace(/"requestId":"[^"]*"/, '').replaceAll(asked, 'NAME');
      expect(await text(hidden, name)).toBe(await text(absent, `${top}/absent`));
      const nobody = await get(name, {});
      expect(nobody.status).toBe(401);
      expect(nobody.headers.get('www-authenticate')).toContain(`repository:${name}:pull`);
      expect(nobody.headers.get('www-authenticate')).not.toContain(to);
      const push403 = await fetch(`${url}/v2/${name}/blobs/uploads/`, {
        method: 'POST',
        headers: basic(reader, PASSWORD),
      });
      expect(push403.status).toBe(403);
    });

    test('a dry run says whose access changes; moving needs the right on both sides', async () => {
      const [from, into] = [newName(), newName()];
      await push(`${from}/app`);
      await push(`${into}/app`);
      const [loser, winner, taken, mover] = [
        await newUser(),
        await newUser(),
        await newUser(),
        await newUser(),
      ];
      await grant(loser, from, 'writer');
      await grant(winner, into, 'reader');
      await grant(taken, `${from}/app`, 'reader');
      await grant(mover, from, 'owner');
      const rename = { to: `${into}/moved`, dryRun: true };
      const dry = await done('POST', `${at(`${from}/app`)}/rename`, rename);
      expect(dry.access).toEqual(
        expect.arrayContaining([
          { subject: `user ${loser}`, gains: [], loses: ['pull', 'push'] },
          { subject: `user ${winner}`, gains: ['pull'], loses: [] },
        ]),
      );
      expect(JSON.stringify(dry.access)).not.toContain(taken);
      const headers = basic(mover, PASSWORD);
      const answer = await ask(
        'POST',
        `${at(`${from}/app`)}/rename`,
        { to: `${into}/moved` },
        headers,
      );
      expect(answer.status).toBe(404);
      await grant(mover, into, 'owner');
      const moved = await ask(
        'POST',
        `${at(`${from}/app`)}/rename`,
        { to: `${into}/moved`, grants: 'leave' },
        headers,
      );
      expect(moved.status).toBe(200);
      expect((await done('GET', `/grants?path=${into}/moved`)).items).toEqual([]);
    });
  },
  { isPrivate: true },
);
