// What namespaces use: bytes of distinct live blobs, tags, repositories.

/** Zero or more of each; a change may have less than zero. */
export interface Usage {
  readonly bytes: number;
  readonly blobs: number;
  readonly tags: number;
  readonly repositories: number;
}

/** What a transaction has added to a path whose use is counted. */
export interface ScopeGrowth extends Usage {
  readonly scope: number;
  readonly path: string;
}

export interface UsageGrowth {
  /** The repository in which it happened. */
  readonly repository: string;
  /** Only those that grew, the root's first. */
  readonly scopes: readonly ScopeGrowth[];
}
