// Requests and changes in every order: reads and answers of the database are put in an order that a seed
// draws, and nobody may ever be answered by what was true before a change that was made before they asked.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { PathFacts, Standing } from './decide.ts';
import { type Identity, Standings } from './standing.ts';
import { AccessDatabase } from './suite-database.ts';
import { BY_PASSWORD, insertUser, START } from './suite-people.ts';

let database: AccessDatabase;
/** Number of the last change; each of the rows below names it as its role. */
let version = 0;

const OPEN_PATHS = ['', 'team', 'team/app'];

beforeAll(async () => {
  database = await AccessDatabase.open();
  insertUser(database);
  for (const path of OPEN_PATHS) {
    database.insert('grants', { subject_kind: 'anyone', path, role: '0' });
  }
  database.insert('grants', { subject_kind: 'user', subject_id: 12, path: 'team', role: '0' });
});

afterAll(() => database.close());

/** All rows at once, as a command does. */
function change(standings: Standings): void {
  version += 1;
  database.change('update grants set role = ?', String(version));
  standings.changed();
}

function oldestOf(roles: readonly string[]): number {
  return Math.min(...roles.filter((role) => role !== 'owner').map(Number));
}

async function lookAtPath(standings: Standings): Promise<PathFacts> {
  if (standings.isStale()) await standings.refresh();
  return standings.knownPath('team/app') ?? (await standings.readPath('team/app'));
}

async function lookAtUser(standings: Standings, who: Identity): Promise<Standing> {
  if (standings.isStale()) await standings.refresh();
  return standings.known(who) ?? (await standings.read(who));
}

const steps = fc.array(fc.constantFrom('path', 'user', 'change'), { minLength: 3, maxLength: 12 });

test('no request is answered by what was true before a change that came before it', async () => {
  let rounds = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), steps, async (order, wanted) => {
      const standings = new Standings({
        sql: database,
        now: () => START,
        awayMs: 0,
        forget: () => {},
      });
      const turn = () => order.schedule(Promise.resolve());
      database.beforeRead = turn;
      database.beforeAnswer = turn;
      const stale: string[] = [];
      const running = wanted.map(async (step) => {
        await turn();
        const known = version;
        if (step === 'change') {
          change(standings);
          return;
        }
        const rights =
          step === 'path'
            ? (await lookAtPath(standings)).forAnyone
            : (await lookAtUser(standings, BY_PASSWORD)).rights;
        if (step === 'path') expect(rights).toHaveLength(OPEN_PATHS.length);
        const seen = oldestOf(rights.map(({ role }) => role));
        if (seen < known) stale.push(`${step}: saw ${seen} after ${known}`);
        rounds += 1;
      });
      await order.waitFor(Promise.all(running));
      expect(stale).toEqual([]);
      // And what is remembered in the end is what is true.
      const last = order.waitFor(
        Promise.all([lookAtPath(standings), lookAtUser(standings, BY_PASSWORD)]),
      );
      const [facts, standing] = await last;
      for (const { role } of [...facts.forAnyone, ...standing.rights.slice(1)]) {
        expect(role).toBe(String(version));
      }
    }),
    { numRuns: 300 },
  );
  expect(rounds).toBeGreaterThan(300);
});

test('what is read above a path before a change is not remembered for what is below it after', async () => {
  const standings = new Standings({ sql: database, now: () => START, awayMs: 0, forget: () => {} });
  database.beforeRead = () => Promise.resolve();
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isHeld = true;
  database.beforeAnswer = (text) => {
    if (!isHeld || !text.includes('"path_settings"')) return Promise.resolve();
    reached.resolve();
    return released.promise;
  };
  await standings.refresh();
  const walk = standings.readPath('team/app');
  await reached.promise;
  change(standings);
  isHeld = false;
  await standings.refresh();
  released.resolve();
  await walk;
  const facts = await lookAtPath(standings);
  expect(facts.forAnyone.map(({ role }) => role)).toEqual(OPEN_PATHS.map(() => String(version)));
});
