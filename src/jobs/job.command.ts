// The queue's transactions.
import { type Command, relaxed } from '../metadata/command.ts';
import { addJob, endJob, extendLease, leaseJob } from '../metadata/jobs.ts';
import type { Transaction } from '../metadata/sql.ts';

/** Relaxed: a job is work that can be done again; what it changes is synced by its own commands. */
export function jobCommands() {
  return {
    addJob: relaxed((tx: Transaction, job: Parameters<typeof addJob>[1]) => addJob(tx, job)),
    leaseJob: relaxed((tx: Transaction, lease: Parameters<typeof leaseJob>[1]) =>
      leaseJob(tx, lease),
    ),
    extendLease: relaxed((tx: Transaction, lease: Parameters<typeof extendLease>[1]) =>
      extendLease(tx, lease),
    ),
    endJob: relaxed((tx: Transaction, end: Parameters<typeof endJob>[1]) => endJob(tx, end)),
  } satisfies Record<string, Command<never, unknown>>;
}

export type JobCommands = ReturnType<typeof jobCommands>;
