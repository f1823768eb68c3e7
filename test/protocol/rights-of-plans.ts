// What each kind of caller gets of going back, of plans and of retention: at acme, and at acme/app, which bob
// and the robot may see too.
import { ADMIN, type World } from './api-world.ts';
import { digestOf, OCI_INDEX } from './push.ts';
import { atAcme, type RightsRow, row } from './rights-row.ts';

const INDEX = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
const DIGEST = digestOf(INDEX);
const TAG = '/repositories/acme%2Fapp/tags/v2';

/** Who may push and delete: the robot may only push. */
const movers = (code: number) => `401 404 403 403 403 403 ${code} ${code}`;
/** At acme, which bob and the robot may not see as a whole. */
const readersOfAcme = '401 404 404 404 200 200 200 200';
const moversOfAcme = (code: number) => `401 404 404 404 403 403 ${code} ${code}`;

const withTag = (path: string, body?: unknown) => async (world: World) => {
  const headers = { ...ADMIN, 'Content-Type': OCI_INDEX };
  const push = { method: 'PUT', body: INDEX, headers };
  const { status } = await fetch(`${world.url}/v2/acme/app/manifests/v2`, push);
  if (status !== 201) throw new Error(`the push was answered with ${status}`);
  return { path, body };
};

const time = () => new Date(Date.now() - 1).toISOString();

async function newPlan(world: World): Promise<number> {
  const body = { kind: 'restore', path: 'acme', time: time() };
  return Number((await world.admin('POST', '/plans', body)).id);
}

const withPlan = (suffix: string) => async (world: World) => ({
  path: `/plans/${await newPlan(world)}${suffix}`,
  body: suffix === '' || suffix === '/items' ? undefined : {},
});

export const RIGHTS_OF_PLANS: readonly RightsRow[] = [
  row(
    'POST /repositories/{repository}/tags/{tag}/rollback',
    movers(200),
    withTag(`${TAG}/rollback`, { to: DIGEST }),
  ),
  row('PUT /repositories/{repository}/tags/{tag}', movers(200), withTag(TAG, { digest: DIGEST })),
  row('DELETE /repositories/{repository}/tags/{tag}', movers(204), withTag(TAG)),
  row('GET /repositories/{repository}/tags-at', '401 404 200 200 200 200 200 200', (world) =>
    withTag(`/repositories/acme%2Fapp/tags-at?time=${time()}`)(world),
  ),
  row('GET /tags-at', readersOfAcme, () => ({ path: `/tags-at?path=acme&time=${time()}` })),
  row('POST /plans', moversOfAcme(201), () => ({
    body: { kind: 'restore', path: 'acme', time: time() },
  })),
  row('GET /plans', readersOfAcme, () => ({ path: '/plans?path=acme' })),
  row('GET /plans/{id}', readersOfAcme, withPlan('')),
  row('GET /plans/{id}/items', readersOfAcme, withPlan('/items')),
  row('POST /plans/{id}/apply', moversOfAcme(200), withPlan('/apply')),
  row('POST /plans/{id}/drop', moversOfAcme(200), withPlan('/drop')),
  row('POST /plans/{id}/undo', moversOfAcme(201), async (world) => {
    const id = await newPlan(world);
    await world.admin('POST', `/plans/${id}/apply`, {});
    return { path: `/plans/${id}/undo`, body: {} };
  }),
  row('POST /retention/preview', atAcme(201), () => ({ body: { path: 'acme' } })),
  row('POST /retention/run', atAcme(201), () => ({ body: { path: 'acme' } })),
];
