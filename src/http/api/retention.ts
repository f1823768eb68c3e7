// Retention: what its rules would do, and runs that do it. The rules themselves are policies.
import { z } from '@hono/zod-openapi';
import { durationMs } from '../../lifecycle/retention/duration.ts';
import { RETENTION_POLICY } from '../../lifecycle/retention/policy-form.ts';
import type { RetentionParameters } from '../../lifecycle/retention/retention-parameters.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PLAN } from './plan-shapes.ts';
import { goOnWithPlan } from './plan-work.ts';
import { needForPlan, showPlan } from './plans.ts';
import { PATH } from './shapes.ts';

const TAG = 'Retention';
const MAY = 'Who manages all that lies at the path.';

/** Each day is a run over all tags. */
const MOST_DAYS = 366;
const DAY_MS = 24 * 60 * 60 * 1000;

async function makePlan(call: ApiCall, path: string, parameters: RetentionParameters) {
  await needForPlan(call, { kind: 'retention', path });
  const wanted = { kind: 'retention' as const, path, actor: call.actor };
  const id = await call.parts.commands.run('createPlan', {
    ...wanted,
    parameters: JSON.stringify(parameters),
  });
  return showPlan(call, await goOnWithPlan(call, id));
}

const preview = endpoint({
  method: 'post',
  path: '/retention/preview',
  tag: TAG,
  summary: 'What retention would do, tag by tag: a plan that can be applied as it was reviewed',
  may: `${MAY} A small plan is ready at once; a larger one is made in the background.`,
  body: z.strictObject({
    path: PATH,
    policy: RETENTION_POLICY.optional().openapi({
      type: 'object',
      description: 'Rules to try, as if they were set on the path. Default: those that hold there.',
    }),
    since: z.string().max(12).optional().openapi({
      description:
        'What would have happened over so long, such as `30d`, had the rules been set then: run once for each day. Such a plan cannot be applied. Of pulls only the last one is known, so that what was pulled since a day counts as pulled on it; leases and rules that protect tags are those of today; images that are gone are left out.',
      example: '30d',
    }),
  }),
  status: 201,
  result: PLAN,
  async handle(call, { body: { path, policy, since } }) {
    return makePlan(call, path, {
      ...(policy !== undefined && { policy }),
      ...(since !== undefined && { since: instantBefore(call.parts.now(), since) }),
    });
  },
});

/** @throws RegistryError REQUEST_INVALID */
function instantBefore(now: number, text: string): number {
  const length = durationMs(text);
  if (length !== undefined && length <= MOST_DAYS * DAY_MS) return now - length;
  throw new RegistryError(
    'REQUEST_INVALID',
    `The body is not valid: since: must be a length of time of at most ${MOST_DAYS} days, such as 30d.`,
    { field: 'since' },
  );
}

const run = endpoint({
  method: 'post',
  path: '/retention/run',
  tag: TAG,
  summary: 'Make a plan by the rules that hold, and apply it as soon as it is made',
  may: MAY,
  body: z.strictObject({ path: PATH }),
  status: 201,
  result: PLAN,
  async handle(call, { body: { path } }) {
    return makePlan(call, path, { applies: { actor: call.actor, isOverriding: false } });
  },
});

export const retentionEndpoints = [preview, run];
