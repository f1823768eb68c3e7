// What others may forbid inside the transaction of a push or a delete. Declared here, where they are
// asked; implemented above (immutability, quota, trash), joined in `app/compose.ts`.
import type { RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';

export interface TagChange {
  readonly repository: RepositoryId;
  readonly tag: Tag;
  readonly from: Digest | undefined;
  /** Undefined: the tag is deleted. */
  readonly to: Digest | undefined;
}

export interface Guards {
  /** @throws RegistryError DENIED, naming the rule, to undo the whole push or delete. */
  beforeTagChange(tx: Transaction, change: TagChange): Promise<void>;
}

export const NO_GUARDS: Guards = {
  async beforeTagChange() {},
};
