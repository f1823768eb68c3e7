// Who may see, restore and purge what lies in the trash: the rights at the path where it lay, or where its
// repository is by now.
import type { Question } from '../../access/decide.ts';
import { type TrashItem, tagsTrashedWith } from '../../metadata/trash-items.ts';
import type { ApiCall } from './api-call.ts';

type Purpose = 'see' | 'restore' | 'purge';

function questionsOf({ kind, path, name, tag }: TrashItem, to: Purpose): Question[] {
  const isPlace = kind === 'repository' || kind === 'namespace';
  const at = isPlace || name === null || name.startsWith('~') ? path : name;
  if (to === 'purge') return [{ action: 'manage', path: at }];
  if (to === 'restore' && isPlace) return [{ action: 'manage', path: at }];
  const which = tag === null ? { everyTag: true } : { tag };
  const seen: Question = { action: 'delete', path: at, ...which };
  if (to === 'see') return [seen];
  return [seen, { action: 'push', path: at, ...(tag !== null && { tag }) }];
}

export async function mayTrash(call: ApiCall, item: TrashItem, to: Purpose): Promise<boolean> {
  for (const question of questionsOf(item, to)) if (!(await call.may(question))) return false;
  return true;
}

/** @throws RegistryError DENIED with the reason. */
export async function needTrash(call: ApiCall, item: TrashItem, to: Purpose): Promise<void> {
  for (const question of questionsOf(item, to)) await call.need(question);
}

/** The tags of a manifest that come back with it; null: all. */
export async function tagsToRestore(
  call: ApiCall,
  { id, kind, digest, repository, name }: TrashItem,
): Promise<readonly string[] | null> {
  if (kind !== 'manifest' || digest === null || repository === null || name === null) return null;
  const tags = await tagsTrashedWith(call.parts.sql, { repository, digest, id });
  const allowed: string[] = [];
  for (const tag of tags) {
    if (await call.may({ action: 'push', path: name, tag })) allowed.push(tag);
  }
  return allowed.length === tags.length ? null : allowed;
}
