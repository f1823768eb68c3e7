// What a plan says of a fault in the background, to whoever may see the plan.
import { expect, test } from 'bun:test';
import { PLAN_JOB } from '../lifecycle/plans/plan.command.ts';
import { RegistryError } from '../oci/errors.ts';
import type { JobContext } from './job-kinds.ts';
import { type PlanJobParts, planJobs } from './plan-upkeep.ts';

async function noted(fault: Error): Promise<unknown[]> {
  const ran: unknown[] = [];
  const parts = {
    sql: {
      first: async () => {
        throw fault;
      },
    },
    commands: { run: async (...command: unknown[]) => void ran.push(command) },
    now: () => 0,
  } as unknown as PlanJobParts;
  const context = { isStopping: () => false, extend: async () => {} } as unknown as JobContext;
  const job = planJobs(parts).find(({ kind }) => kind === PLAN_JOB);
  // The worker logs it, and tries again.
  await expect(Promise.resolve(job?.run(context, { plan: 7 }))).rejects.toBe(fault);
  return ran;
}

test('a fault of the registry is not told in its own words', async () => {
  const ran = await noted(new Error('disk I/O error in /data/entrepot.db'));
  expect(ran).toEqual([
    ['notePlanError', { id: 7, error: expect.stringContaining('Its log names the cause') }],
  ]);
  expect(JSON.stringify(ran)).not.toContain('/data');
});

test('a refusal is', async () => {
  const ran = await noted(new RegistryError('CONFLICT', 'That is not possible.'));
  expect(ran).toEqual([['notePlanError', { id: 7, error: 'That is not possible.' }]]);
});
