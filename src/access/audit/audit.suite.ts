// What the audit log promises on every engine: sealing, verifying, pruning, reading.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { type Act, type Actor, recordAct } from '../../metadata/audit.ts';
import { readChain, readUnsealedTail } from '../../metadata/audit-chain.ts';
import type { AuditEvent, AuditFilter } from '../../metadata/audit-events.ts';
import { type Command, type Commands, synced } from '../../metadata/command.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { type Statement, statement } from '../../metadata/statement.ts';
import { auditCommands } from './audit.command.ts';
import { everyEvent, followAudit, listAudit } from './read-audit.ts';
import { verifyAudit } from './verify.ts';

export const ALICE: Actor = {
  name: 'alice',
  principal: 'user:1',
  credential: 'password',
  address: '192.0.2.1',
  client: 'docker/27',
  requestId: 'r1',
};

const changeTarget = statement<{ sequence: number; target: string }>()((q, p) =>
  q.updateTable('audit_events').set({ target: p.target }).where('sequence', '=', p.sequence),
);
const unseal = statement<{ sequence: number }>()((q, p) =>
  q.updateTable('audit_events').set({ sequence: null }).where('sequence', '=', p.sequence),
);
const renumber = statement<{ sequence: number; to: number }>()((q, p) =>
  q.updateTable('audit_events').set({ sequence: p.to }).where('sequence', '=', p.sequence),
);
const remove = statement<{ from: number; to: number }>()((q, p) =>
  q.deleteFrom('audit_events').where('sequence', '>=', p.from).where('sequence', '<=', p.to),
);
const setEnd = statement<{ sequence: number; hash: Uint8Array }>()((q, p) =>
  q.updateTable('audit_chain').set({ sequence: p.sequence, hash: p.hash }),
);
const setTime = statement<{ at: number }>()((q, p) =>
  q.updateTable('audit_events').set({ at: p.at }).where('sequence', 'is', null),
);

const tampering = { changeTarget, unseal, renumber, remove, setEnd, setTime };
type Tampering = typeof tampering;
type Given<S> = S extends Statement<infer P, unknown> ? P : never;

/** What somebody does who has the password of the database. */
function tamper<K extends keyof Tampering>(kind: K) {
  return synced((tx: Transaction, given: Given<Tampering[K]>) =>
    tx.run(tampering[kind] as Statement<unknown, unknown>, given),
  );
}

export function auditSuiteCommands() {
  return {
    ...auditCommands(),
    recordActs: synced(async (tx: Transaction, acts: readonly Act[]) => {
      for (const act of acts) await recordAct(tx, act);
    }),
    changeTarget: tamper('changeTarget'),
    unseal: tamper('unseal'),
    renumber: tamper('renumber'),
    remove: tamper('remove'),
    setEnd: tamper('setEnd'),
    setTime: tamper('setTime'),
  } satisfies Record<string, Command<never, unknown>>;
}

export type AuditSuiteCommands = ReturnType<typeof auditSuiteCommands>;

export interface OpenedAudit {
  readonly sql: Sql;
  readonly commands: Commands<AuditSuiteCommands>;
  close(): Promise<void>;
}

/** The log under test, and the steps that many cases begin with. */
class World {
  opened: OpenedAudit | undefined;
  get #open(): OpenedAudit {
    if (this.opened === undefined) throw new Error('the database is not open');
    return this.opened;
  }
  get sql(): Sql {
    return this.#open.sql;
  }
  get commands(): Commands<AuditSuiteCommands> {
    return this.#open.commands;
  }

  /** Acts on `target 1`, `target 2`, … */
  async record(count: number, act: Partial<Act> = {}): Promise<void> {
    const acts = Array.from({ length: count }, (_, at) => {
      return { actor: ALICE, action: 'tag.delete', target: `target ${at + 1}`, ...act };
    });
    await this.commands.run('recordActs', acts);
  }

  seal = (limit = 1_000) => this.commands.run('sealAudit', { limit });

  async sealed(count: number): Promise<void> {
    await this.record(count);
    await this.seal();
  }

  targets = (events: readonly AuditEvent[]) => events.map((event) => event.target);
}

