// kill -9 of the real program in the middle of pushes: nothing that was acknowledged is lost, uploads go
// on where they stood, and nothing is left that nobody needs. By hand: 200 kills, see main.ts.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteReader } from '../../src/metadata/sqlite.ts';
import { Random } from '../simulation/random.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { killAgainAndAgain } from './kills.ts';
import { Ledger } from './ledger.ts';
import { Pusher } from './pusher.ts';
import { ServerProcess } from './server-process.ts';

const KILLS = 20;
const KILLS_ON_POSTGRES = 5;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'entrepot-kills-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test(`${KILLS} kills during pushes lose nothing that was acknowledged`, async () => {
  const data = { directory };
  const result = await killAgainAndAgain({ data, seed: 21, kills: KILLS, pushers: 6 });
  expect(result.acknowledged).toBeGreaterThan(KILLS);
  expect(result.resumed).toBeGreaterThan(0);
  expect(result.leftovers).toEqual([]);
}, 200_000);

test('the collector at work between kills takes nothing that a tag needs', async () => {
  const data = { directory, isCollecting: true };
  const result = await killAgainAndAgain({ data, seed: 23, kills: KILLS, pushers: 6 });
  expect(result.acknowledged).toBeGreaterThan(KILLS);
  const connection = openSqliteReader(join(directory, 'entrepot.db'), Date.now);
  const runs = connection.query('select detail from collection_runs', []) as { detail: string }[];
  connection.close();
  const gone = runs.map(({ detail }) => JSON.parse(detail) as Record<string, number>);
  expect(gone.some(({ releasedManifests = 0 }) => releasedManifests > 0)).toBe(true);
  expect(gone.some(({ blobs = 0 }) => blobs > 0)).toBe(true);
}, 200_000);

const missing = postgresMissing();
const testPostgres = requires('postgres', missing === undefined, missing ?? '');

testPostgres(
  `${KILLS_ON_POSTGRES} kills lose nothing where the database is PostgreSQL`,
  async () => {
    const postgres = await (await startPostgres()).createDatabase();
    const data = { directory, postgres };
    const options = { data, seed: 22, kills: KILLS_ON_POSTGRES, pushers: 6 };
    const result = await killAgainAndAgain(options);
    expect(result.acknowledged).toBeGreaterThan(KILLS_ON_POSTGRES);
    expect(result.leftovers).toEqual([]);
  },
  200_000,
);

test('a blob that is lost would be noticed', async () => {
  const server = await ServerProcess.start({ directory });
  try {
    const ledger = new Ledger();
    const name = 'team/noticed';
    const options = { ledger, url: server.url, name, repositories: [name], moment() {} };
    const pusher = new Pusher({ ...options, random: new Random(4) });
    await pusher.run(() => contentFiles(directory).length > 0);
    await ledger.verify(server.url, true);
    truncateSync(contentFiles(directory)[0] as string, 10);
    await expect(ledger.verify(server.url, true)).rejects.toThrow('was acknowledged with');
  } finally {
    await server.stop();
  }
}, 60_000);

function contentFiles(data: string): string[] {
  return readdirSync(join(data, 'blobs/blobs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
