// May they? Asked before every use case; the answer says why.
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Principal } from './principal.ts';

export type Action = 'pull' | 'push' | 'delete' | 'list';

export interface Verdict {
  readonly isAllowed: boolean;
  /** Which rule decided, for a person. */
  readonly reason: string;
}

export type Decide = (
  principal: Principal,
  action: Action,
  /** Undefined: the registry as a whole (the catalog). */
  repository: RepositoryName | undefined,
) => Verdict;

const OPEN: Verdict = {
  isAllowed: true,
  reason: 'access control is not there yet: whoever reaches this registry may do everything',
};

/** Allows everything, which is why the server then listens on loopback only. */
export const decide: Decide = () => OPEN;
