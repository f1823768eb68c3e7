// Leases in the background: what those that are over still hold is let go.
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import type { Commands } from '../metadata/command.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface LeaseUpkeepParts {
  readonly commands: Commands<LifecycleCommands>;
}

const MINUTE_MS = 60_000;

export function leaseJobs(parts: LeaseUpkeepParts): JobKind[] {
  return [{ kind: 'end-leases', everyMs: MINUTE_MS, run: (context) => endLeases(parts, context) }];
}

async function endLeases({ commands }: LeaseUpkeepParts, context: JobContext): Promise<void> {
  while (await commands.run('releaseEndedLeases', null)) {
    if (context.isStopping()) return;
    await context.extend();
  }
}
