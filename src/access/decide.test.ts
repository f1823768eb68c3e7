// Until access control is there: everything is allowed, and the verdict says why.
import { expect, test } from 'bun:test';
import type { RepositoryName } from '../oci/repository-name.ts';
import { type Action, decide } from './decide.ts';
import { ANONYMOUS } from './principal.ts';

test('allows everything, and says that nothing is guarded yet', () => {
  const actions: Action[] = ['pull', 'push', 'delete', 'list'];
  for (const action of actions) {
    for (const repository of ['team/app' as RepositoryName, undefined]) {
      const verdict = decide(ANONYMOUS, action, repository);
      expect(verdict.isAllowed).toBe(true);
      expect(verdict.reason).toContain('whoever reaches this registry may do everything');
    }
  }
});
