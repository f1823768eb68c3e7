// Settings of a path, and repositories that are made by hand.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import type { Visibility } from '../../metadata/access-schema.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  type Creation,
  readPathSetting,
  showRepositories,
  writePathSetting,
} from '../../metadata/path-settings.ts';
import { ensureRepository, listRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { parseRepositoryName } from '../../oci/repository-name.ts';
import { checkPath, conflict, invalid } from './names.ts';

export function pathSettingCommands() {
  return { setPathSetting: synced(setPathSetting), createRepository: synced(createRepository) };
}

interface SettingChange {
  /** A namespace, a repository or '' for the root; it need not exist yet. */
  readonly path: string;
  /** Null: what holds above holds here. Absent: as it is. */
  readonly visibility?: Visibility | null;
  readonly creation?: Creation | null;
  readonly actor: Actor;
}

/** @returns how many repositories show themselves to others than before. */
async function setPathSetting(tx: Transaction, change: SettingChange): Promise<number> {
  const { path, visibility, creation, actor } = change;
  checkPath(path);
  checkValue(visibility, ['private', 'internal', 'public']);
  checkValue(creation, ['push', 'explicit']);
  await lockAccess(tx);
  const before = await readPathSetting(tx, path);
  const after = {
    visibility: visibility === undefined ? before.visibility : (visibility ?? undefined),
    creation: creation === undefined ? before.creation : (creation ?? undefined),
  };
  if (after.visibility === before.visibility && after.creation === before.creation) return 0;
  await writePathSetting(tx, { path, ...after });
  const shown = after.visibility === before.visibility ? 0 : await showRepositories(tx, path);
  await changeAccess(tx);
  await recordAct(tx, {
    actor,
    action: 'setting.change',
    target: path || 'the root',
    detail: { before, after, repositories: shown },
  });
  return shown;
}

function checkValue(value: string | null | undefined, known: readonly string[]): void {
  if (value === null || value === undefined || known.includes(value)) return;
  throw invalid(`"${value}" is none of ${known.join(', ')}.`);
}

/** Where pushing does not make one. @throws RegistryError NAME_INVALID, CONFLICT */
async function createRepository(
  tx: Transaction,
  { name, actor }: { name: string; actor: Actor },
): Promise<void> {
  const repository = parseRepositoryName(name);
  if (!(await listRepository(tx, await ensureRepository(tx, repository)))) {
    throw conflict(`There is a repository "${name}" already.`);
  }
  await recordAct(tx, { actor, action: 'repository.create', target: name });
}
