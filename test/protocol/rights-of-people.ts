// What each kind of caller gets of accounts, tokens and people.
import { PASSWORD, type World } from './api-world.ts';
import {
  administrator,
  EVERYBODY,
  managers,
  own,
  type RightsRow,
  row,
  SIGNED_IN,
} from './rights-row.ts';

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

export const RIGHTS_OF_PEOPLE: readonly RightsRow[] = [...ACCOUNTS, ...TOKENS, ...USERS];
