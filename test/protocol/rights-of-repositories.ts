// What each kind of caller gets of one repository: acme/app, which bob and the robot may see too.
import type { World } from './api-world.ts';
import { type RightsRow, row } from './rights-row.ts';

const APP = '/repositories/acme%2Fapp';

/** Who may pull there. */
const READERS = '401 404 200 200 200 200 200 200';

/** The repository is there from then on. @returns an address in it. */
const inApp = (suffix: string) => async (world: World) => {
  const path = '/repositories';
  await world.as('administrator', { method: 'POST', path, body: { name: 'acme/app' } });
  return { path: `${APP}${suffix}` };
};

export const RIGHTS_OF_REPOSITORIES: readonly RightsRow[] = [
  row('GET /repositories/{repository}', READERS, inApp('')),
];
