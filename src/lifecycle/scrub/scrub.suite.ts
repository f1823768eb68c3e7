// What the scrubber finds and does, on every engine: damage of each kind, crashes between its steps, what
// nothing names, and that no file that a row names is ever removed.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readLostParts } from '../../metadata/lost-parts.ts';
import { listOrphans } from '../../metadata/orphans.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { isPassOpen, readScrubState } from '../../metadata/scrub.ts';
import { listScrubRuns } from '../../metadata/scrub-runs.ts';
import { checkCounters } from '../../metadata/usage-check.ts';
import { patternBytes } from '../../registry/suite-registry.ts';
import { brokenDisk, type OpenedScrub, ScrubWorld } from './suite-scrub.ts';

const A = 'team/a';
const B = 'team/b';
const large = (seed: number) => patternBytes(100_000, seed);
const small = (seed: number) => patternBytes(100, seed);

export function describeScrub(name: string, open: () => Promise<OpenedScrub>): void {
  describe(name, () => {
    let world: ScrubWorld;
    beforeEach(async () => {
      world = new ScrubWorld(await open());
    }, 60_000);
    afterEach(() => world.opened.close());
    describe('damage', () => damageCases(() => world));
    describe('what the doctor asks', () => doctorCases(() => world));
    describe('a crash', () => crashCases(() => world));
    describe('passes', () => passCases(() => world));
    describe('orphans', () => orphanCases(() => world));
  });
}

