// Whether somebody has a right to all that lies at a path and below it. Rights add up on the way down, so
// one at the path is enough; what is visible to all at the path, and what is in the scopes of a credential,
// need not be so below.
import type { Action } from '../../access/action.ts';
import { isBelowInScope } from '../../access/tokens/narrower-scopes.ts';
import type { ApiCall } from './api-call.ts';

/** @throws as `ApiCall.need` */
export async function needBelow(
  call: ApiCall,
  { action, path }: { action: Action; path: string },
): Promise<void> {
  const question = { action, path, everyTag: true };
  await call.need(question);
  const isInScope = isBelowInScope(call.caller.standing, { action, path });
  if (isInScope && (await call.may({ ...question, everyPath: true }))) return;
  // What is asked of one repository is asked of nothing below it.
  if (path !== '' && (await call.parts.reports.run('isRepositoryAlone', { path }))) return;
  const below = `what lies below ${path || 'the root'}`;
  const why = isInScope
    ? `no grant gives the right to ${action} on all of ${below}`
    : `the scopes of this token do not include ${below}`;
  throw call.refuse({ action, path }, why);
}
