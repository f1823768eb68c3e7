// Leases through HTTP: what is said to be in use is neither deleted nor lost, until the lease is over.
import { expect } from 'bun:test';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { statement } from '../../src/metadata/statement.ts';
import { addUser, grant } from '../support/people.ts';
import { ADMIN, type ApiAnswer, askApi, basic, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { ABSENT, DIGEST, PRIVATE, pushPrivate } from './hidden-repository.ts';
import {
  describeContent,
  newName,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  putManifest,
} from './push.ts';

type Headers = Readonly<Record<string, string>>;
interface Item {
  readonly repository: string;
  readonly digest?: string;
  readonly tag?: string;
}

const DAY_S = 86_400;

const liveManifests = statement<{ name: string }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('repositories as r', 'r.id', 'm.repository_id')
    .select('m.id')
    .where('r.name', '=', p.name)
    .where('m.deleted_at', 'is', null)
    .where('m.released_at', 'is', null),
);

onBothEngines('leases', ({ test, registry }) => {
  let names = 0;
  const leaseName = () => `cluster.test-${++names}`;
  const ask = (method: string, path: string, body?: unknown, headers: Headers = ADMIN) =>
    askApi(registry().url, { method, path, headers, ...(body !== undefined && { body }) });
  const put = (
    name: string,
    items: readonly Item[],
    headers: Headers = ADMIN,
    ttlSeconds = DAY_S,
  ) => ask('PUT', `/leases/${name}`, { ttlSeconds, items, detail: 'nightly' }, headers);
  const remove = async (name: string, reference: string) => {
    const address = `${registry().url}/v2/${name}/manifests/${reference}`;
    const response = await fetch(address, { method: 'DELETE' });
    return { status: response.status, text: await response.text() };
  };
  const pullable = async (name: string, reference: string) =>
    (await fetch(`${registry().url}/v2/${name}/manifests/${reference}`)).status === 200;
  const person = async (kind: string): Promise<{ id: number; headers: Headers; name: string }> => {
    const name = `${kind}-${++names}`;
    const id = await addUser(registry(), { name, password: PASSWORD });
    return { id, name, headers: basic(name, PASSWORD) };
  };
  const ok = (answer: ApiAnswer, status = 200) =>
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status });

  test('what is leased is not deleted, and the refusal says by whom and until when', async () => {
    const name = newName();
    const lease = leaseName();
    const { digest } = await pushImage(registry().url, name, { reference: 'v1' });
    const answer = await put(lease, [{ repository: name, tag: 'v1' }]);
    ok(answer);
    expect(answer.body).toMatchObject({
      name: lease,
      holder: 'admin',
      detail: 'nightly',
      items: [{ repository: name, digest }],
    });
    for (const reference of ['v1', digest]) {
      const { status, text } = await remove(name, reference);
      expect(status).toBe(403);
      for (const said of [lease, 'admin', String(answer.body.expiresAt)]) {
        expect(text).toContain(said);
      }
    }
    ok(await ask('DELETE', `/leases/${lease}`), 204);
    ok(await ask('GET', `/leases/${lease}`), 404);
    expect((await remove(name, digest)).status).toBe(202);
  });

  test('nor is a part of it, at any depth', async () => {
    const name = newName();
    const { url } = registry();
    const image = await pushImage(url, name);
    const child = { ...describeContent(image.manifest, OCI_MANIFEST) };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    const { digest } = describeContent(index, OCI_INDEX);
    await putManifest(url, name, { reference: digest, manifest: index, type: OCI_INDEX });
    ok(await put(leaseName(), [{ repository: name, digest }]));
    expect(await remove(name, image.digest)).toMatchObject({ status: 403 });
    expect((await remove(name, image.digest)).text).toContain('part of what is in use');
    const layer = `${url}/v2/${name}/blobs/${image.layer.digest}`;
    expect((await fetch(layer, { method: 'DELETE' })).status).toBe(403);
    const other = await pushImage(url, name, { seed: 'another' });
    expect((await remove(name, other.digest)).status).toBe(202);
  });

  test('a tag moves by push, and what it pointed to stays', async () => {
    const name = newName();
    const { url } = registry();
    const old = await pushImage(url, name, { reference: 'v1', seed: 'old' });
    const lease = leaseName();
    ok(await put(lease, [{ repository: name, digest: old.digest }]));
    await pushImage(url, name, { reference: 'v1', seed: 'new' });
    expect(await liveIn(name)).toBe(2);
    ok(await ask('DELETE', `/leases/${lease}`), 204);
    // Pullable by digest for the window of history, and no longer counted.
    expect(await liveIn(name)).toBe(1);
    expect(await pullable(name, old.digest)).toBe(true);
  });

  test('what was released is held again, as long as it is there', async () => {
    const name = newName();
    const { url } = registry();
    const old = await pushImage(url, name, { reference: 'v1', seed: 'old' });
    await pushImage(url, name, { reference: 'v1', seed: 'new' });
    expect(await liveIn(name)).toBe(1);
    const lease = leaseName();
    ok(await put(lease, [{ repository: name, digest: old.digest }]));
    expect(await liveIn(name)).toBe(2);
    // Said anew without it: let go by the job.
    ok(await put(lease, [{ repository: name, tag: 'v1' }]));
    await endLeases();
    expect(await liveIn(name)).toBe(1);
    expect((await remove(name, old.digest)).status).toBe(202);
    ok(await put(lease, [{ repository: name, digest: old.digest }]), 404);
    // A PUT that is refused changes nothing.
    expect((await ask('GET', `/leases/${lease}`)).body.items).toHaveLength(1);
  });

  test('a lease that is over holds nothing', async () => {
    const name = newName();
    const lease = leaseName();
    const { program, url } = registry();
    const { digest } = await pushImage(url, name, { reference: 'v1' });
    const items = [{ repository: name, digest }] as never;
    const over = { name: lease, ttlMs: -1, items, detail: '', managed: [], actor: SYSTEM };
    await program.commands.run('putLease', over);
    ok(await ask('GET', `/leases/${lease}`), 404);
    expect((await remove(name, 'v1')).status).toBe(202);
    await endLeases();
    expect(await liveIn(name)).toBe(0);
    // The name is free.
    ok(await put(lease, [{ repository: name, digest }], (await reader(name)).headers));
  });

  test('only who took a lease changes it, and who manages all that it names', async () => {
    const [mine, other] = [newName(), newName()];
    const { url } = registry();
    const one = await pushImage(url, mine, { reference: 'v1', seed: 'one' });
    const two = await pushImage(url, other, { reference: 'v1', seed: 'two' });
    const both = [
      { repository: mine, digest: one.digest },
      { repository: other, digest: two.digest },
    ];
    const lease = leaseName();
    const taker = await reader(mine);
    const manager = await person('manager');
    const to = { kind: 'user', id: manager.id } as const;
    await grant(registry(), { to, role: 'owner', path: mine });
    ok(await put(lease, both, taker.headers));
    const stranger = await person('stranger');
    ok(await ask('GET', `/leases/${lease}`, undefined, stranger.headers), 404);
    ok(await ask('DELETE', `/leases/${lease}`, undefined, stranger.headers), 404);
    ok(await put(lease, both, stranger.headers), 409);
    // A manager of one of the two sees that one, and may end it there.
    const seen = await ask('GET', `/leases/${lease}`, undefined, manager.headers);
    expect(seen.body.items as unknown).toEqual(both.slice(0, 1));
    ok(await put(lease, [], manager.headers), 409);
    ok(await ask('DELETE', `/leases/${lease}`, undefined, manager.headers), 403);
    const there = `/leases/${lease}?repository=${encodeURIComponent(mine)}`;
    ok(await ask('DELETE', there, undefined, manager.headers), 204);
    expect((await remove(mine, 'v1')).status).toBe(202);
    expect((await remove(other, 'v1')).status).toBe(403);
    ok(await ask('GET', `/leases/${lease}`, undefined, manager.headers), 404);
    ok(await put(lease, [], taker.headers));
    expect((await remove(other, 'v1')).status).toBe(202);
  });

  test('lists show the own ones, and those of a path to who manages it', async () => {
    const name = newName();
    const { digest } = await pushImage(registry().url, name, { reference: 'v1' });
    const taker = await reader(name);
    const taken = [leaseName(), leaseName()].sort();
    for (const lease of taken) ok(await put(lease, [{ repository: name, digest }], taker.headers));
    const namesOf = ({ body }: ApiAnswer) =>
      (body.items as unknown as { name: string }[]).map((item) => item.name);
    expect(namesOf(await ask('GET', '/leases', undefined, taker.headers))).toEqual(taken);
    const at = `/leases?path=${encodeURIComponent(name)}`;
    expect(namesOf(await ask('GET', at))).toEqual(taken);
    ok(await ask('GET', at, undefined, taker.headers), 403);
    const first = await ask('GET', `${at}&limit=1`);
    expect(namesOf(first)).toEqual(taken.slice(0, 1));
    expect(namesOf(await ask('GET', `${at}&limit=1&cursor=${first.body.next}`))).toEqual(
      taken.slice(1),
    );
  });

  test('of a lease and a deletion at once one wins, and what is leased is live', async () => {
    const name = newName();
    const { url } = registry();
    for (let round = 0; round < 15; round += 1) {
      const lease = leaseName();
      const reference = `r${round}`;
      const old = await pushImage(url, name, { reference, seed: `old ${round}` });
      const item = { repository: name, digest: old.digest };
      const [taken, removed] = await Promise.all([put(lease, [item]), remove(name, old.digest)]);
      expect([taken.status, removed.status]).toBeOneOf([
        [200, 403],
        [404, 202],
      ]);
      const isTaken = taken.status === 200;
      expect({ isTaken, isThere: await pullable(name, old.digest) }).toEqual({
        isTaken,
        isThere: isTaken,
      });
    }
  });

  test('of a lease and a tag that moves away at once the lease holds', async () => {
    const name = newName();
    const { url } = registry();
    for (let round = 1; round <= 15; round += 1) {
      const reference = `r${round}`;
      const old = await pushImage(url, name, { reference, seed: `old ${round}` });
      const next = await pushImage(url, name, { seed: `new ${round}` });
      const lease = leaseName();
      const item = { repository: name, digest: old.digest };
      const [taken, moved] = await Promise.all([
        put(lease, [item]),
        putManifest(url, name, { reference, manifest: next.manifest }),
      ]);
      expect([taken.status, moved.status]).toEqual([200, 201]);
      expect(await liveIn(name)).toBe(2 * round);
    }
  });

  test('what is no lease is refused with the field', async () => {
    const repository = newName();
    const { digest } = await pushImage(registry().url, repository);
    const item = { repository, digest };
    const refused = [
      put('Upper', [item]),
      put('a~b', [item]),
      put('short', [item], ADMIN, 59),
      put('long', [item], ADMIN, 90 * DAY_S + 1),
      put('both', [{ ...item, tag: 'v1' }]),
      put('neither', [{ repository }]),
    ];
    for (const answer of await Promise.all(refused)) ok(answer, 400);
    const many = Array.from({ length: 1_001 }, () => ({ repository, tag: 'v1' }));
    ok(await put('many', many), 400);
  });

  async function liveIn(name: string): Promise<number> {
    const { sql } = registry().program.access.signIn;
    return (await sql.all(liveManifests, { name })).length;
  }

  async function endLeases(): Promise<void> {
    const { commands } = registry().program;
    for (let turn = 0; turn < 100; turn += 1) {
      if (!(await commands.run('releaseEndedLeases', null))) return;
    }
    throw new Error('leases that are over are never all let go');
  }

  async function reader(path: string) {
    const someone = await person('reader');
    await grant(registry(), { to: { kind: 'user', id: someone.id }, role: 'reader', path });
    return someone;
  }
});

onBothEngines(
  'leases of what is private',
  ({ test, registry }) => {
    test('what one may not see is not there', async () => {
      const { url } = registry();
      await pushPrivate(url);
      for (const name of ['stranger', 'reader']) {
        const id = await addUser(registry(), { name, password: PASSWORD });
        if (name === 'stranger') continue;
        await grant(registry(), { to: { kind: 'user', id }, role: 'reader', path: PRIVATE });
      }
      const put = (who: string, repository: string) =>
        askApi(url, {
          method: 'PUT',
          path: `/leases/of-${who}`,
          body: { ttlSeconds: 60, items: [{ repository, digest: DIGEST }] },
          headers: basic(who, PASSWORD),
        });
      const message = ({ text }: ApiAnswer) => JSON.parse(text).errors[0].message;
      const hidden = await put('stranger', PRIVATE);
      const absent = await put('stranger', ABSENT);
      expect([hidden.status, absent.status]).toEqual([404, 404]);
      expect(message(hidden)).toBe(message(absent).replace(ABSENT, PRIVATE));
      expect((await put('reader', PRIVATE)).status).toBe(200);
    });
  },
  { isPrivate: true },
);