function damageCases(given: () => ScrubWorld): void {
  test('sound bytes stay as they are', async () => {
    const world = given();
    const [layer, config] = [await world.push(A, large(1)), await world.push(A, small(2))];
    await world.pushManifest(A, 'v1', { layers: [config, layer] });
    await world.scrub();
    expect(await world.damages()).toEqual([]);
    expect(world.warnings).toEqual([]);
    const [run] = await listScrubRuns(world.sql, { before: 1_000, limit: 1 });
    expect(JSON.parse(run?.detail ?? '')).toMatchObject({ blobs: 3, missing: 0, altered: 0 });
    expect(JSON.parse(run?.detail ?? '').bytes).toBeGreaterThan(100_000);
  });

  test('one altered byte: absent, in quarantine, named in log and audit log, healed by a push', async () => {
    const world = given();
    const [layer, config] = [await world.push(A, large(1)), await world.push(A, small(2))];
    const other = await world.push(B, large(3));
    await world.push(B, large(1));
    const image = await world.pushManifest(A, 'v1', { layers: [config, layer] });
    const index = await world.pushManifest(A, 'all', { manifests: [image] });
    const untagged = await world.pushManifest(B, '', { layers: [other, layer] });
    const key = await world.flip(layer);
    await world.scrub();
    expect(await world.holds(A, layer)).toBe(false);
    expect(await world.holds(A, config)).toBe(true);
    expect(world.store.quarantined()).toEqual([key]);
    expect(world.store.keys()).not.toContain(key);
    expect(await world.damages()).toMatchObject([
      { digest: layer, kind: 'altered', storageKey: key, healedAt: null, size: 100_000 },
    ]);
    expect((await world.damages())[0]?.quarantine).toContain('quarantine');
    expect(world.warnings).toHaveLength(1);
    for (const hit of ['team/a:v1', 'team/a:all', `team/b@${untagged}`, layer]) {
      expect(world.warnings[0]).toContain(hit);
    }
    const [event] = await world.audit();
    expect(event).toMatchObject({ action: 'blob.damage', target: layer });
    expect(event?.detail).toMatchObject({
      kind: 'altered',
      images: [
        { repository: A, digest: image, tags: ['v1'] },
        { repository: A, digest: index, tags: ['all'] },
        { repository: B, digest: untagged, tags: [] },
      ],
    });
    const told = { actor: 'entrepot', digest: layer, damage: 'altered', state: 'absent' };
    const images = [
      { digest: image, tags: ['v1'] },
      { digest: index, tags: ['all'] },
    ];
    expect(await world.announced()).toEqual([
      { ...told, images },
      { ...told, images: [{ digest: untagged, tags: [] }] },
    ]);

    await world.push(A, large(1));
    expect(await world.get(A, layer)).toEqual(large(1));
    expect((await world.damages())[0]?.healedAt).toBeNumber();
    // The right of the other repository was never lost.
    expect(await world.get(B, layer)).toEqual(large(1));
    world.pass(24 * 8);
    await world.scrub();
    expect(world.warnings).toHaveLength(1);
  });

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, 70_000)],
    ['empty', () => new Uint8Array(0)],
    ['too long', (bytes: Uint8Array) => Uint8Array.from([...bytes, 1])],
  ] as const)('bytes that are %s are altered', async (_what, change) => {
    const world = given();
    const [layer, other] = [await world.push(A, large(1)), await world.push(A, large(2))];
    world.store.damage(await world.keyOf(layer), change);
    await world.scrub();
    expect((await world.damages()).map(({ digest, kind }) => [digest, kind])).toEqual([
      [layer, 'altered'],
    ]);
    expect(await world.holds(A, other)).toBe(true);
  });

  test('a file that is gone: missing, and healed by a push', async () => {
    const world = given();
    const layer = await world.push(A, large(1));
    for (const seed of [2, 3]) await world.push(A, large(seed));
    await world.store.remove(await world.keyOf(layer));
    await world.scrub();
    expect(await world.damages()).toMatchObject([
      { digest: layer, kind: 'missing', quarantine: null },
    ]);
    expect(await world.holds(A, layer)).toBe(false);
    await world.push(A, large(1));
    expect(await world.get(A, layer)).toEqual(large(1));
    expect((await world.damages())[0]?.healedAt).toBeNumber();
  });

  test('a manifest that is altered is unknown until it is pushed again', async () => {
    const world = given();
    const [config, layer] = [await world.push(A, small(1)), await world.push(A, large(2))];
    const image = await world.pushManifest(A, 'v1', { layers: [config, layer] });
    await world.alterPayload(image);
    await world.scrub();
    expect(await world.damages()).toMatchObject([
      { digest: image, kind: 'altered', healedAt: null },
    ]);
    expect((await world.damages())[0]?.quarantine).toContain('quarantine');
    expect(world.store.quarantined()).toHaveLength(1);
    expect(world.warnings[0]).toContain('team/a:v1');
    expect(await world.holdsManifest(A, 'v1')).toBe(false);
    await world.pushManifest(A, 'v1', { layers: [config, layer] });
    expect(await world.holdsManifest(A, 'v1')).toBe(true);
    expect((await world.damages())[0]?.healedAt).toBeNumber();
    world.pass(24 * 8);
    await world.scrub();
    expect(world.warnings).toHaveLength(1);
  });

  test('a small blob that is altered goes the same way', async () => {
    const world = given();
    const config = await world.push(A, small(1));
    await world.alterPayload(config);
    // Never given to anybody, nor remembered.
    expect(await failureOf(world.get(A, config))).toContain('storage');
    await world.scrub();
    expect(await world.holds(A, config)).toBe(false);
    await world.push(A, small(1));
    expect(await world.get(A, config)).toEqual(small(1));
  });

  test('one that is read wrongly once is not damaged', async () => {
    const world = given();
    const layer = await world.push(A, large(1));
    let reads = 0;
    world.plan = (operation) => {
      if (operation !== 'read') return undefined;
      reads += 1;
      return reads === 1 ? { when: 'cut', bytes: 10, error: brokenDisk() } : undefined;
    };
    await world.scrub();
    expect(reads).toBe(2);
    expect(await world.damages()).toEqual([]);
    expect(await world.holds(A, layer)).toBe(true);
  });

  test('bytes that the disk cannot give twice are altered; any other fault ends the work', async () => {
    const world = given();
    const layer = await world.push(A, large(1));
    const full = Object.assign(new Error(), { code: 'EMFILE' });
    const fault = Object.assign(brokenDisk(), { cause: full });
    world.plan = (operation) =>
      operation === 'read' ? { when: 'before', error: fault } : undefined;
    expect(await failureOf(world.scrub())).toContain('The disk reports a fault');
    expect(await world.damages()).toEqual([]);
    world.plan = (operation) =>
      operation === 'read' ? { when: 'cut', bytes: 10, error: brokenDisk() } : undefined;
    await world.scrub();
    expect(await world.damages()).toMatchObject([{ digest: layer, kind: 'altered' }]);
    expect(world.store.quarantined()).toHaveLength(1);
  });

  test('a store that is not there changes nothing', async () => {
    const world = given();
    const layers = [await world.push(A, large(1)), await world.push(A, large(2))];
    const keys = world.store.keys();
    for (const key of [...keys]) await world.store.remove(key);
    expect(await failureOf(world.scrub())).toContain('is the disk of the blobs mounted?');
    expect(await world.damages()).toEqual([]);
    for (const layer of layers) expect(await world.holds(A, layer)).toBe(true);
  });

  test('a blob that was collected or pushed anew since it was read is no damage', async () => {
    const world = given();
    const layer = await world.push(A, large(1));
    for (const seed of [2, 3]) await world.push(A, large(seed));
    const key = await world.keyOf(layer);
    await world.store.remove(key);
    world.beforeCommand = async (name) => {
      if (name !== 'recordDamage') return;
      world.beforeCommand = () => {};
      // Another node records it first, and then it is pushed again.
      await world.scrub();
      await world.push(A, large(1));
    };
    await world.scrub();
    expect(await world.get(A, layer)).toEqual(large(1));
    expect(world.warnings).toHaveLength(1);
  });
}

