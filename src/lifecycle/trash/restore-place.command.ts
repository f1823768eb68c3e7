// A repository or namespace comes back from the trash: under its name or another one, with all that it
// held, its rights and settings. Quotas above are asked as for a push.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { hiddenPath, lockPlace, moveName, parentOf, whatLiesAt } from '../../metadata/names.ts';
import { announce } from '../../metadata/outbox.ts';
import { showRepositories } from '../../metadata/path-settings.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { lockTrashItem, moveTrashOf, removeTrashItem } from '../../metadata/trash-items.ts';
import { movedContent } from '../../metadata/usage-moves.ts';
import { ensureScope } from '../../metadata/usage-scopes.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Guards } from '../../registry/guards.ts';
import { checkMovedRoom } from '../names/check-moved-room.ts';
import { checkFreeName, refuseTooLong } from '../names/free-target.ts';
import { countedAt, settleCame, settleLater } from '../names/move-counters.ts';

export interface RestorePlace {
  readonly id: number;
  /** Another name than it had. */
  readonly as?: string | undefined;
  readonly actor: Actor;
}

export interface RestoredPlace {
  readonly path: string;
  readonly repositories: number;
  readonly tags: number;
  readonly warnings: readonly string[];
}

/** @throws RegistryError NOT_FOUND, CONFLICT when the name is taken, DENIED with the numbers of a quota. */
export function restorePlaceCommand(guards: Guards) {
  return synced(async (tx: Transaction, restore: RestorePlace): Promise<RestoredPlace> => {
    const { id, actor } = restore;
    await lockAccess(tx);
    const item = await lockTrashItem(tx, id);
    if (item === undefined || (item.kind !== 'repository' && item.kind !== 'namespace')) {
      throw new RegistryError(
        'NOT_FOUND',
        `There is no repository or namespace ${id} in the trash.`,
      );
    }
    if (item.cause === PURGING) throw goingNow(item.path);
    const { kind } = item;
    const to = restore.as ?? item.path;
    const todo = `Restore it under another name: entrepot trash restore ${id} --as NAME`;
    const { isWhole } = await checkFreeName(tx, { to, kind, todo });
    const from = { path: hiddenPath(id, item.path), isWhole: true };
    if (!isWhole) await refuseToLeave(tx, from.path, to);
    const repositories = await lockPlace(tx, from);
    refuseTooLong(repositories, { from: from.path, to });
    const listed = repositories.filter((one) => one.listed === 2).length;
    const content = await movedContent(tx, { ...from, listed });
    const at = countedAt({ path: to, isWhole });
    if (content.blobs === undefined) await checkMovedRoom(tx, { path: from.path, at });
    await moveName(tx, { from: { ...from, isWhole }, to });
    if (kind === 'namespace' && parentOf(to) === '') {
      await ensureScope(tx, { path: to, state: 'counting' });
    }
    await showRepositories(tx, to);
    await moveTrashOf(tx, to);
    await removeTrashItem(tx, id);
    const came = content.blobs === undefined ? to : undefined;
    await settleLater(tx, { key: `restore:${id}`, usage: { left: [], came } });
    await changeAccess(tx);
    const [first] = repositories;
    if (first !== undefined) {
      const told = { repository: first.id, actor: actor.name, name: to };
      const all = { kind: 'restore-namespace', repositories: repositories.length } as const;
      const one = { kind: 'restore-repository' } as const;
      await announce(tx, kind === 'repository' ? { ...told, ...one } : { ...told, ...all });
    }
    const restored = { path: to, repositories: repositories.length, tags: content.tags };
    const detail = { ...restored, from: item.path, trash: id };
    await recordAct(tx, { actor, action: `${kind}.restore`, target: to, detail });
    const growth = await settleCame(tx, { at, content });
    return { ...restored, warnings: await guards.afterGrowth(tx, growth) };
  });
}

/** The cause of an item whose purge has begun: it does not come back. */
export const PURGING = 'purge';

function goingNow(path: string): RegistryError {
  return new RegistryError(
    'NOT_FOUND',
    `"${path}" is being purged and cannot be restored any more.`,
  );
}

/** What hung on its path would stay in the trash: others took the path for themselves since. */
async function refuseToLeave(tx: Transaction, hidden: string, to: string): Promise<void> {
  const { grants, settings, policies, robots, trustPolicies } = await whatLiesAt(tx, hidden);
  if (grants + settings + policies + robots + trustPolicies === 0) return;
  throw new RegistryError(
    'CONFLICT',
    `Repositories lie below "${to}" by now, for which its rights and settings would hold as well. Restore it under another name.`,
    { path: to },
  );
}
