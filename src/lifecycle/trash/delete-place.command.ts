// A repository or namespace goes to the trash: it gets a hidden name, and so is gone on every path at once,
// however much it holds. What hangs on its path, rights, robots and settings, goes with it and holds for
// nobody who takes the name next.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { deleteAliasesTo } from '../../metadata/aliases.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { leaseOnPlace } from '../../metadata/leased-places.ts';
import {
  hiddenPath,
  isAnyRepositoryBelow,
  lockPlace,
  moveName,
  type Place,
  whatLiesAt,
} from '../../metadata/names.ts';
import { announce } from '../../metadata/outbox.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { putInTrash } from '../../metadata/trash.ts';
import { hideTrashItem } from '../../metadata/trash-items.ts';
import { movedContent } from '../../metadata/usage-moves.ts';
import { RegistryError } from '../../oci/errors.ts';
import { countedAt, settleLater, settleLeft } from '../names/move-counters.ts';

export interface DeletePlace {
  readonly kind: 'repository' | 'namespace';
  readonly path: string;
  readonly actor: Actor;
}

export interface DeletedPlace {
  /** Of the item in the trash. */
  readonly trash: number;
  readonly repositories: number;
  readonly tags: number;
  /** What hung on the path and went along. */
  readonly grants: number;
  readonly settings: number;
  readonly policies: number;
  readonly robots: number;
  readonly trustPolicies: number;
}

export function deletePlaceCommands() {
  return { deletePlace: synced(deletePlace) };
}

/** @throws RegistryError NOT_FOUND; DENIED when something in it is leased, naming by whom. */
async function deletePlace(
  tx: Transaction,
  { kind, path, actor }: DeletePlace,
): Promise<DeletedPlace> {
  await lockAccess(tx);
  const place = await placeOf(tx, { kind, path });
  const repositories = await lockPlace(tx, place);
  const own = repositories.find(({ name }) => name === path);
  if (repositories.length === 0 || (kind === 'repository' && own === undefined)) {
    throw new RegistryError('NOT_FOUND', `There is no ${kind} "${path}".`);
  }
  await refuseLeased(tx, place);
  const listed = repositories.filter((one) => one.listed === 1).length;
  const content = await movedContent(tx, { ...place, listed });
  const hanging = place.isWhole ? await whatLiesAt(tx, path) : NOTHING;
  const cause = `delete-${kind}`;
  const trash = await putInTrash(tx, {
    kind,
    path,
    repository: kind === 'repository' ? own?.id : undefined,
    actor,
    cause,
  });
  const to = hiddenPath(trash, path);
  await hideTrashItem(tx, { id: trash, hiddenPath: `~${trash}` });
  await deleteAliasesTo(tx, place);
  await moveName(tx, { from: place, to });
  const left = await settleLeft(tx, { at: countedAt(place), content });
  await settleLater(tx, { key: `trash:${trash}`, usage: { left, came: undefined } });
  await changeAccess(tx);
  const { grants, settings, policies, robots, trustPolicies } = hanging;
  const counts = { grants, settings, policies, robots, trustPolicies };
  const deleted = { trash, repositories: repositories.length, tags: content.tags, ...counts };
  const [first] = repositories;
  if (first !== undefined) {
    const told = { repository: own?.id ?? first.id, actor: actor.name, name: path };
    const all = { kind: 'delete-namespace', repositories: repositories.length } as const;
    const one = { kind: 'delete-repository' } as const;
    await announce(tx, kind === 'repository' ? { ...told, ...one } : { ...told, ...all });
  }
  await recordAct(tx, { actor, action: `${kind}.delete`, target: path, detail: { ...deleted } });
  return deleted;
}

const NOTHING = { grants: 0, settings: 0, policies: 0, robots: 0, trustPolicies: 0 } as const;

/** What hangs on the path of a repository is for those below it as well: while there are some, it stays. */
export async function placeOf(
  tx: Transaction,
  { kind, path }: { kind: 'repository' | 'namespace'; path: string },
): Promise<Place> {
  return { path, isWhole: kind === 'namespace' || !(await isAnyRepositoryBelow(tx, path)) };
}

async function refuseLeased(tx: Transaction, place: Place): Promise<void> {
  const lease = await leaseOnPlace(tx, place);
  if (lease === undefined) return;
  const { name, actor, expiresAt, digest, repository } = lease;
  const until = new Date(expiresAt).toISOString();
  throw new RegistryError(
    'DENIED',
    `${digest} of "${repository}" is in use: the lease "${name}" of ${actor} holds it until ${until}. Wait for its end, or have it ended by ${actor} or by whoever manages the repository: entrepot lease end ${name}`,
    { lease: name, actor, until, repository, digest },
  );
}