export function describeAudit(name: string, open: () => Promise<OpenedAudit>): void {
  describe(name, () => {
    const world = new World();
    beforeEach(async () => {
      world.opened = await open();
    }, 60_000);
    afterEach(() => world.opened?.close());
    sealing(world);
    verifying(world);
    expecting(world);
    pruning(world);
    listing(world);
    following(world);
  });
}

function sealing(world: World): void {
  describe('sealing', () => {
    test('numbers without a gap, batch by batch, and is whole after each', async () => {
      await world.record(25);
      const counts: number[] = [];
      for (let batch = 1; batch <= 4; batch += 1) {
        counts.push(await world.seal(10));
        const { verified, unsealed, broken } = await verifyAudit(world.sql);
        expect({ verified, waiting: unsealed.count, broken }).toEqual({
          verified: Math.min(25, batch * 10),
          waiting: Math.max(0, 25 - batch * 10),
          broken: undefined,
        });
      }
      expect(counts).toEqual([10, 10, 5, 0]);
      expect((await readChain(world.sql)).end.sequence).toBe(25);
    });

    test('of many at once gives each number once', async () => {
      await world.record(60);
      const counts = await Promise.all(Array.from({ length: 8 }, () => world.seal(10)));
      expect(counts.reduce((sum, one) => sum + one, 0)).toBe(60);
      expect(await verifyAudit(world.sql)).toMatchObject({ verified: 60, broken: undefined });
    });

    test('of nothing leaves the chain as it is', async () => {
      const before = await readChain(world.sql);
      expect(await world.seal()).toBe(0);
      expect(await readChain(world.sql)).toEqual(before);
      expect(await verifyAudit(world.sql)).toMatchObject({ verified: 0, broken: undefined });
    });

    test('keeps every text as it was written', async () => {
      const client = 'a "b", c\\d\n\u0000é😀';
      await world.record(1, { actor: { ...ALICE, client }, detail: { 'é"': ['\u0000', 1.5] } });
      await world.seal();
      const [event] = (await listAudit(world.sql)).events;
      // PostgreSQL cannot hold a NUL as it is.
      expect(event?.client).toBe(client.replace('\u0000', '\ufffd'));
      expect(JSON.parse(event?.detail ?? '')).toEqual({ 'é"': ['\u0000', 1.5] });
      expect((await verifyAudit(world.sql)).broken).toBeUndefined();
    });

    test('texts are bounded', async () => {
      const long = 'x'.repeat(100_000);
      const actor = { ...ALICE, name: long, client: long };
      await world.record(1, { actor, target: long, detail: { long } });
      const [event] = (await listAudit(world.sql)).events;
      const lengths = [event?.actor, event?.client, event?.target].map((text) => text?.length);
      expect(lengths).toEqual([512, 512, 512]);
      expect(event?.detail).toBe('{"leftOut":100011}');
    });
  });
}