function doctorCases(given: () => ScrubWorld): void {
  test('a tag that lacks a part is found, through an index too; counters agree', async () => {
    const world = given();
    const [config, layer] = [await world.push(A, small(1)), await world.push(A, large(2))];
    await world.push(A, large(3));
    const image = await world.pushManifest(A, 'v1', { layers: [config, layer] });
    await world.pushManifest(A, 'all', { manifests: [image] });
    await world.pushManifest(A, 'good', { layers: [config, await world.push(A, large(4))] });
    const page = { after: 0, limit: 10 };
    expect(await readLostParts(world.sql, page)).toEqual({ lost: [], tags: 3, next: undefined });
    await world.flip(layer);
    await world.scrub();
    const { lost } = await readLostParts(world.sql, page);
    const part = { repository: A, digest: layer, kind: 'layer', isAbsent: true };
    expect(lost.toSorted((a, b) => (a.tag < b.tag ? -1 : 1))).toEqual([
      { ...part, tag: 'all' },
      { ...part, tag: 'v1' },
    ]);
    const { sql } = world;
    const once: ReportSql = {
      engine: sql.engine,
      all: (statement, parameters) => sql.all(statement, parameters),
      first: (statement, parameters) => sql.first(statement, parameters),
      snapshot: (read) => read(sql),
    };
    expect(await checkCounters(once, page)).toEqual({ wrong: [], scopes: 1, next: undefined });
  });
}

function crashCases(given: () => ScrubWorld): void {
  test.each(['recordDamage', 'noteQuarantine'])(
    'before the command %s: the next run ends what was begun',
    async (step) => {
      const world = given();
      const layer = await world.push(A, large(1));
      const key = await world.flip(layer);
      world.beforeCommand = (name) => {
        if (name === step) throw new Error('crash');
      };
      expect(await failureOf(world.scrub())).toContain('crash');
      world.beforeCommand = () => {};
      await world.scrub();
      expect(world.store.quarantined()).toEqual([key]);
      expect(await world.damages()).toMatchObject([
        { digest: layer, kind: 'altered', storageKey: key },
      ]);
      expect((await world.damages())[0]?.quarantine).toContain('quarantine');
      await world.push(A, large(1));
      expect(await world.get(A, layer)).toEqual(large(1));
    },
  );

  test('before the bytes go to quarantine: they are no orphan, and go there next time', async () => {
    const world = given();
    const layer = await world.push(A, large(1));
    const key = await world.flip(layer);
    world.plan = (operation) =>
      operation === 'quarantine' ? { when: 'before', error: brokenDisk() } : undefined;
    expect(await failureOf(world.scrub())).toContain('fault');
    expect(await world.holds(A, layer)).toBe(false);
    expect(world.store.keys()).toContain(key);
    world.plan = () => undefined;
    await world.push(A, large(1));
    await world.scrub();
    expect(world.store.quarantined()).toEqual([key]);
    expect(await world.get(A, layer)).toEqual(large(1));
  });

  test('between the copy of a payload and its row', async () => {
    const world = given();
    const config = await world.push(A, small(1));
    await world.alterPayload(config);
    world.beforeCommand = (name) => {
      if (name === 'recordDamage') throw new Error('crash');
    };
    expect(await failureOf(world.scrub())).toContain('crash');
    expect(await world.holds(A, config)).toBe(true);
    world.beforeCommand = () => {};
    await world.scrub();
    expect(await world.holds(A, config)).toBe(false);
    expect(world.store.keys()).toEqual([]);
  });
}

function passCases(given: () => ScrubWorld): void {
  test('goes on where it was told to stop, and counts on', async () => {
    const world = given();
    for (let seed = 1; seed <= 6; seed += 1) await world.push(A, large(seed));
    const read = new Map<string, number>();
    world.plan = (operation, key) => {
      if (operation === 'read') read.set(key, (read.get(key) ?? 0) + 1);
      return undefined;
    };
    await world.scrub({ isStopping: () => read.size >= 3 });
    expect(isPassOpen(await readScrubState(world.sql))).toBe(true);
    await world.scrub();
    expect(isPassOpen(await readScrubState(world.sql))).toBe(false);
    // The one that was being read when it had to stop is read again.
    expect([...read.values()].sort()).toEqual([1, 1, 1, 1, 1, 2]);
    const [run] = await listScrubRuns(world.sql, { before: 1_000, limit: 1 });
    expect(JSON.parse(run?.detail ?? '')).toMatchObject({ blobs: 6, bytes: 600_000 });
    expect(run?.endedAt).toBeNumber();
  });

  test('the next pass begins after a week, or when somebody asks', async () => {
    const world = given();
    await world.push(A, large(1));
    const passes = async () => (await listScrubRuns(world.sql, { before: 1_000, limit: 9 })).length;
    await world.scrub();
    world.pass(24 * 6);
    await world.scrub();
    expect(await passes()).toBe(1);
    world.pass(25);
    await world.scrub();
    expect(await passes()).toBe(2);
    world.isAutomatic = false;
    world.pass(24 * 30);
    await world.scrub();
    expect(await passes()).toBe(2);
    const actor = {
      name: 'alice',
      principal: 'user:1',
      credential: '',
      address: '',
      client: '',
      requestId: '',
    };
    expect(await world.parts.commands.run('beginScrub', { actor })).toBe(true);
    expect(await world.parts.commands.run('beginScrub', { actor })).toBe(false);
    await world.scrub();
    expect(isPassOpen(await readScrubState(world.sql))).toBe(false);
    expect(await passes()).toBe(3);
    expect((await world.audit()).map(({ action }) => action)).toEqual(['scrub.start']);
  });
}

