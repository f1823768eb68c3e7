// Tags moved by hand: rolled back to what they were, or pointed at a digest. Each is a move like any other,
// so that it stands in the history and is itself taken back.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { beginRelease, holdManifests } from '../../metadata/liveness.ts';
import { keepRepository, type RepositoryId } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ensureTag, lockTag, type TagCause, type TagState } from '../../metadata/tags.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import { changeTags } from '../../registry/change-tags.ts';
import type { Guards } from '../../registry/guards.ts';
import { findTarget, reviveWhole } from '../plans/targets.ts';
import { findPast, type WayBack } from './find-past.ts';

export function moveTagCommands(guards: Guards) {
  return { rollBackTag: rollBackTagCommand(guards), setTag: setTagCommand(guards) };
}

interface TagKey {
  readonly repository: RepositoryName;
  readonly tag: Tag;
  readonly actor: Actor;
}

export interface Rollback extends TagKey {
  readonly way: WayBack;
  /** What lies in the trash is taken out of it. */
  readonly restores: boolean;
  readonly isOverriding: boolean;
}

/** What a call has done to a tag; the same digest twice: nothing. */
export interface TagMoved {
  readonly from: Digest | undefined;
  readonly to: Digest;
  /** Number of its last move. */
  readonly sequence: number;
  readonly warnings: readonly string[];
}

/** @throws RegistryError NOT_FOUND, CONFLICT when it cannot be, DENIED by a rule. */
function rollBackTagCommand(guards: Guards) {
  return synced(async (tx: Transaction, rollback: Rollback): Promise<TagMoved> => {
    const { way, restores, isOverriding } = rollback;
    const repository = await keep(tx, rollback);
    const state = await lockTag(tx, { repository, name: rollback.tag });
    if (state === undefined) throw neverWas(rollback);
    const past = await findPast(tx, { tag: state, name: rollback.tag, way });
    const tally = new UsageTally();
    const revived = { repository, actor: rollback.actor };
    if (restores) await reviveWhole(tx, { ...revived, digest: past.digest }, tally);
    const move = { key: rollback, repository, state, digest: past.digest, isOverriding, tally };
    const detail = { back: past.sequence };
    return point(tx, guards, { ...move, cause: 'rollback', action: 'tag.rollback', detail });
  });
}

/** @throws RegistryError NOT_FOUND, CONFLICT when it cannot be, DENIED by a rule. */
function setTagCommand(guards: Guards) {
  return synced(async (tx: Transaction, key: TagKey & { digest: Digest }): Promise<TagMoved> => {
    const { digest } = key;
    const repository = await keep(tx, key);
    const state = await ensureTag(tx, { repository, name: key.tag });
    const move = { key, repository, state, digest, isOverriding: false, tally: new UsageTally() };
    return point(tx, guards, { ...move, cause: 'push', action: 'tag.set', detail: {} });
  });
}

interface Pointing {
  readonly key: TagKey;
  readonly repository: RepositoryId;
  readonly state: TagState;
  readonly digest: Digest;
  readonly isOverriding: boolean;
  readonly cause: TagCause;
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly tally: UsageTally;
}

async function point(tx: Transaction, guards: Guards, move: Pointing): Promise<TagMoved> {
  const { key, repository, state, digest, isOverriding, cause, tally } = move;
  const { repository: name, actor, tag } = key;
  const to = await findTarget(tx, { repository, digest });
  if (typeof to === 'string') {
    throw new RegistryError('CONFLICT', `The tag "${tag}" cannot point there: ${to}.`, { digest });
  }
  await beginRelease(tx, repository);
  await holdManifests(tx, { repository, manifests: [to.manifest] }, tally);
  const moves = [{ tag: state, to }];
  const changes = { repository, name, actor, cause, moves, isOverriding, tally };
  const moved = await changeTags(tx, guards, changes);
  if (moved > 0) {
    const detail = { from: state.digest ?? null, to: digest, ...move.detail };
    await recordAct(tx, { actor, action: move.action, target: `${name}:${tag}`, detail });
  }
  const warnings = await guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
  return { from: state.digest, to: digest, sequence: state.sequence + moved, warnings };
}

async function keep(tx: Transaction, { repository: name }: TagKey): Promise<RepositoryId> {
  const repository = await keepRepository(tx, name);
  if (repository !== undefined) return repository;
  throw new RegistryError('NOT_FOUND', `There is no repository "${name}".`);
}

export function neverWas({ repository, tag }: { repository: string; tag: string }): RegistryError {
  return new RegistryError('NOT_FOUND', `"${repository}" never had a tag "${tag}".`);
}
