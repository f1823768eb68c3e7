// Tags that a policy makes immutable, through HTTP: what is refused, what is told, and who wins a race.
import { expect } from 'bun:test';
import type { PolicyKind } from '../../src/metadata/version-schema.ts';
import { ADMIN, askApi } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import {
  describeContent,
  imageManifest,
  newName,
  OCI_CONFIG,
  pushBlob,
  pushImage,
  putManifest,
} from './push.ts';

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function refusalOf(response: Response): Promise<Refused> {
  const { errors } = (await response.json()) as { errors: [Omit<Refused, 'status'>] };
  return { status: response.status, ...errors[0] };
}

onBothEngines('immutable tags', ({ test, registry }) => {
  const set = async (path: string, policy: unknown, kind: PolicyKind = 'immutability') => {
    const { url } = registry();
    const address = `/policies/${kind}?path=${encodeURIComponent(path)}`;
    const answer = await askApi(url, {
      method: 'PUT',
      path: address,
      body: policy,
      headers: ADMIN,
    });
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  };
  const unset = (path: string) =>
    askApi(registry().url, {
      method: 'DELETE',
      path: `/policies/immutability?path=${encodeURIComponent(path)}`,
      headers: ADMIN,
    });
  const push = async (name: string, tag: string, seed: string) => {
    const { url } = registry();
    const config = JSON.stringify({ architecture: 'amd64', os: 'linux', seed });
    await pushBlob(url, name, config);
    const manifest = imageManifest({ config: describeContent(config, OCI_CONFIG), layers: [] });
    return putManifest(url, name, { reference: tag, manifest });
  };
  const remove = (name: string, reference: string) =>
    fetch(`${registry().url}/v2/${name}/manifests/${reference}`, { method: 'DELETE' });

  test('a tag that a rule meets does not move, and the refusal says why and what to do', async () => {
    const name = newName();
    await set(name, { rules: [{ tags: ['v*'], except: ['v*-rc*'] }] });
    const first = await push(name, 'v1', 'one');
    expect(first.status).toBe(201);
    const digest = first.headers.get('docker-content-digest') ?? '';
    expect((await push(name, 'v1', 'one')).status).toBe(201);
    const refused = await refusalOf(await push(name, 'v1', 'two'));
    expect(refused).toMatchObject({ status: 403, code: 'DENIED' });
    expect(refused.message).toBe(
      `The tag "v1" of "${name}" cannot be moved: it is immutable by the rule "v* except v*-rc*", set on "${name}", and points to ${digest}. Push under another tag, or ask whoever manages "${name}" to except it from the rule.`,
    );
    expect(refused.detail).toMatchObject({ path: name, tag: 'v1', digest });
    for (const seed of ['one', 'two']) {
      expect((await push(name, 'v2-rc1', seed)).status).toBe(201);
      expect((await push(name, 'latest', seed)).status).toBe(201);
    }
    const pulled = await fetch(`${registry().url}/v2/${name}/manifests/v1`);
    expect(pulled.headers.get('docker-content-digest')).toBe(digest);
  });

  test('nor is it deleted, by its name or with its manifest', async () => {
    const name = newName();
    await set(name, { rules: [{ tags: ['v1'] }] });
    const { digest } = await pushImage(registry().url, name, { reference: 'v1' });
    expect(await refusalOf(await remove(name, 'v1'))).toMatchObject({
      status: 403,
      code: 'DENIED',
    });
    expect(await refusalOf(await remove(name, digest))).toMatchObject({ status: 403 });
    expect((await fetch(`${registry().url}/v2/${name}/manifests/v1`)).status).toBe(200);
  });

  test('of several tags in one push all move or none', async () => {
    const name = newName();
    const { url } = registry();
    await set(name, { rules: [{ tags: ['v1'] }] });
    await pushImage(url, name, { reference: 'v1', seed: 'one' });
    const { digest, manifest } = await pushImage(url, name, { seed: 'two' });
    const reference = `${digest}?tag=latest&tag=v1`;
    expect((await putManifest(url, name, { reference, manifest })).status).toBe(403);
    expect((await fetch(`${url}/v2/${name}/manifests/latest`)).status).toBe(404);
  });

  test('the nearest policy up the path holds, also one without rules', async () => {
    const name = newName();
    await set(name, { rules: [{ tags: ['*'] }] });
    await set(`${name}/free`, { rules: [] });
    for (const [path, status] of [
      [`${name}/below/app`, 403],
      [`${name}/free/app`, 201],
    ] as const) {
      expect((await push(path, 'v1', 'one')).status).toBe(201);
      expect((await push(path, 'v1', 'two')).status).toBe(status);
    }
    expect((await unset(name)).status).toBe(204);
    expect((await push(`${name}/below/app`, 'v1', 'two')).status).toBe(201);
  });

  test('the name of a deleted one is taken, but for what it pointed to', async () => {
    const name = newName();
    const first = await push(name, 'v1', 'one');
    const digest = first.headers.get('docker-content-digest') ?? '';
    expect((await remove(name, 'v1')).status).toBe(202);
    await set(name, { rules: [{ tags: ['v*'] }] });
    const refused = await refusalOf(await push(name, 'v1', 'two'));
    expect(refused).toMatchObject({ status: 403, code: 'DENIED', detail: { digest } });
    expect(refused.message).toContain('is taken');
    expect((await push(name, 'v1', 'one')).status).toBe(201);
    expect((await push(name, 'v2', 'two')).status).toBe(201);
  });

  test('of two first pushes at once exactly one wins', async () => {
    const name = newName();
    await set(name, { rules: [{ tags: ['*'] }] });
    for (let round = 0; round < 10; round += 1) {
      const seeds = ['a', 'b', 'c', 'd'].map((letter) => `${letter}${round}`);
      const pushes = await Promise.all(seeds.map((seed) => push(name, `r${round}`, seed)));
      const won = pushes.filter(({ status }) => status === 201);
      expect(pushes.map(({ status }) => status).sort()).toEqual([201, 403, 403, 403]);
      const pulled = await fetch(`${registry().url}/v2/${name}/manifests/r${round}`);
      expect(pulled.headers.get('docker-content-digest')).toBe(
        won[0]?.headers.get('docker-content-digest') ?? '',
      );
    }
  });
});
