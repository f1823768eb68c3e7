// How long what was read is remembered: driven by a clock, changes, other nodes, and a database that is away.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { EndedError, type Identity, Standings } from './standing.ts';
import { AccessDatabase } from './suite-database.ts';
import { BY_PASSWORD, insertUser, START } from './suite-people.ts';

const AWAY_MS = 60_000;
/** As standing.ts has it: less than the second within which a change must be seen everywhere. */
const FRESH_MS = 400;

let database: AccessDatabase;
let now: number;
let forgotten: number;

function node(): Standings {
  return new Standings({
    sql: database,
    now: () => now,
    awayMs: AWAY_MS,
    forget: () => {
      forgotten += 1;
    },
  });
}

/** What a request does. */
async function ask(standings: Standings, identity: Identity = BY_PASSWORD) {
  if (standings.isStale()) await standings.refresh();
  return standings.known(identity) ?? (await standings.read(identity));
}

const DISABLE = "update users set state = 'disabled'";

beforeEach(async () => {
  now = START;
  forgotten = 0;
  database = await AccessDatabase.open();
  insertUser(database);
});

afterEach(() => database.close());

describe('asks for the revision', () => {
  test('at first, and then not again for a moment, whoever asks', async () => {
    const standings = node();
    expect(standings.isStale()).toBe(true);
    await ask(standings);
    database.ran = [];
    now += FRESH_MS - 1;
    await ask(standings);
    expect(database.ran).toEqual([]);
    now += 1;
    await ask(standings);
    expect(database.ran).toHaveLength(1);
  });

  test('once for all who come at the same time', async () => {
    const standings = node();
    await Promise.all([1, 2, 3, 4, 5].map(() => standings.refresh()));
    expect(database.ran).toHaveLength(1);
  });

  test('at once when the clock was set back', async () => {
    const standings = node();
    await ask(standings);
    database.change(DISABLE);
    now -= 3_600_000;
    await expect(ask(standings)).rejects.toBeInstanceOf(EndedError);
  });

  test('again when the answer that others wait for was asked for long ago', async () => {
    const standings = node();
    await ask(standings);
    now += FRESH_MS;
    const held = holdAnswers(database, 'access_state');
    const slow = ask(standings);
    await held.reached;
    database.change(DISABLE);
    now += 5_000;
    const later = ask(standings);
    held.release();
    // The first one began before the change, and the one who comes five seconds after it must see it.
    await slow;
    await expect(later).rejects.toBeInstanceOf(EndedError);
  });
});

describe('a change', () => {
  test('made here is seen by the next request', async () => {
    const standings = node();
    await ask(standings);
    database.change(DISABLE);
    standings.changed();
    await expect(ask(standings)).rejects.toBeInstanceOf(EndedError);
  });

  test('made here while a comparison was running is seen by the next request', async () => {
    const standings = node();
    await ask(standings);
    now += FRESH_MS;
    const held = holdAnswers(database, 'access_state');
    const before = ask(standings);
    await held.reached;
    database.change(DISABLE);
    standings.changed();
    const after = ask(standings);
    held.release();
    await before;
    await expect(after).rejects.toBeInstanceOf(EndedError);
  });

  test('made on another node is seen within a second', async () => {
    const standings = node();
    await ask(standings);
    database.change(DISABLE);
    expect((await ask(standings)).principal.name).toBe('alice');
    now += FRESH_MS;
    await expect(ask(standings)).rejects.toBeInstanceOf(EndedError);
  });

  test('without a revision is not looked for', async () => {
    const standings = node();
    await ask(standings);
    database.write("update users set name = 'carol'");
    now += FRESH_MS;
    expect((await ask(standings)).principal.name).toBe('alice');
    expect(forgotten).toBe(1);
  });

  test('is told to those who remember other things', async () => {
    const standings = node();
    await ask(standings);
    expect(forgotten).toBe(1);
    database.change('update users set epoch = 1');
    now += FRESH_MS;
    await ask(standings);
    expect(forgotten).toBe(2);
  });
});

describe('while the database is away', () => {
  test('what was compared counts for as long as was set, and not longer', async () => {
    const standings = node();
    const standing = await ask(standings);
    database.isAway = true;
    for (const elapsed of [FRESH_MS, AWAY_MS / 2, AWAY_MS - 1, AWAY_MS]) {
      now = START + elapsed;
      expect(await ask(standings)).toBe(standing);
    }
    now = START + AWAY_MS + 1;
    await expect(ask(standings)).rejects.toThrow('the database is away');
    // Nor a moment later: that it was tried in vain gives no new time.
    now += 1;
    await expect(ask(standings)).rejects.toThrow('the database is away');
  });

  test('it is not asked for each request', async () => {
    const standings = node();
    await ask(standings);
    database.isAway = true;
    now += FRESH_MS;
    database.ran = [];
    await ask(standings);
    now += FRESH_MS - 1;
    await ask(standings);
    expect(database.ran).toHaveLength(1);
  });

  test('who is not known is not let in', async () => {
    const standings = node();
    await standings.refresh();
    database.isAway = true;
    await expect(ask(standings)).rejects.toThrow('the database is away');
  });

  test('a node that has just started lets nobody in', async () => {
    database.isAway = true;
    await expect(node().refresh()).rejects.toThrow('the database is away');
  });

  test('what expires meanwhile does not count', async () => {
    const hash = new Uint8Array([9]);
    const owner = { owner_kind: 'user', owner_id: 12 };
    const id = database.insert('access_tokens', { ...owner, hash, expires_at: START + 10_000 });
    const credential = { kind: 'access-token', id } as const;
    const standings = node();
    await ask(standings, { ...BY_PASSWORD, credential });
    database.isAway = true;
    now += 10_000;
    await expect(ask(standings, { ...BY_PASSWORD, credential })).rejects.toThrow();
  });

  test('a change that was made meanwhile is seen as soon as it is back', async () => {
    const standings = node();
    await ask(standings);
    database.isAway = true;
    database.change(DISABLE);
    now += FRESH_MS;
    await ask(standings);
    database.isAway = false;
    now += FRESH_MS;
    await expect(ask(standings)).rejects.toBeInstanceOf(EndedError);
  });
});

/** Holds back answers of statements on a table: read before, told after. */
function holdAnswers(from: AccessDatabase, table: string) {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  from.beforeAnswer = (text) => {
    if (!text.includes(`"${table}"`)) return Promise.resolve();
    from.beforeAnswer = () => Promise.resolve();
    reached.resolve();
    return released.promise;
  };
  return { reached: reached.promise, release: () => released.resolve() };
}
