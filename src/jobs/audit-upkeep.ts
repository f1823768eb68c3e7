// The audit log in the background: sealed a second after it was written, pruned when it is old.
import type { AuditCommands } from '../access/audit/audit.command.ts';
import { hasUnsealed } from '../metadata/audit-chain.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface AuditUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<AuditCommands>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that events are kept; 0 = for ever. */
  readonly retentionMs: number;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
/** Events in one transaction: some ten milliseconds of the writer. */
const BATCH = 1_000;

export function auditJobs(parts: AuditUpkeepParts): JobKind[] {
  return [
    {
      kind: 'seal-audit',
      everyMs: SECOND_MS,
      // A lease costs two commits, and an idle registry writes nothing.
      isWanted: () => hasUnsealed(parts.sql),
      run: (context) => sealEvents(parts, context),
    },
    { kind: 'prune-audit', everyMs: HOUR_MS, run: (context) => pruneEvents(parts, context) },
  ];
}

/** Seals all that there is. Two at once would do no harm: they wait for each other at the chain. */
export async function sealEvents(
  { commands }: Pick<AuditUpkeepParts, 'commands'>,
  context: JobContext,
): Promise<void> {
  while ((await commands.run('sealAudit', { limit: BATCH })) === BATCH) {
    if (context.isStopping()) return;
    await context.extend();
  }
}

export async function pruneEvents(
  { commands, now, retentionMs }: Omit<AuditUpkeepParts, 'sql'>,
  context: JobContext,
): Promise<void> {
  if (retentionMs === 0) return;
  const prune = { before: now() - retentionMs, limit: BATCH };
  while ((await commands.run('pruneAudit', prune)) === BATCH) {
    if (context.isStopping()) return;
    await context.extend();
  }
}
