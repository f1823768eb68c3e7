// What each kind of caller gets of organisations, robots, grants, settings and records.
import type { World } from './api-world.ts';
import {
  administrator,
  atAcme,
  atApp,
  EVERYBODY,
  managers,
  members,
  owners,
  type RightsRow,
  row,
  SIGNED_IN,
} from './rights-row.ts';

const ACME = '/organisations/acme';
const team = (suffix = '') => {
  return async (world: World) => ({ path: `${ACME}/teams/${await world.newTeam()}${suffix}` });
};
const named = (kind: string) => (world: World) => ({ body: { name: world.name(kind) } });

const ORGANISATIONS: RightsRow[] = [
  row('GET /organisations', '401 200 200 403 403 403 200 200'),
  row('POST /organisations', administrator(201), (world) => ({
    body: { name: world.name('org'), owner: 'alice' },
  })),
  row('GET /organisations/{organisation}', members, () => ({ path: ACME })),
  row('PATCH /organisations/{organisation}', owners(200), () => ({
    path: ACME,
    body: { displayName: 'Acme' },
  })),
  row('DELETE /organisations/{organisation}', administrator(204), async (world) => ({
    path: `/organisations/${await world.newOrganisation()}`,
  })),
  row('GET /organisations/{organisation}/members', members, () => ({ path: `${ACME}/members` })),
  row('PUT /organisations/{organisation}/members/{user}', owners(204), async (world) => ({
    path: `${ACME}/members/${await world.newUser()}`,
    body: {},
  })),
  row('DELETE /organisations/{organisation}/members/{user}', owners(204), async (world) => ({
    path: `${ACME}/members/${await world.newMember()}`,
  })),
  row('GET /organisations/{organisation}/teams', members, () => ({ path: `${ACME}/teams` })),
  row('POST /organisations/{organisation}/teams', owners(201), (world) => ({
    path: `${ACME}/teams`,
    ...named('team')(world),
  })),
  row('PATCH /organisations/{organisation}/teams/{team}', owners(200), async (world) => ({
    ...(await team()(world)),
    ...named('team')(world),
  })),
  row('DELETE /organisations/{organisation}/teams/{team}', owners(204), team()),
  row('GET /organisations/{organisation}/teams/{team}/members', members, team('/members')),
  row(
    'PUT /organisations/{organisation}/teams/{team}/members/{user}',
    owners(204),
    async (world) => ({
      path: `${(await team('/members')(world)).path}/${await world.newMember()}`,
    }),
  ),
  row(
    'DELETE /organisations/{organisation}/teams/{team}/members/{user}',
    owners(204),
    async (world) => {
      const path = `${(await team('/members')(world)).path}/${await world.newMember()}`;
      await world.admin('PUT', path);
      return { path };
    },
  ),
];

const robot = (suffix = '') => {
  return async (world: World) => ({ path: `/robots/${await world.newRobot()}${suffix}` });
};

const MACHINES: RightsRow[] = [
  row('GET /robots', atAcme(200), () => ({ path: '/robots?path=acme' })),
  row('GET /robots', administrator(200)),
  row('POST /robots', atAcme(201), (world) => ({
    body: { path: 'acme', name: world.name('robot') },
  })),
  row('GET /robots/{id}', managers(200), robot()),
  row('PATCH /robots/{id}', managers(200), async (world) => ({
    ...(await robot()(world)),
    body: {},
  })),
  row('DELETE /robots/{id}', managers(204), robot()),
  row('POST /robots/{id}/disable', managers(204), robot('/disable')),
  row('POST /robots/{id}/enable', managers(204), robot('/enable')),
  row('GET /trust-policies', atAcme(200), () => ({ path: '/trust-policies?path=acme' })),
  row('POST /trust-policies', atAcme(201), (world) => ({
    body: { path: 'acme', name: world.name('policy'), ...world.policy() },
  })),
  row('POST /trust-policies', administrator(201), (world) => ({
    body: { path: '', name: world.name('policy'), ...world.policy() },
  })),
  ...['GET', 'PUT', 'DELETE'].map((method) =>
    row(
      `${method} /trust-policies/{id}`,
      managers(method === 'DELETE' ? 204 : 200),
      async (world) => ({
        path: `/trust-policies/${await world.newPolicy()}`,
        ...(method === 'PUT' && { body: world.policy() }),
      }),
    ),
  ),
  ...['disable', 'enable'].map((verb) =>
    row(`POST /trust-policies/{id}/${verb}`, managers(204), async (world) => ({
      path: `/trust-policies/${await world.newPolicy()}/${verb}`,
    })),
  ),
];

