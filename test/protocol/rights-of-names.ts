// What each kind of caller gets of names and of the trash: at acme, and of what lies below it.
import { ADMIN, type World } from './api-world.ts';
import { OCI_INDEX } from './push.ts';
import { atAcme, managers, type RightsRow, row, SIGNED_IN } from './rights-row.ts';

/** Who may delete there: alice's token that manages may not. */
const DELETERS = '401 404 404 404 403 403 200 200';
/** What is found by its number. */
const DELETERS_OF_ITEM = '401 404 404 404 404 404 200 200';

async function pushed(world: World, name: string): Promise<string> {
  const push = {
    method: 'PUT',
    body: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }),
    headers: { ...ADMIN, 'Content-Type': OCI_INDEX },
  };
  const { status } = await fetch(`${world.url}/v2/${name}/manifests/v1`, push);
  if (status !== 201) throw new Error(`the push was answered with ${status}`);
  return name;
}

const newRepository = (world: World) => pushed(world, `acme/${world.name('names')}`);

const at = (name: string, rest = '') => `/repositories/${encodeURIComponent(name)}${rest}`;

async function newNamespace(world: World): Promise<string> {
  const path = `acme/${world.name('space')}`;
  await pushed(world, `${path}/app`);
  return path;
}

const trashed = (rest: string) => async (world: World) => {
  const { trash } = await world.admin('DELETE', at(await newRepository(world)));
  return { path: `/trash/${String(trash)}${rest}`, body: rest === '/restore' ? {} : undefined };
};

const oldName = async (world: World) => {
  const name = await newRepository(world);
  await world.admin('POST', at(name, '/rename'), { to: `${name}-now` });
  return { path: `/aliases?path=${name}` };
};

export const RIGHTS_OF_NAMES: readonly RightsRow[] = [
  row('DELETE /repositories/{repository}', atAcme(200), async (world) => ({
    path: at(await newRepository(world)),
  })),
  row('POST /repositories/{repository}/rename', atAcme(200), async (world) => {
    const name = await newRepository(world);
    return { path: at(name, '/rename'), body: { to: `${name}-now`, keepOldNameFor: 0 } };
  }),
  row('DELETE /namespaces', atAcme(200), async (world) => ({
    path: `/namespaces?path=${await newNamespace(world)}`,
  })),
  row('POST /namespaces/rename', atAcme(200), async (world) => {
    const path = await newNamespace(world);
    return { body: { path, to: `${path}-now`, keepOldNameFor: 0 } };
  }),
  row('GET /aliases', atAcme(200), () => ({ path: '/aliases?path=acme' })),
  row('DELETE /aliases', managers(204), oldName),
  row('POST /repositories/{repository}/copy', DELETERS, async (world) => {
    const from = await pushed(world, 'acme/app');
    const path = at(`acme/${world.name('copy')}`, '/copy');
    return { path, body: { from, reference: 'v1' } };
  }),
  row('GET /trash', DELETERS, () => ({ path: '/trash?path=acme' })),
  row('GET /trash/{id}', DELETERS_OF_ITEM, trashed('')),
  row('POST /trash/{id}/restore', DELETERS_OF_ITEM, trashed('/restore')),
  row('POST /trash/{id}/purge', DELETERS_OF_ITEM, trashed('/purge')),
  // What one may not is told item by item.
  row('POST /trash/restore', SIGNED_IN, () => ({ body: { ids: [999_999] } })),
  row('POST /trash/purge', SIGNED_IN, () => ({ body: { ids: [999_999] } })),
];
