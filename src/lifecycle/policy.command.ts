// The transactions of policies: set and taken away, each on record with what stood there before.
import { checkPath } from '../access/people/names.ts';
import { lockAccess } from '../metadata/access-facts.ts';
import { type Actor, recordAct } from '../metadata/audit.ts';
import { synced } from '../metadata/command.ts';
import { deletePolicy, readPolicy, writePolicy } from '../metadata/policies.ts';
import { anyRepositoryAt } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import { ensureScope, limitScope } from '../metadata/usage-scopes.ts';
import type { PolicyKind } from '../metadata/version-schema.ts';
import { RegistryError } from '../oci/errors.ts';
import { shownPath } from './shown-path.ts';

export function policyCommands() {
  return { setPolicy: synced(setPolicy), removePolicy: synced(removePolicy) };
}

interface PolicyKey {
  /** A namespace, a repository or '' for the root; it need not exist yet. */
  readonly path: string;
  readonly kind: PolicyKind;
  readonly actor: Actor;
}

async function setPolicy(
  tx: Transaction,
  { path, kind, document, actor }: PolicyKey & { document: string },
): Promise<void> {
  checkPath(path);
  // What a quota limits is counted from now on, and no repository is in the making meanwhile.
  if (kind === 'quota') {
    await lockAccess(tx);
    const isUsed = (await anyRepositoryAt(tx, path)) !== undefined;
    await ensureScope(tx, { path, state: isUsed ? 'counting' : 'exact' });
    await limitScope(tx, { path, isLimited: true });
  }
  const before = await readPolicy(tx, { path, kind });
  if (before?.document === document) return;
  await writePolicy(tx, { path, kind, document, by: actor.name });
  await recordAct(tx, {
    actor,
    action: 'policy.set',
    target: `${kind} policy of ${path || 'the root'}`,
    detail: { before: parsed(before?.document), after: parsed(document) },
  });
}

/** @throws RegistryError NOT_FOUND */
async function removePolicy(tx: Transaction, { path, kind, actor }: PolicyKey): Promise<void> {
  const before = await readPolicy(tx, { path, kind });
  if (before === undefined || !(await deletePolicy(tx, { path, kind }))) {
    throw new RegistryError('NOT_FOUND', `There is no ${kind} policy on ${shownPath(path)}.`);
  }
  if (kind === 'quota') await limitScope(tx, { path, isLimited: false });
  await recordAct(tx, {
    actor,
    action: 'policy.remove',
    target: `${kind} policy of ${path || 'the root'}`,
    detail: { before: parsed(before.document) },
  });
}

function parsed(document: string | undefined): unknown {
  return document === undefined ? null : JSON.parse(document);
}