function verifying(world: World): void {
  const brokenAt = async () => {
    const { broken, verified } = await verifyAudit(world.sql, { page: 3 });
    return { kind: broken?.kind, sequence: broken?.sequence, verified };
  };

  describe('verifying finds', () => {
    beforeEach(() => world.sealed(10));

    test('nothing where nothing was done, and says how far the tail goes', async () => {
      await world.record(2);
      const found = await verifyAudit(world.sql, { page: 3 });
      expect(found).toMatchObject({ verified: 10, broken: undefined, expected: 'none' });
      expect(found.end).toEqual((await readChain(world.sql)).end);
      expect(found.unsealed).toEqual({ count: 2, oldestAt: expect.any(Number) });
    });

    test('a changed event', async () => {
      await world.commands.run('changeTarget', { sequence: 5, target: 'something else' });
      expect(await brokenAt()).toEqual({ kind: 'changed', sequence: 5, verified: 4 });
    });

    test('a removed event', async () => {
      await world.commands.run('remove', { from: 5, to: 5 });
      expect(await brokenAt()).toEqual({ kind: 'removed', sequence: 5, verified: 4 });
    });

    test('the first of several', async () => {
      await world.commands.run('remove', { from: 8, to: 8 });
      await world.commands.run('changeTarget', { sequence: 2, target: 'something else' });
      expect(await brokenAt()).toEqual({ kind: 'changed', sequence: 2, verified: 1 });
    });

    test('a removed event whose number another one was given', async () => {
      await world.commands.run('remove', { from: 5, to: 5 });
      await world.commands.run('renumber', { sequence: 10, to: 5 });
      expect(await brokenAt()).toEqual({ kind: 'changed', sequence: 5, verified: 4 });
    });

    test('two events in the wrong order', async () => {
      await world.commands.run('renumber', { sequence: 4, to: 99 });
      await world.commands.run('renumber', { sequence: 5, to: 4 });
      await world.commands.run('renumber', { sequence: 99, to: 5 });
      expect(await brokenAt()).toEqual({ kind: 'changed', sequence: 4, verified: 3 });
    });

    test('an event that was taken out to be sealed anew', async () => {
      await world.commands.run('unseal', { sequence: 5 });
      expect(await brokenAt()).toEqual({ kind: 'removed', sequence: 5, verified: 4 });
      await world.seal();
      expect(await brokenAt()).toEqual({ kind: 'removed', sequence: 5, verified: 4 });
    });

    test('a tail that was cut off', async () => {
      await world.commands.run('remove', { from: 8, to: 10 });
      expect(await brokenAt()).toEqual({ kind: 'cut', sequence: 8, verified: 7 });
      await world.commands.run('remove', { from: 1, to: 7 });
      expect(await brokenAt()).toEqual({ kind: 'cut', sequence: 1, verified: 0 });
    });

    test('an event behind the end', async () => {
      await world.record(1);
      const { end } = await readChain(world.sql);
      await world.seal();
      await world.commands.run('setEnd', { ...end });
      expect(await brokenAt()).toEqual({ kind: 'inserted', sequence: 11, verified: 10 });
    });

    test('an event before the anchor', async () => {
      const before = Date.now() + 60_000;
      await world.commands.run('pruneAudit', { before, limit: 4 });
      expect(await brokenAt()).toEqual({ kind: undefined, sequence: undefined, verified: 6 });
      await world.seal();
      await world.commands.run('renumber', { sequence: 11, to: 2 });
      expect(await brokenAt()).toEqual({ kind: 'inserted', sequence: 2, verified: 0 });
    });

    test('an end whose hash was changed', async () => {
      await world.commands.run('setEnd', { sequence: 10, hash: new Uint8Array(32) });
      expect(await brokenAt()).toEqual({ kind: 'changed', sequence: 10, verified: 10 });
    });
  });
}

function expecting(world: World): void {
  describe('a place of the chain that was kept elsewhere', () => {
    beforeEach(() => world.sealed(10));

    test('is found, also when it is the last or the anchor', async () => {
      const { end } = await readChain(world.sql);
      expect(await verifyAudit(world.sql, { expected: end })).toMatchObject({
        expected: 'found',
        broken: undefined,
      });
      await world.sealed(5);
      expect((await verifyAudit(world.sql, { expected: end })).expected).toBe('found');
      await world.commands.run('pruneAudit', { before: Date.now() + 60_000, limit: 10 });
      expect(await verifyAudit(world.sql, { expected: end })).toMatchObject({
        expected: 'found',
        broken: undefined,
        verified: 5,
      });
      await world.commands.run('pruneAudit', { before: Date.now() + 60_000, limit: 1 });
      expect((await verifyAudit(world.sql, { expected: end })).expected).toBe('pruned');
    });

    test('shows a log that was cut off together with the end of its chain', async () => {
      const { events } = await followAudit(world.sql, { cursor: 's6', limit: 1 });
      const { end } = await readChain(world.sql);
      const hash = events[0]?.hash ?? new Uint8Array();
      await world.commands.run('remove', { from: 8, to: 10 });
      await world.commands.run('setEnd', { sequence: 7, hash });
      expect((await verifyAudit(world.sql)).broken).toBeUndefined();
      const found = await verifyAudit(world.sql, { expected: end });
      expect(found).toMatchObject({ expected: 'missing', verified: 7 });
      expect(found.broken).toMatchObject({ kind: 'cut', sequence: 8 });
    });

    test('shows a log that was made anew', async () => {
      const expected = { sequence: 4, hash: new Uint8Array(32) };
      const { broken } = await verifyAudit(world.sql, { expected });
      expect(broken).toMatchObject({ kind: 'unexpected', sequence: 4 });
    });
  });
}