const grantTo = (name: string, rest: object) => ({
  body: { subject: { kind: 'user', name }, ...rest },
});

const RIGHTS: RightsRow[] = [
  row('GET /roles', SIGNED_IN),
  row('POST /roles', administrator(201), (world) => ({
    body: { name: world.name('role'), actions: ['pull'] },
  })),
  row('PUT /roles/{name}', administrator(200), async (world) => ({
    path: `/roles/${await world.newRole()}`,
    body: { actions: ['push'] },
  })),
  row('DELETE /roles/{name}', administrator(204), async (world) => ({
    path: `/roles/${await world.newRole()}`,
  })),
  row('GET /grants', atAcme(200), () => ({ path: '/grants?path=acme&below=true' })),
  row('GET /grants', '401 403 403 403 200 200 200 200', () => ({
    path: '/grants?subject=user:alice',
  })),
  row('POST /grants', atApp(201), async (world) =>
    grantTo(await world.newUser(), { path: 'acme/app', role: 'owner' }),
  ),
  // Above what they manage, and what only an administrator gives.
  row('POST /grants', administrator(201), async (world) =>
    grantTo(await world.newUser(), { path: '', role: 'reader' }),
  ),
  row('POST /grants', administrator(201), async (world) =>
    grantTo(await world.newUser(), { path: '', role: 'administrator' }),
  ),
  row('DELETE /grants/{id}', managers(204), async (world) => ({
    path: `/grants/${await world.newGrant()}`,
  })),
  row('GET /explain', SIGNED_IN, () => ({ path: '/explain?action=pull&repository=acme/app' })),
  row('GET /explain', atApp(200), () => ({
    path: '/explain?subject=user:bob&action=pull&repository=acme/app',
  })),
  row('GET /paths', '401 404 200 200 200 200 200 200', () => ({ path: '/paths?path=acme/app' })),
  row('GET /paths/below', atAcme(200), () => ({ path: '/paths/below?path=acme' })),
  row('PATCH /paths', atApp(200), () => ({ path: '/paths?path=acme/app', body: {} })),
  row('GET /repositories', EVERYBODY),
  row('POST /repositories', '401 404 403 201 403 403 201 201', (world) => ({
    body: { name: `acme/app/${world.name('repository')}` },
  })),
  row('GET /declaration', atAcme(200), () => ({ path: '/declaration?path=acme' })),
  row('PUT /declaration', atAcme(200), () => ({
    path: '/declaration?dryRun=true',
    body: { path: 'acme' },
  })),
];

const RECORDS: RightsRow[] = [
  row('GET /audit', administrator(200)),
  row('GET /audit', atAcme(200), () => ({ path: '/audit?path=acme' })),
  row('GET /audit/follow', administrator(200)),
  row('GET /audit/follow', atAcme(200), () => ({ path: '/audit/follow?path=acme' })),
  row('GET /audit/export', administrator(200)),
  row('GET /audit/verify', administrator(200)),
  row('GET /collection', administrator(200)),
  row('GET /collection/runs', administrator(200)),
  row('POST /collection', administrator(204)),
  row('GET /damages', administrator(200)),
  row('GET /scrub', administrator(200)),
  row('POST /scrub', administrator(201)),
  row('GET /signing-keys', administrator(200)),
  row('POST /signing-keys/rotate', administrator(201)),
  row('POST /signing-keys/replace', administrator(201)),
];

export const RIGHTS_OF_PATHS: readonly RightsRow[] = [
  ...ORGANISATIONS,
  ...MACHINES,
  ...RIGHTS,
  ...RECORDS,
];
