// What each kind of caller gets of one repository: acme/app, which bob and the robot may see too.
import { ADMIN, type World } from './api-world.ts';
import { digestOf, OCI_INDEX } from './push.ts';
import { atAcme, type RightsRow, row } from './rights-row.ts';

const APP = '/repositories/acme%2Fapp';

/** Who may pull there. */
const READERS = '401 404 200 200 200 200 200 200';

/** The repository is there from then on. @returns an address in it. */
const inApp = (suffix: string) => async (world: World) => {
  const path = '/repositories';
  await world.as('administrator', { method: 'POST', path, body: { name: 'acme/app' } });
  return { path: `${APP}${suffix}` };
};

const INDEX = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });

/** There is a tag `v1` from then on. @returns an address in the repository. */
const withTag = (suffix: string) => async (world: World) => {
  const headers = { ...ADMIN, 'Content-Type': OCI_INDEX };
  const push = { method: 'PUT', body: INDEX, headers };
  const { status } = await fetch(`${world.url}/v2/acme/app/manifests/v1`, push);
  if (status !== 201) throw new Error(`the push was answered with ${status}`);
  return { path: `${APP}${suffix}` };
};

export const RIGHTS_OF_REPOSITORIES: readonly RightsRow[] = [
  row('GET /repositories/{repository}', READERS, inApp('')),
  row('GET /repositories/{repository}/tags', READERS, withTag('/tags')),
  row('GET /repositories/{repository}/tags/{tag}/history', READERS, withTag('/tags/v1/history')),
  row(
    'GET /repositories/{repository}/manifests/{digest}/tags',
    READERS,
    withTag(`/manifests/${digestOf(INDEX)}/tags`),
  ),
  row(
    'GET /repositories/{repository}/compare',
    READERS,
    withTag(`/compare?from=v1&to=${digestOf(INDEX)}`),
  ),
  row('GET /repositories/{repository}/sizes', READERS, inApp('/sizes')),
  row('GET /repositories/{repository}/tags/{tag}/sizes', READERS, withTag('/tags/v1/sizes')),
  row('GET /sizes', atAcme(200), () => ({ path: '/sizes?path=acme' })),
  row('GET /growth', atAcme(200), () => ({ path: '/growth?path=acme' })),
  row('GET /growth', READERS, async (world) => {
    await inApp('')(world);
    return { path: '/growth?path=acme/app' };
  }),
];
