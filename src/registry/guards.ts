// What others may forbid inside the transaction of a push or a delete. Declared here, where they are
// asked; implemented in `lifecycle/` (immutability, leases, quotas), joined in `app/commands.ts`.
import type { RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import type { TagCause } from '../metadata/tags.ts';
import type { UsageGrowth } from '../metadata/usage.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';

export interface TagChange {
  readonly repository: RepositoryId;
  readonly name: RepositoryName;
  readonly tag: Tag;
  readonly from: Digest | undefined;
  /** Undefined: the tag is deleted. */
  readonly to: Digest | undefined;
  readonly cause: TagCause;
  /** The one who asks may break rules that protect tags, and has said that they want to. */
  readonly isOverriding: boolean;
}

export interface Deletion {
  readonly repository: RepositoryId;
  readonly name: RepositoryName;
  /** A manifest or blob that goes to the trash. */
  readonly digest: Digest;
}

export interface Guards {
  /** @throws RegistryError DENIED, naming the rule, to undo the whole push or delete. */
  beforeTagChange(tx: Transaction, change: TagChange): Promise<void>;
  /** @throws RegistryError DENIED, naming who says that it is in use. */
  beforeDelete(tx: Transaction, deletion: Deletion): Promise<void>;
  /**
   * Told what a change has added to the namespaces that are counted, after it was written.
   * @returns sentences that the client should hear. @throws RegistryError DENIED with the numbers.
   */
  afterGrowth(tx: Transaction, growth: UsageGrowth): Promise<readonly string[]>;
}

export const NO_GUARDS: Guards = {
  async beforeTagChange() {},
  async beforeDelete() {},
  async afterGrowth() {
    return [];
  },
};
