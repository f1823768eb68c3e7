// Somebody can always administer the registry: what would take away the last active administrator is
// refused, whichever way it goes.
import type { Transaction } from '../../metadata/sql.ts';
import { hasAdministrator, type User } from '../../metadata/users.ts';
import { conflict } from './names.ts';

/** Call with `lockAccess` held, before `user` is disabled, deleted or loses the role. @throws CONFLICT */
export async function keepAnAdministrator(tx: Transaction, user: User): Promise<void> {
  if (await hasAdministrator(tx, { but: user.id })) return;
  if (!(await hasAdministrator(tx, { but: 0 }))) return;
  throw conflict(
    `${user.name} is the last active administrator. Make somebody else administrator first.`,
  );
}
