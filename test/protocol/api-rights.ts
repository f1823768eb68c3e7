// Each address of the management API, and what each kind of caller gets. The codes are in the order of
// CALLERS: nobody, stranger, member, robot, pull token, manage token, owner, administrator. `403w`: admitted,
// and refused for the wrong code that was sent.
import { PASSWORD, type World } from './api-world.ts';

interface Asked {
  readonly path?: string;
  readonly body?: unknown;
}

export interface RightsRow {
  /** Method and pattern, as in the table of endpoints. */
  readonly endpoint: string;
  /** What is asked anew for each caller; what it is about is made first. */
  readonly ask: (world: World) => Asked | Promise<Asked>;
  readonly codes: string;
}

function row(endpoint: string, codes: string, ask: RightsRow['ask'] = () => ({})): RightsRow {
  return { endpoint, codes, ask };
}

const EVERYBODY = '200 200 200 200 200 200 200 200';
const SIGNED_IN = '401 200 200 200 200 200 200 200';
const administrator = (code: number) => `401 403 403 403 403 403 403 ${code}`;
/** One's own account: with a password or a session, or a token that may manage it. */
const own = (code: number | string) => `401 ${code} ${code} 403 403 403 ${code} ${code}`;
/** What is found by its number: to whoever may not it does not exist. */
const managers = (code: number) => `401 404 404 404 404 ${code} ${code} ${code}`;
/** At acme, which alice's token that pulls may see. */
const atAcme = (code: number) => `401 404 404 404 403 ${code} ${code} ${code}`;
/** At acme/app, which bob and the robot may see too. */
const atApp = (code: number) => `401 404 403 403 403 ${code} ${code} ${code}`;
/** Of the organisation, which bob is a member of. */
const members = '401 404 200 404 404 200 200 200';
const owners = (code: number) => `401 404 403 404 404 ${code} ${code} ${code}`;

const scopes = [{ actions: ['pull'], names: ['acme/app'] }];
const wrongCode = { body: { proof: { code: '000000' } } };
const samePassword = { oldPassword: 'one that nobody has', newPassword: 'one that nobody has' };
const key = { state: 'none', response: {} };

const ACCOUNTS: RightsRow[] = [
  row('GET /whoami', SIGNED_IN),
  row('GET /sign-in', EVERYBODY),
  row('POST /session', '201 201 201 201 201 201 201 201', () => ({
    body: { name: 'carol', password: PASSWORD },
  })),
  // Browsers offer no passkeys at a bare address.
  row('POST /session/passkey/options', '405 405 405 405 405 405 405 405'),
  row('POST /session/passkey', '405 405 405 405 405 405 405 405', () => ({ body: key })),
  row('DELETE /session', '401 204 204 204 204 204 204 204'),
  row('GET /sessions', own(200)),
  row('DELETE /sessions/{id}', own(404), () => ({ path: '/sessions/999999' })),
  row('DELETE /sessions', own(200)),
  row('GET /account', own(200)),
  row('PATCH /account', own(200), () => ({ body: {} })),
  row('POST /account/password', own(400), () => ({ body: samePassword })),
  row('GET /account/refresh-tokens', own(200)),
  row('DELETE /account/refresh-tokens/{id}', own(404), () => ({
    path: '/account/refresh-tokens/999999',
  })),
  row('GET /account/identities', own(200)),
  row('POST /account/identities', own(404), () => ({ body: { provider: 'none' } })),
  row('POST /account/identities/unlink', own(404), () => ({
    body: { provider: 'oidc:none', subject: '1' },
  })),
  row('POST /account/totp/confirm', own(409), () => ({ body: { code: '000000' } })),
  row('POST /account/totp', own(200)),
  row('POST /account/totp/remove', own('403w'), () => wrongCode),
  row('POST /account/recovery-codes', own('403w'), () => wrongCode),
  row('GET /account/passkeys', own(200)),
  row('POST /account/passkeys/options', own(405)),
  // Its state was not made here.
  row('POST /account/passkeys', own(401), () => ({ body: key })),
  row('POST /account/passkeys/proof', own(405)),
  row('POST /account/passkeys/{id}/remove', own('403w'), () => ({
    path: '/account/passkeys/1/remove',
    ...wrongCode,
  })),
];

