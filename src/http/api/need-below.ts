// Whether somebody has a right to all that lies at a path and below it. Rights add up on the way down, so
// one at the path is enough; the scopes of a token need not include what lies below.
import type { Action } from '../../access/action.ts';
import { isWithinScopes } from '../../access/tokens/narrower-scopes.ts';
import type { ApiCall } from './api-call.ts';

/** @throws as `ApiCall.need` */
export async function needBelow(
  call: ApiCall,
  { action, path }: { action: Action; path: string },
): Promise<void> {
  await call.need({ action, path, everyTag: true });
  const names = [path === '' ? '**' : `${path}/**`];
  if (isWithinScopes([{ actions: [action], names }], call.caller.standing.scopes)) return;
  // A token for one repository is enough for what is asked of that repository.
  if (path !== '' && (await call.parts.reports.run('isRepositoryAlone', { path }))) return;
  const why = `the scopes of this token do not include what lies below ${path || 'the root'}`;
  throw call.refuse({ action, path }, why);
}
