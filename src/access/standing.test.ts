// What somebody is entitled to today, and by which ways, read from a real database.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ACTIONS, type Action } from './action.ts';
import { decide, type PathFacts } from './decide.ts';
import { type Identity, Standings } from './standing.ts';
import { AccessDatabase } from './suite-database.ts';
import {
  ALICE,
  BY_PASSWORD,
  byToken,
  insertPolicy,
  insertRobot,
  insertToken,
  insertUser,
  PIPELINE,
  ROBOT,
  START,
} from './suite-people.ts';

let database: AccessDatabase;
let standings: Standings;
let now: number;

beforeEach(async () => {
  now = START;
  database = await AccessDatabase.open();
  standings = new Standings({ sql: database, now: () => now, awayMs: 60_000, forget: () => {} });
});

afterEach(() => database.close());

const CLOSED: PathFacts = {
  visibility: 'private',
  visibilityFrom: '',
  creation: 'push',
  forAnyone: [],
  forSignedIn: [],
};

/** What they may at a path: the actions, in order. */
async function may(identity: Identity, path: string, tag?: string): Promise<Action[]> {
  const standing = await standings.read(identity);
  const circumstances = { address: () => '10.1.2.3', now };
  return ACTIONS.filter((action) => {
    const question = { action, path, ...(tag !== undefined && { tag }) };
    return decide(standing, CLOSED, question, circumstances).isAllowed;
  });
}

const OWNER: Action[] = ['pull', 'push', 'delete', 'manage'];

test('a user owns the namespace of their name, and nothing else', async () => {
  insertUser(database);
  expect(await may(BY_PASSWORD, 'alice/app')).toEqual(OWNER);
  expect(await may(BY_PASSWORD, 'alice-b/app')).toEqual([]);
  expect(await may(BY_PASSWORD, 'team/app')).toEqual([]);
  expect(await may(BY_PASSWORD, '')).toEqual([]);
});

test('an organisation gives its owners its namespace, and its members what it was granted', async () => {
  insertUser(database);
  const acme = database.insert('organisations', { id: 61, name: 'acme' });
  database.insert('organisation_members', { organisation_id: acme, user_id: 12 });
  expect(await may(BY_PASSWORD, 'acme/app')).toEqual([]);
  database.insert('grants', {
    subject_kind: 'organisation',
    subject_id: acme,
    path: 'shared',
    role: 'reader',
  });
  expect(await may(BY_PASSWORD, 'shared/app')).toEqual(['pull']);
  database.write('update organisation_members set is_owner = 1');
  expect(await may(BY_PASSWORD, 'acme/app')).toEqual(OWNER);
  expect(await may(BY_PASSWORD, 'shared/app')).toEqual(['pull']);
});

test('a team gives its members what it was granted, and says so', async () => {
  insertUser(database);
  const acme = database.insert('organisations', { id: 61, name: 'acme' });
  const core = database.insert('teams', { id: 71, organisation_id: acme, name: 'core' });
  const grant = { subject_kind: 'team', subject_id: core, path: 'team/backend', role: 'writer' };
  database.insert('grants', grant);
  expect(await may(BY_PASSWORD, 'team/backend/api')).toEqual([]);
  database.insert('team_members', { team_id: core, user_id: 12 });
  expect(await may(BY_PASSWORD, 'team/backend/api')).toEqual(['pull', 'push']);
  const standing = await standings.read(BY_PASSWORD);
  const question = { action: 'push', path: 'team/backend/api' } as const;
  const circumstances = { address: () => '', now };
  expect(decide(standing, CLOSED, question, circumstances).reason).toBe(
    'writer through team acme/core on team/backend',
  );
});

test('a grant to a number is for its kind only', async () => {
  insertUser(database);
  for (const kind of ['team', 'organisation', 'robot', 'user']) {
    database.insert('grants', {
      subject_kind: kind,
      subject_id: kind === 'user' ? 13 : 12,
      path: 'team',
      role: 'reader',
    });
  }
  expect(await may(BY_PASSWORD, 'team/app')).toEqual([]);
});

test('a custom role allows its actions; one that is gone allows nothing', async () => {
  insertUser(database);
  database.insert('roles', { name: 'cleaner', actions: '["pull","delete"]' });
  const grant = { subject_kind: 'user', subject_id: 12, path: 'team' };
  database.insert('grants', { ...grant, role: 'cleaner' });
  expect(await may(BY_PASSWORD, 'team/app')).toEqual(['pull', 'delete']);
  database.write('delete from roles');
  expect(await may(BY_PASSWORD, 'team/app')).toEqual([]);
});

test('tags and conditions of a grant are those that were stored', async () => {
  insertUser(database);
  const grant = { subject_kind: 'user', subject_id: 12, role: 'writer' };
  database.insert('grants', { ...grant, path: 'team/tags', tags: '["prod-*"]' });
  database.insert('grants', { ...grant, path: 'team/home', condition: '{"networks":["::1"]}' });
  expect(await may(BY_PASSWORD, 'team/tags', 'prod-1')).toEqual(['pull', 'push']);
  expect(await may(BY_PASSWORD, 'team/tags', 'v1')).toEqual([]);
  expect(await may(BY_PASSWORD, 'team/home', 'v1')).toEqual([]);
});

test('a token is limited to its scopes and condition', async () => {
  insertUser(database);
  insertToken(database, {
    owner_kind: 'user',
    owner_id: 12,
    scopes: '[{"actions":["pull","push"],"names":["alice/app"]}]',
  });
  expect(await may(byToken(ALICE), 'alice/app')).toEqual(['pull', 'push']);
  expect(await may(byToken(ALICE), 'alice/web')).toEqual([]);
  database.change('update access_tokens set condition = ?', '{"networks":["192.0.2.0/24"]}');
  expect(await may(byToken(ALICE), 'alice/app')).toEqual([]);
});

test('a robot has its own grants only, and its full name', async () => {
  insertRobot(database);
  insertToken(database, { owner_kind: 'robot', owner_id: 23 });
  const grant = { subject_kind: 'robot', subject_id: 23, path: 'team', role: 'writer' };
  database.insert('grants', grant);
  expect(await may(byToken(ROBOT), 'team/app')).toEqual(['pull', 'push']);
  expect((await standings.read(byToken(ROBOT))).principal.name).toBe('team:deployer');
});

test('a workload has what its policy gives for its claims', async () => {
  insertPolicy(database);
  insertToken(database, { owner_kind: 'workload', owner_id: 34, owner_epoch: 1 });
  expect(await may(byToken(PIPELINE), 'team/app')).toEqual([]);
  database.change('update access_tokens set claims = ?', '{"project":"app"}');
  expect(await may(byToken(PIPELINE), 'team/app')).toEqual(['pull', 'push']);
  expect(await may(byToken(PIPELINE), 'team/web')).toEqual([]);
});

test('nobody in particular has no rights, and needs no statement', async () => {
  const nobody: Identity = {
    principal: { kind: 'anonymous', name: 'anonymous' },
    credential: { kind: 'none' },
    epoch: 0,
  };
  expect(standings.known(nobody)?.rights).toEqual([]);
  expect(database.ran).toEqual([]);
});
