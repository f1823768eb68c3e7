// What each kind of caller gets of policies and leases.
import type { World } from './api-world.ts';
import { atAcme, atApp, type RightsRow, row, SIGNED_IN } from './rights-row.ts';

const POLICIES = {
  immutability: { rules: [{ tags: ['v*'] }] },
  retention: { rules: [{ keep: 'last-pushed', count: 5 }] },
  quota: { tags: { hard: 1_000 } },
  trash: { days: 14 },
};
type Kind = keyof typeof POLICIES;

const set = (kind: Kind, path: string) => () => ({
  path: `/policies/${kind}?path=${path}`,
  body: POLICIES[kind],
});

const taken = (kind: Kind, path: string) => async (world: World) => {
  const at = `/policies/${kind}?path=${path}`;
  await world.admin('PUT', at, POLICIES[kind]);
  return { path: at };
};

/** At the top a quota is an administrator's. */
const TOP = '401 404 404 404 403 403 403';
/** A lease of an administrator on nothing that anybody else manages. */
const OTHERS = '401 404 404 404 404 404 404';

const leased = async (world: World) => {
  const path = `/leases/${world.name('lease')}`;
  await world.admin('PUT', path, { ttlSeconds: 3_600, items: [] });
  return { path };
};

export const RIGHTS_OF_POLICIES: RightsRow[] = [
  row('GET /policies', '401 404 200 200 200 200 200 200', () => ({
    path: '/policies?path=acme/app',
  })),
  row('GET /policies/below', atAcme(200), () => ({ path: '/policies/below?path=acme' })),
  ...(['immutability', 'retention', 'trash'] as const).flatMap((kind) => [
    row(`PUT /policies/${kind}`, atApp(200), set(kind, 'acme/app')),
    row(`DELETE /policies/${kind}`, atApp(204), taken(kind, 'acme/app')),
  ]),
  row('PUT /policies/quota', atAcme(200), set('quota', 'acme/app')),
  row('PUT /policies/quota', `${TOP} 200`, set('quota', 'acme')),
  row('DELETE /policies/quota', atAcme(204), taken('quota', 'acme/app')),
  row('DELETE /policies/quota', `${TOP} 204`, taken('quota', 'acme')),
  row('GET /leases', SIGNED_IN),
  row('GET /leases', atAcme(200), () => ({ path: '/leases?path=acme' })),
  row('PUT /leases/{name}', SIGNED_IN, (world) => ({
    path: `/leases/${world.name('lease')}`,
    body: { ttlSeconds: 3_600, items: [] },
  })),
  row('GET /leases/{name}', `${OTHERS} 200`, leased),
  row('DELETE /leases/{name}', `${OTHERS} 204`, leased),
];