const TOKENS: RightsRow[] = [
  row('GET /tokens', '401 200 200 404 403 403 200 200'),
  row('GET /tokens', managers(200), ({ robot }) => ({ path: `/tokens?owner=robot:${robot}` })),
  row('GET /tokens', '401 403 403 403 403 403 200 200', () => ({
    path: '/tokens?owner=user:alice',
  })),
  row('POST /tokens', '401 201 201 404 403 403 201 201', () => ({ body: { name: 'own', scopes } })),
  row('POST /tokens', managers(201), ({ robot }) => ({
    body: { owner: `robot:${robot}`, name: 'its', scopes },
  })),
  // Without scopes: none that has scopes makes it.
  row('POST /tokens', '401 404 404 404 404 403 201 201', ({ robot }) => ({
    body: { owner: `robot:${robot}`, name: 'its' },
  })),
  // Nobody acts in the name of somebody else, whatever they may.
  row('POST /tokens', '401 403 403 403 403 403 201 403', () => ({
    body: { owner: 'user:alice', name: 'hers', scopes },
  })),
  row('DELETE /tokens/{id}', managers(204), async (world) => ({
    path: `/tokens/${await world.newToken()}`,
  })),
  row('DELETE /tokens', managers(200), async (world) => ({
    path: `/tokens?owner=robot:${await world.newRobot()}`,
  })),
  row('POST /tokens/{id}/rotate', managers(201), async (world) => ({
    path: `/tokens/${await world.newToken()}/rotate`,
    body: {},
  })),
];

const user = (suffix = '') => {
  return async (world: World) => ({ path: `/users/${await world.newUser()}${suffix}` });
};

const USERS: RightsRow[] = [
  row('GET /users', administrator(200)),
  row('POST /users', administrator(201), (world) => ({ body: { name: world.name('user') } })),
  row('GET /users/{name}', administrator(200), user()),
  row('GET /users/{name}', administrator(404), () => ({ path: '/users/nobody-of-this-name' })),
  row('PATCH /users/{name}', administrator(200), async (world) => ({
    ...(await user()(world)),
    body: {},
  })),
  row('DELETE /users/{name}', administrator(204), user()),
  row('POST /users/{name}/disable', administrator(204), user('/disable')),
  row('POST /users/{name}/enable', administrator(204), user('/enable')),
  row('POST /users/{name}/password', administrator(204), async (world) => ({
    ...(await user('/password')(world)),
    body: { password: null },
  })),
  row('POST /users/{name}/sign-out', administrator(204), user('/sign-out')),
  row('DELETE /users/{name}/second-factor', administrator(204), user('/second-factor')),
  row('GET /invitations', administrator(200)),
  row('POST /invitations', administrator(201), () => ({ body: {} })),
  row('POST /invitations/accept', '404 404 404 404 404 404 404 404', () => ({
    body: { secret: 'none', name: 'dora', password: 'a quiet evening in may' },
  })),
  row('DELETE /invitations/{id}', administrator(204), async (world) => ({
    path: `/invitations/${await world.newInvitation()}`,
  })),
];

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
  row('GET /signing-keys', administrator(200)),
  row('POST /signing-keys/rotate', administrator(201)),
  row('POST /signing-keys/replace', administrator(201)),
];

export const RIGHTS_TABLE: readonly RightsRow[] = [
  ...ACCOUNTS,
  ...TOKENS,
  ...USERS,
  ...ORGANISATIONS,
  ...MACHINES,
  ...RIGHTS,
  ...RECORDS,
];
