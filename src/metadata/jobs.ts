// The queue of work without a request: leased, tried again with a growing pause, laid aside when it
// keeps failing. Any node may take any job.
import { sql as raw } from 'kysely';
import { locked } from './fragments.ts';
import type { JobState } from './schema.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface Job {
  readonly id: number;
  readonly kind: string;
  readonly key: string;
  /** JSON. */
  readonly arguments: string;
  readonly attempts: number;
}

const insertJob = statement<{
  kind: string;
  key: string;
  arguments: string;
  runAt: number;
  now: number;
}>()((q, p) =>
  q
    .insertInto('jobs')
    .values({
      kind: p.kind,
      key: p.key,
      arguments: p.arguments,
      state: 'waiting',
      run_at: p.runAt,
      attempts: 0,
      lease_owner: null,
      lease_until: 0,
      last_error: null,
      created_at: p.now,
    })
    .onConflict((c) => c.column('key').doNothing()),
);

const nextDue = statement<{ now: number }>()((q, p, engine) => {
  const due = q
    .selectFrom('jobs')
    .select(['id', 'kind', 'key', 'arguments', 'attempts'])
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`state = 'waiting'`)
    .where('run_at', '<=', p.now)
    .where('lease_until', '<=', p.now)
    .orderBy('run_at')
    .limit(1);
  // Another node's job in the making is passed over, not waited for.
  return engine === 'postgres' ? due.forUpdate().skipLocked() : due;
});

const setLease = statement<{ id: number; owner: string; until: number; attempts: number }>()(
  (q, p) =>
    q
      .updateTable('jobs')
      .set({ lease_owner: p.owner, lease_until: p.until, attempts: p.attempts })
      .where('id', '=', p.id),
);

const extend = statement<{ id: number; owner: string; until: number }>()((q, p) =>
  q
    .updateTable('jobs')
    .set({ lease_until: p.until })
    .where('id', '=', p.id)
    .where('lease_owner', '=', p.owner),
);

const leased = statement<{ id: number; owner: string }>()((q, p, engine) =>
  locked(
    engine,
    q.selectFrom('jobs').select('id').where('id', '=', p.id).where('lease_owner', '=', p.owner),
  ),
);

const removeJob = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('jobs').where('id', '=', p.id),
);

const reschedule = statement<{
  id: number;
  runAt: number;
  attempts: number;
  state: JobState;
  error: string | null;
}>()((q, p) =>
  q
    .updateTable('jobs')
    .set({
      run_at: p.runAt,
      attempts: p.attempts,
      state: p.state,
      last_error: p.error,
      lease_owner: null,
      lease_until: 0,
    })
    .where('id', '=', p.id),
);

const depth = statement()((q) =>
  q
    .selectFrom('jobs')
    .select(['kind', 'state', (e) => e.fn.countAll<number>().as('count')])
    .select(
      raw<number>`max(case when last_error is null then 0 when lease_owner is null then attempts
        else attempts - 1 end)`.as('failures'),
    )
    .groupBy(['kind', 'state']),
);

/** Adds a job unless one of that key is there. */
export async function addJob(
  tx: Transaction,
  job: { kind: string; key: string; arguments: string; runAt: number },
): Promise<void> {
  await tx.run(insertJob, { ...job, now: await tx.now() });
}

/** Takes the job that has been due longest, for `leaseMs`. */
export async function leaseJob(
  tx: Transaction,
  lease: { owner: string; leaseMs: number },
): Promise<Job | undefined> {
  const now = await tx.now();
  const job = await tx.first(nextDue, { now });
  if (job === undefined) return undefined;
  const attempts = job.attempts + 1;
  const until = now + lease.leaseMs;
  await tx.run(setLease, { id: job.id, owner: lease.owner, until, attempts });
  return { ...job, attempts };
}

/** @returns false when the lease is no longer the owner's: stop working on it. */
export async function extendLease(
  tx: Transaction,
  lease: { id: number; owner: string; leaseMs: number },
): Promise<boolean> {
  const until = (await tx.now()) + lease.leaseMs;
  return (await tx.run(extend, { id: lease.id, owner: lease.owner, until })) > 0;
}

export type JobEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly inMs: number }
  | { readonly kind: 'failed'; readonly inMs: number; readonly error: string }
  | { readonly kind: 'dead'; readonly error: string };

/** Ends a lease. Without effect when the lease was lost: its new owner decides. */
export async function endJob(
  tx: Transaction,
  ended: { id: number; owner: string; attempts: number; end: JobEnd },
): Promise<void> {
  const { id, owner, attempts, end } = ended;
  if ((await tx.first(leased, { id, owner })) === undefined) return;
  if (end.kind === 'done') {
    await tx.run(removeJob, { id });
    return;
  }
  const now = await tx.now();
  await tx.run(reschedule, {
    id,
    runAt: end.kind === 'dead' ? now : now + end.inMs,
    // A job that ran well starts counting its failures anew.
    attempts: end.kind === 'again' ? 0 : attempts,
    state: end.kind === 'dead' ? 'dead' : 'waiting',
    error: end.kind === 'again' ? null : end.error,
  });
}

export interface JobCount {
  readonly kind: string;
  readonly state: JobState;
  readonly count: number;
  /** How often one of them has failed in a row, at most. */
  readonly failures: number;
}

export async function countJobs(sql: Sql): Promise<JobCount[]> {
  const rows = await sql.all(depth, {});
  return rows.map((row) => ({
    ...row,
    count: Number(row.count),
    failures: Number(row.failures),
  }));
}