function pruning(world: World): void {
  describe('pruning', () => {
    const HOUR_MS = 3_600_000;
    const old = Date.now() - 10 * HOUR_MS;

    test('takes old sealed events in batches, keeps the anchor, and is on record', async () => {
      await world.record(10);
      await world.commands.run('setTime', { at: old });
      await world.seal();
      await world.sealed(3);
      const prune = { before: Date.now() - HOUR_MS, limit: 4 };
      const counts: number[] = [];
      for (let batch = 0; batch < 4; batch += 1) {
        counts.push(await world.commands.run('pruneAudit', prune));
      }
      expect(counts).toEqual([4, 4, 2, 0]);
      await world.seal();
      const found = await verifyAudit(world.sql);
      expect(found).toMatchObject({ verified: 6, broken: undefined });
      expect(found.anchor.sequence).toBe(10);
      const { events } = await listAudit(world.sql, { filter: { action: 'audit.prune' } });
      expect(world.targets(events)).toEqual([
        'audit events 9 to 10',
        'audit events 5 to 8',
        'audit events 1 to 4',
      ]);
    });

    test('leaves what is not sealed, however old', async () => {
      await world.record(3);
      await world.commands.run('setTime', { at: old });
      expect(await world.commands.run('pruneAudit', { before: Date.now(), limit: 10 })).toBe(0);
      expect((await readUnsealedTail(world.sql)).count).toBe(3);
    });

    test('stops at the first that is young, and so leaves no gap', async () => {
      await world.sealed(2);
      await world.record(2);
      await world.commands.run('setTime', { at: old });
      await world.seal();
      const prune = { before: Date.now() - HOUR_MS, limit: 10 };
      expect(await world.commands.run('pruneAudit', prune)).toBe(0);
      expect((await verifyAudit(world.sql)).verified).toBe(4);
    });

    test('that overtakes a walk is no break', async () => {
      await world.sealed(10);
      let reads = 0;
      const { sql, commands } = world;
      const slow: Sql = {
        engine: sql.engine,
        first: (asked, given) => sql.first(asked, given),
        async all(asked, given) {
          reads += 1;
          const prune = { before: Date.now() + HOUR_MS, limit: 6 };
          if (reads === 2) await commands.run('pruneAudit', prune);
          return sql.all(asked, given);
        },
      };
      const found = await verifyAudit(slow, { page: 2 });
      expect(found).toMatchObject({ verified: 6, broken: undefined });
      expect(found.end.sequence).toBe(10);
    });
  });
}