function orphanCases(given: () => ScrubWorld): void {
  const KEY = `sha256/ab/${'ab'.repeat(32)}.orphan`;

  async function leave(world: ScrubWorld, key = KEY): Promise<void> {
    const appender = await world.store.append('left', 0);
    await appender.write(small(9));
    await appender.close();
    await world.store.commit('left', key);
  }

  test('goes only after a second look a day later', async () => {
    const world = given();
    await world.push(A, large(1));
    await leave(world);
    await world.scrub();
    const noted = await listOrphans(world.sql, { after: '', limit: 9 });
    expect(noted.map(({ key, size }) => [key, size])).toEqual([[KEY, 100]]);
    expect(await world.removals()).toEqual([]);
    world.pass(23);
    await world.scrub();
    expect(await world.removals()).toEqual([]);
    world.pass(2);
    await world.scrub();
    expect(await world.removals()).toEqual([KEY]);
    expect(await listOrphans(world.sql, { after: '', limit: 9 })).toEqual([]);
    expect((await world.audit()).map(({ action }) => action)).toEqual(['orphan.remove']);
    // It waits for the job that removes bytes, and is not handed over twice.
    world.pass(50);
    await world.scrub();
    expect(await world.removals()).toEqual([KEY]);
  });

  test('one that was written today stays, whenever it was seen', async () => {
    const world = given();
    await leave(world);
    await world.scrub();
    world.pass(25);
    // Brought back by its upload, written to, and left again.
    await world.store.reclaim(KEY, 'left');
    const appender = await world.store.append('left', 100);
    await appender.write(small(8));
    await appender.close();
    await world.store.commit('left', KEY);
    await world.scrub();
    expect(await world.removals()).toEqual([]);
    world.pass(25);
    await world.scrub();
    expect(await world.removals()).toEqual([KEY]);
  });

  test('one that is gone by itself is forgotten', async () => {
    const world = given();
    await leave(world);
    await world.scrub();
    await world.store.remove(KEY);
    world.pass(25);
    await world.scrub();
    expect(await listOrphans(world.sql, { after: '', limit: 9 })).toEqual([]);
  });

  test('most of the store without rows: nothing goes', async () => {
    const world = given();
    await world.push(A, large(1));
    for (let at = 0; at < 30; at += 1) await leave(world, `${KEY}${at}`);
    world.pass(30);
    await world.scrub();
    world.pass(30);
    expect(await failureOf(world.scrub())).toContain('put back to an older state');
    expect(await world.removals()).toEqual([]);
  });

  test('property: no file that a row names is given up, whatever is pushed and left meanwhile', async () => {
    const world = given();
    let state = 20_261_123;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    let seed = 1;
    let left = 0;
    world.beforeCommand = async (name) => {
      if (name === 'giveUpOrphans' && random(2) === 0) await world.push(A, large(seed++));
    };
    for (let step = 0; step < 60; step += 1) {
      const kind = random(5);
      if (kind === 0) await world.push(random(2) === 0 ? A : B, large(seed++));
      else if (kind === 1) await leave(world, `sha256/cd/${'cd'.repeat(32)}.${left++}`);
      else if (kind === 2 && seed > 1) await world.push(B, large(1 + random(seed)));
      else world.pass(random(20));
      if (random(2) === 0) await world.scrub().catch((error: unknown) => mustBeBrake(error));
      const removals = new Set(await world.removals());
      for (const key of await world.namedKeys()) {
        expect(removals.has(key)).toBe(false);
        expect(world.store.keys()).toContain(key);
      }
    }
    expect(await world.damages()).toEqual([]);
    expect((await world.removals()).length).toBeGreaterThan(0);
  });
}

/** Bun's `rejects` waits in a loop of its own, in which the driver of PostgreSQL hardly gets its turn. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => String(error),
  );
}

function mustBeBrake(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('older state')) throw error;
}
