// A repository or namespace gets another name, or another place. Names are all that is touched; the old one
// answers for as long as is wanted, and stays reserved so long.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import {
  deleteAlias,
  putAlias,
  readAlias,
  retargetAliases,
  trimAliases,
} from '../../metadata/aliases.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { lockPlace, moveName, parentOf } from '../../metadata/names.ts';
import { findOrganisation } from '../../metadata/organisations.ts';
import { announce } from '../../metadata/outbox.ts';
import { showRepositories } from '../../metadata/path-settings.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { moveTrashOf } from '../../metadata/trash-items.ts';
import { renamePolicyGrants } from '../../metadata/trust-policy-names.ts';
import { movedContent, restartScopesAbove } from '../../metadata/usage-moves.ts';
import { ensureScope } from '../../metadata/usage-scopes.ts';
import { findUser } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { pathAndAbove } from '../../oci/repository-name.ts';
import type { Guards } from '../../registry/guards.ts';
import { placeOf } from '../trash/delete-place.command.ts';
import { checkMovedRoom } from './check-moved-room.ts';
import { checkFreeName, refuseTooLong } from './free-target.ts';
import { countedAt, settleCame, settleLater, settleLeft } from './move-counters.ts';

export interface Rename {
  readonly kind: 'repository' | 'namespace';
  readonly path: string;
  readonly to: string;
  /** For which the old name answers; 0 = not. */
  readonly keepMs: number;
  /** `take`: rights that were granted on the path go along. `leave`: they stay on the old path. */
  readonly grants: 'take' | 'leave';
  readonly actor: Actor;
}

export interface Renamed {
  readonly path: string;
  readonly repositories: number;
  /** Until when the old name answers: milliseconds since 1970; null = not. */
  readonly until: number | null;
  readonly warnings: readonly string[];
}

const HOW_TO_GO_ON = 'Choose another name, or move away what is there.';

/** @throws RegistryError NOT_FOUND, CONFLICT, REQUEST_INVALID, DENIED with the numbers of a quota. */
export function renameCommand(guards: Guards) {
  return synced(async (tx: Transaction, rename: Rename): Promise<Renamed> => {
    const { kind, path, to, actor } = rename;
    await lockAccess(tx);
    refuseInside(path, to);
    const place = await placeOf(tx, { kind, path });
    const repositories = await lockPlace(tx, place);
    const own = repositories.find(({ name }) => name === path);
    if (kind === 'repository' ? own === undefined : repositories.length === 0) {
      throw new RegistryError('NOT_FOUND', `There is no ${kind} "${path}".`);
    }
    refuseTooLong(repositories, { from: path, to });
    await refuseOwned(tx, rename);
    await freeOwnOldName(tx, { path, to });
    const { isWhole } = await checkFreeName(tx, { to, kind, todo: HOW_TO_GO_ON });
    // Between others on either side only the repository itself moves; what is set on paths stays.
    const from = { path, isWhole: place.isWhole && isWhole };
    const listed = repositories.filter((one) => one.listed === 1).length;
    const content = await movedContent(tx, { ...from, listed });
    const [leftAt, cameAt] = [countedAt(from), countedAt({ path: to, isWhole: from.isWhole })];
    if (content.blobs === undefined && leftAt !== cameAt) {
      await checkMovedRoom(tx, { path, at: cameAt });
    }
    await moveName(tx, { from, to, without: rename.grants === 'leave' ? ['grants'] : [] });
    if (from.isWhole) await renamePolicyGrants(tx, { from: path, to });
    if (kind === 'namespace' && parentOf(to) === '') {
      await ensureScope(tx, { path: to, state: 'counting' });
    }
    await showRepositories(tx, to);
    await moveTrashOf(tx, to);
    await retargetAliases(tx, { from, to });
    const until = await keepOldName(tx, rename);
    await changeAccess(tx);
    const told = own ?? repositories[0];
    if (told !== undefined) {
      const event = { repository: told.id, actor: actor.name, from: path, to };
      const all = { kind: 'rename-namespace', repositories: repositories.length } as const;
      const one = { kind: 'rename-repository' } as const;
      await announce(tx, kind === 'repository' ? { ...event, ...one } : { ...event, ...all });
    }
    const renamed = { path: to, repositories: repositories.length, until };
    const detail = { ...renamed, from: path, grants: rename.grants };
    await recordAct(tx, { actor, action: `${kind}.rename`, target: path, detail });
    if (leftAt === cameAt) {
      await restartScopesAbove(tx, leftAt);
      return { ...renamed, warnings: [] };
    }
    const left = await settleLeft(tx, { at: leftAt, content });
    const came = content.blobs === undefined ? to : undefined;
    await settleLater(tx, { key: `rename:${to}`, usage: { left, came } });
    const growth = await settleCame(tx, { at: cameAt, content });
    // What both lie in has not grown.
    const shared = new Set(pathAndAbove(leftAt));
    const scopes = growth.scopes.filter((scope) => !shared.has(scope.path));
    return { ...renamed, warnings: await guards.afterGrowth(tx, { ...growth, scopes }) };
  });
}

/** @throws RegistryError CONFLICT, REQUEST_INVALID */
export function refuseInside(path: string, to: string): void {
  if (to === path) throw new RegistryError('CONFLICT', `"${path}" has that name already.`);
  if (to.startsWith(`${path}/`)) {
    throw new RegistryError('REQUEST_INVALID', `"${path}" cannot be moved into itself ("${to}").`);
  }
}

/** A top namespace is its user's or organisation's by its name. */
async function refuseOwned(tx: Transaction, { kind, path, to }: Rename): Promise<void> {
  if (kind === 'namespace' && !path.includes('/')) {
    const whose = await ownerOf(tx, path);
    if (whose !== undefined) {
      throw new RegistryError(
        'DENIED',
        `"${path}" is the namespace of the ${whose} of that name and stays it. Move what lies below it: entrepot namespace rename ${path}/NAME ${to}/NAME, or entrepot repository rename.`,
      );
    }
  }
}

async function ownerOf(tx: Transaction, name: string): Promise<string | undefined> {
  if ((await findOrganisation(tx, name)) !== undefined) return 'organisation';
  const user = await findUser(tx, name);
  return user === undefined ? undefined : 'user';
}

/** The way back to a name that is still reserved for what is renamed. */
async function freeOwnOldName(
  tx: Transaction,
  { path, to }: { path: string; to: string },
): Promise<void> {
  const alias = await readAlias(tx, to);
  if (alias !== undefined && alias.target === path) await deleteAlias(tx, to);
}

async function keepOldName(tx: Transaction, rename: Rename): Promise<number | null> {
  const { path, to, keepMs, actor } = rename;
  if (keepMs === 0) return null;
  const until = (await tx.now()) + keepMs;
  await putAlias(tx, { path, target: to, until, actor: actor.name });
  return until;
}

export interface EndAlias {
  readonly path: string;
  readonly actor: Actor;
}

export function aliasCommands() {
  return {
    endAlias: synced(async (tx: Transaction, { path, actor }: EndAlias): Promise<void> => {
      await lockAccess(tx);
      if (!(await deleteAlias(tx, path))) {
        throw new RegistryError('NOT_FOUND', `"${path}" is no old name that still answers.`);
      }
      await changeAccess(tx);
      await recordAct(tx, { actor, action: 'alias.end', target: path });
    }),
    trimAliases: synced(async (tx: Transaction, _: null): Promise<void> => {
      if ((await trimAliases(tx, await tx.now())) > 0) await changeAccess(tx);
    }),
  };
}
