// What a path shows, read from the root down: from a real database, in as few statements as may be.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Visibility } from '../metadata/access-schema.ts';
import { pathAndAbove } from '../oci/repository-name.ts';
import type { PathFacts } from './decide.ts';
import { Standings } from './standing.ts';
import { arbitraryPath } from './suite-arbitraries.ts';
import { AccessDatabase } from './suite-database.ts';
import { START } from './suite-people.ts';

let database: AccessDatabase;
let standings: Standings;

beforeEach(async () => {
  database = await AccessDatabase.open();
  standings = started();
});

afterEach(() => database.close());

function started(): Standings {
  return new Standings({ sql: database, now: () => START, awayMs: 0, forget: () => {} });
}

function set(path: string, setting: { visibility?: Visibility; creation?: 'push' | 'explicit' }) {
  database.insert('path_settings', { path, ...setting });
}

function grantTo(kind: 'anyone' | 'signed-in', path: string, role = 'reader') {
  database.insert('grants', { subject_kind: kind, path, role });
}

test('nothing set: private, and pushing makes a repository', async () => {
  expect(await standings.readPath('team/app')).toEqual({
    visibility: 'private',
    visibilityFrom: '',
    creation: 'push',
    forAnyone: [],
    forSignedIn: [],
  });
});

test('of each setting the nearest one holds, and it says where it stands', async () => {
  set('', { visibility: 'internal', creation: 'explicit' });
  set('team', { visibility: 'public' });
  set('team/secret', { visibility: 'private', creation: 'push' });
  const at = async (path: string) => {
    const { visibility, visibilityFrom, creation } = await standings.readPath(path);
    return [visibility, visibilityFrom, creation];
  };
  expect(await at('')).toEqual(['internal', '', 'explicit']);
  expect(await at('other')).toEqual(['internal', '', 'explicit']);
  expect(await at('team/app')).toEqual(['public', 'team', 'explicit']);
  expect(await at('team/secret/app')).toEqual(['private', 'team/secret', 'push']);
  expect(await at('team-b')).toEqual(['internal', '', 'explicit']);
  expect(await at('team/secret-b')).toEqual(['public', 'team', 'explicit']);
});

test('grants to anyone and to the signed-in add up along the path', async () => {
  grantTo('anyone', '');
  grantTo('anyone', 'team', 'writer');
  grantTo('signed-in', 'team');
  grantTo('anyone', 'team-b');
  const facts = await standings.readPath('team/app');
  expect(facts.forAnyone.map(({ path, role }) => [path, role])).toEqual([
    ['', 'reader'],
    ['team', 'writer'],
  ]);
  expect(facts.forSignedIn.map(({ path, through }) => [path, through])).toEqual([
    ['team', 'any signed-in user'],
  ]);
});

/** The statements of a first look by a node that remembers nothing. */
async function statementsOf(path: string): Promise<string[]> {
  const fresh = started();
  await fresh.refresh();
  database.ran = [];
  await fresh.readPath(path);
  return [...database.ran];
}

test('no statement is run below a path under which nothing stands', async () => {
  const atRoot = await statementsOf('');
  expect(await statementsOf('a/b/c/d')).toEqual(atRoot);
  set('team/app', { visibility: 'public' });
  const below = await statementsOf('team/app');
  expect(below).toHaveLength(3 * atRoot.length);
  expect(await statementsOf('team/app/a/b/c')).toEqual(below);
  expect(await statementsOf('other/a/b/c')).toHaveLength(2 * atRoot.length);
});

test('what lies where nothing stands is known without having been asked for', async () => {
  set('team', { visibility: 'public' });
  await standings.refresh();
  expect(standings.knownPath('team/one')).toBeUndefined();
  await standings.readPath('team/one');
  database.ran = [];
  expect(standings.knownPath('team/two/deep')?.visibility).toBe('public');
  expect(standings.knownPath('other')).toBeUndefined();
  expect(database.ran).toEqual([]);
});

test('the same statements run for a private repository and for one that is not there', async () => {
  const namespace = database.insert('namespaces', { path: 'team', created_at: 0 });
  database.insert('repositories', {
    namespace_id: namespace,
    name: 'team/private',
    created_at: 0,
    listed: 1,
  });
  grantTo('anyone', 'team/shown');
  set('team/private', { visibility: 'private' });
  const forPrivate = await statementsOf('team/private');
  expect(forPrivate.length).toBeGreaterThan(0);
  expect(await statementsOf('team/absent')).toEqual(forPrivate);
  await standings.refresh();
  const facts = async (path: string) => ({
    ...(await standings.readPath(path)),
    visibilityFrom: '',
  });
  expect(await facts('team/private')).toEqual(await facts('team/absent'));
});

test('settings on any paths show what a plain reading of them says', async () => {
  const visibility = fc.constantFrom<Visibility>('private', 'internal', 'public');
  const settings = fc.dictionary(arbitraryPath, visibility, { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(settings, fc.array(arbitraryPath, { maxLength: 3 }), async (all, paths) => {
      database.write('delete from path_settings');
      for (const [path, one] of Object.entries(all)) set(path, { visibility: one });
      const node = started();
      await node.refresh();
      for (const path of paths) {
        const facts: PathFacts = await node.readPath(path);
        const from = pathAndAbove(path).findLast((above) => Object.hasOwn(all, above));
        expect(facts.visibility).toBe(from === undefined ? 'private' : (all[from] ?? 'private'));
        expect(facts.visibilityFrom).toBe(from ?? '');
        expect(node.knownPath(path)).toEqual(facts);
      }
    }),
    { numRuns: 300 },
  );
});
