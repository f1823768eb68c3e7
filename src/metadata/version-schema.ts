// The tables of what stays and what goes, as types; `migrations/0003-versions.ts` makes them. As in
// schema.ts: ids are whole numbers, flags 0 or 1, times milliseconds since 1970, sizes bytes.
import type { Generated } from 'kysely';

export interface VersionSchema {
  usage_scopes: UsageScopeTable;
  scope_blobs: ScopeBlobTable;
  usage_changes: UsageChangeTable;
  usage_history: UsageHistoryTable;
  path_policies: PathPolicyTable;
  leases: LeaseTable;
  lease_items: LeaseItemTable;
  plans: PlanTable;
  plan_items: PlanItemTable;
  trash: TrashTable;
  aliases: AliasTable;
  collection_runs: CollectionRunTable;
  collection_state: CollectionStateTable;
  scrub_state: ScrubStateTable;
  damages: DamageTable;
  orphans: OrphanTable;
  nodes: NodeTable;
}

/** `counting`: a job is still adding up what was there before, in the order of names up to `counted_to`. */
export type ScopeState = 'counting' | 'exact';

/** A path whose use is kept up with each change: top namespaces, and paths with a quota. */
interface UsageScopeTable {
  id: Generated<number>;
  path: string;
  /** Without what still stands in `usage_changes`. Bytes of distinct live blobs, manifests included. */
  bytes: number;
  blobs: number;
  tags: number;
  repositories: number;
  state: ScopeState;
  counted_to: string;
  /** 1: a quota is set there, so that what grows must be looked at. */
  is_limited: Generated<number>;
  /** Rises when the count begins anew: what a job remembers of the one before is of no use then. */
  generation: Generated<number>;
  created_at: number;
}

/** A blob is counted once in a scope, however many repositories of it hold it. */
interface ScopeBlobTable {
  scope_id: number;
  blob_id: number;
}

/** PostgreSQL only: what pushes add, folded into the scope by a job, so that none waits for another. */
interface UsageChangeTable {
  id: Generated<number>;
  scope_id: number;
  bytes: number;
  blobs: number;
  tags: number;
  repositories: number;
}

interface UsageHistoryTable {
  path: string;
  /** Days since 1970. */
  day: number;
  bytes: number;
  /** What it would be without sharing: each image with all its layers. */
  apparent: number;
  blobs: number;
  tags: number;
  repositories: number;
}

/** `quota`: all on the way up hold. The others: the nearest one holds. */
export type PolicyKind = 'immutability' | 'retention' | 'quota' | 'trash';

interface PathPolicyTable {
  path: string;
  kind: PolicyKind;
  /** JSON; its form depends on the kind, see `src/lifecycle/`. */
  document: string;
  updated_at: number;
  updated_by: string;
}

/** What clusters and pipelines say is in use. */
interface LeaseTable {
  id: Generated<number>;
  name: string;
  /** Only that principal, or who manages the path, may change it. */
  principal: string;
  actor: string;
  /** What its holder says of itself. */
  detail: string;
  expires_at: number;
  created_at: number;
}

interface LeaseItemTable {
  lease_id: number;
  repository_id: number;
  /** The blob of a manifest. */
  blob_id: number;
}

/**
 * `retention`: what the rules say goes. `restore`: tags as they were at an instant. `undo`: the way back of
 * another plan.
 */
export type PlanKind = 'retention' | 'restore' | 'undo';
/**
 * `making` → `ready` → `applying` → `applied`; from `ready` also `dropped`. `failed`: could not be made.
 */
export type PlanState = 'making' | 'ready' | 'applying' | 'applied' | 'dropped' | 'failed';

interface PlanTable {
  id: Generated<number>;
  kind: PlanKind;
  path: string;
  state: PlanState;
  /** JSON: what was asked for. */
  parameters: string;
  /** JSON: counts and bytes, of the plan and then of what was done. */
  summary: string;
  undo_of: number | null;
  actor: string;
  principal: string;
  created_at: number;
  applied_at: number | null;
  ended_at: number | null;
  last_error: string | null;
}

/**
 * `move`: the tag goes from `from_digest` to `to_digest`; null = no such tag. `delete`: the manifest
 * `from_digest` goes to the trash; `revive`: it comes back. `keep`: nothing is done, `reason` says why.
 */
export type PlanAction = 'move' | 'delete' | 'revive' | 'keep';
export type PlanItemState = 'planned' | 'done' | 'skipped';

interface PlanItemTable {
  plan_id: number;
  /** Order: by repository, then tags, then manifests. */
  number: number;
  repository_id: number;
  /** Name when the plan was made. */
  repository: string;
  tag: string | null;
  from_digest: string | null;
  to_digest: string | null;
  action: PlanAction;
  /** The rule that decided. */
  reason: string;
  /** What this item alone would free. */
  bytes: number;
  /** Last pull when the plan was made: who was pulled since stays. */
  pulled_at: number | null;
  state: PlanItemState;
  /** Why it was skipped. */
  note: string | null;
}

export type TrashKind = 'tag' | 'manifest' | 'blob' | 'repository' | 'namespace';

interface TrashTable {
  id: Generated<number>;
  kind: TrashKind;
  /** Name of the repository or path of the namespace when it was deleted. */
  path: string;
  /** Of a tag, manifest or blob: where it lies. Of a repository: itself. */
  repository_id: number | null;
  tag: string | null;
  /** The manifest or blob; of a tag: what it pointed at. */
  digest: string | null;
  /** Of a repository or namespace: where it lies until then, such as `~12`. */
  hidden_path: string | null;
  plan_id: number | null;
  deleted_at: number;
  actor: string;
  principal: string;
  cause: string;
}

/** An old name that still answers. */
interface AliasTable {
  path: string;
  target: string;
  until: number;
  actor: string;
  created_at: number;
}

interface CollectionRunTable {
  id: Generated<number>;
  kind: 'collect' | 'retention' | 'scrub';
  started_at: number;
  ended_at: number | null;
  /** JSON: what was looked at, removed, freed. */
  detail: string;
}

/** One row. */
interface CollectionStateTable {
  id: number;
  /** Every node writes down its counts of pulls once more after this time. */
  pulls_wanted_at: number;
}

/** One row. */
interface ScrubStateTable {
  id: number;
  next_blob_id: number;
  pass_started_at: number;
  pass_bytes: number;
  last_pass_ended_at: number | null;
  orphans_looked_at: number | null;
}

/** Stored bytes that are gone or are not what their digest says. */
interface DamageTable {
  blob_id: number;
  kind: 'missing' | 'altered';
  found_at: number;
  storage_key: string | null;
  /** Where the bytes lie now. */
  quarantine: string | null;
  healed_at: number | null;
}

/** Bytes that no row named when they were seen first. */
interface OrphanTable {
  storage_key: string;
  size: number;
  first_seen: number;
}

interface NodeTable {
  instance: string;
  seen_at: number;
  /** When it last wrote down its counts of pulls. */
  flushed_at: number;
}