async function pagesOf(world: World, filter: AuditFilter, limit: number): Promise<AuditEvent[]> {
  const all: AuditEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = await listAudit(world.sql, { filter, limit, cursor });
    all.push(...page.events);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

function listing(world: World): void {
  describe('listing', () => {
    test('newest first, sealed or not, in pages that stay when events come and are sealed', async () => {
      await world.sealed(4);
      await world.record(3);
      const first = await listAudit(world.sql, { limit: 3 });
      expect(world.targets(first.events)).toEqual(['target 3', 'target 2', 'target 1']);
      expect(first.events.map((event) => event.sequence)).toEqual(Array(3).fill(undefined));
      await world.record(2, { target: 'later' });
      await world.seal();
      const second = await listAudit(world.sql, { limit: 3, cursor: first.next });
      expect(second.events.map((event) => event.sequence)).toEqual([4, 3, 2]);
      const third = await listAudit(world.sql, { limit: 3, cursor: second.next });
      expect(third.events.map((event) => event.sequence)).toEqual([1]);
      expect(third.next).toBeUndefined();
    });

    test('by each filter and by several', async () => {
      const bob = { ...ALICE, name: 'bob', principal: 'user:2', address: '192.0.2.2' };
      const eve = { ...ALICE, requestId: 'r2' };
      await world.commands.run('recordActs', [
        { actor: ALICE, action: 'token.create', target: 'team/app:v1' },
        { actor: bob, action: 'token.revoke', target: 'team/application' },
        { actor: bob, action: 'tokenless', target: 'TEAM/app', outcome: 'refused' },
        { actor: eve, action: 'token_create', target: '%', outcome: 'failed' },
      ]);
      const found = async (filter: AuditFilter) =>
        (await pagesOf(world, filter, 2)).map((event) => event.id).sort();
      const all = (await found({})) as [number, number, number, number];
      const [a, b, c, d] = all;
      expect(await found({ actor: 'bob' })).toEqual([b, c]);
      expect(await found({ principal: 'user:1' })).toEqual([a, d]);
      expect(await found({ action: 'token.create' })).toEqual([a]);
      expect(await found({ action: 'token.*' })).toEqual([a, b]);
      expect(await found({ action: '*' })).toEqual(all);
      expect(await found({ target: 'team/app' })).toEqual([a, b]);
      expect(await found({ target: '%' })).toEqual([d]);
      expect(await found({ outcome: 'refused' })).toEqual([c]);
      expect(await found({ address: '192.0.2.2' })).toEqual([b, c]);
      expect(await found({ requestId: 'r2' })).toEqual([d]);
      expect(await found({ actor: 'bob', action: 'token.*' })).toEqual([b]);
      expect(await found({ actor: `' or 1=1 --` })).toEqual([]);
    });

    test('by time, from included and until not', async () => {
      for (const at of [1_000, 2_000, 3_000]) {
        await world.record(2);
        await world.commands.run('setTime', { at });
        await world.seal();
      }
      const times = async (filter: AuditFilter) =>
        (await pagesOf(world, filter, 1)).map((event) => event.at);
      expect(await times({ from: 2_000 })).toEqual([3_000, 3_000, 2_000, 2_000]);
      expect(await times({ until: 2_000 })).toEqual([1_000, 1_000]);
      expect(await times({ from: 2_000, until: 3_000 })).toEqual([2_000, 2_000]);
      const oldest: number[] = [];
      for await (const event of everyEvent(world.sql, { from: 2_000, until: 9_000 })) {
        oldest.push(event.at);
      }
      expect(oldest).toEqual([2_000, 2_000, 3_000, 3_000]);
    });

    test('looks at a bounded number of rows, and goes on where it stopped', async () => {
      await world.record(1, { target: 'needle' });
      for (let part = 0; part < 6; part += 1) await world.record(1_000);
      const filter = { target: 'needle' };
      const first = await listAudit(world.sql, { filter });
      expect(first.events).toEqual([]);
      const second = await listAudit(world.sql, { filter, cursor: first.next });
      expect(world.targets(second.events)).toEqual(['needle']);
      expect(second.next).toBeUndefined();
      let count = 0;
      for await (const _ of everyEvent(world.sql, { until: Date.now() + 60_000 })) count += 1;
      expect(count).toBe(6_001);
    }, 30_000);

    test('refuses what is no cursor', async () => {
      for (const cursor of ['', 'x', 's3', 't1', `t1.2'`, 't1.99999999999999999999']) {
        const asked = listAudit(world.sql, { cursor });
        await expect(asked).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
      }
    });
  });
}

function following(world: World): void {
  describe('following', () => {
    test('gives each sealed event once, in the order of the chain', async () => {
      await world.sealed(3);
      const start = await followAudit(world.sql);
      expect(start).toEqual({ events: [], next: 's3', isAtEnd: true });
      await world.record(5);
      expect((await followAudit(world.sql, { cursor: start.next })).events).toEqual([]);
      await world.seal();
      const seen: (number | undefined)[] = [];
      let cursor = start.next;
      for (let isAtEnd = false; !isAtEnd; ) {
        const page = await followAudit(world.sql, { cursor, limit: 2 });
        seen.push(...page.events.map((event) => event.sequence));
        cursor = page.next;
        isAtEnd = page.isAtEnd;
      }
      expect(seen).toEqual([4, 5, 6, 7, 8]);
    });

    test('with a filter goes past what does not fit', async () => {
      await world.sealed(5);
      const page = await followAudit(world.sql, { cursor: 's0', filter: { target: 'target 4' } });
      expect(world.targets(page.events)).toEqual(['target 4']);
      expect(page).toMatchObject({ next: 's5', isAtEnd: true });
    });

    test('goes on after what was pruned, and refuses a place that is not there', async () => {
      await world.sealed(5);
      await world.commands.run('pruneAudit', { before: Date.now() + 60_000, limit: 3 });
      const page = await followAudit(world.sql, { cursor: 's1' });
      expect(page.events.map((event) => event.sequence)).toEqual([4, 5]);
      for (const cursor of ['s6', 't1.1', 's-1', 'nothing']) {
        const asked = followAudit(world.sql, { cursor });
        await expect(asked).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
      }
    });
  });
}
