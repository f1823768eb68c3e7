// Policies that hang on a path and hold below it: immutable tags, retention, quotas, time in the trash.
import { z } from '@hono/zod-openapi';
import { POLICY_FORMS, rightToSet } from '../../lifecycle/policy-kinds.ts';
import {
  type PathPolicy,
  policiesBelow,
  policiesHolding,
  readPolicy,
} from '../../metadata/policies.ts';
import type { PolicyKind } from '../../metadata/version-schema.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { PATH, TIME, timeOf } from './shapes.ts';

const TAG = 'Policies';

export const POLICY_KIND = z.enum(['immutability', 'retention', 'quota', 'trash']);

const POLICY = z
  .object({
    kind: POLICY_KIND,
    path: PATH.openapi({ description: 'Where it is set; empty: the root.' }),
    policy: z.record(z.string(), z.unknown()).openapi({
      description: 'As it was set: the body of `PUT /policies/{kind}`.',
    }),
    updatedAt: TIME,
    updatedBy: z.string(),
  })
  .openapi('Policy');

function show({ document, updatedAt, ...policy }: PathPolicy): z.input<typeof POLICY> {
  return { ...policy, policy: JSON.parse(document), updatedAt: timeOf(updatedAt) };
}

/** Of each kind the nearest; of quotas all, because each one holds. */
function effective(all: readonly PathPolicy[]): PathPolicy[] {
  const nearest = new Map(all.map((policy) => [policy.kind, policy]));
  return all.filter((policy) => policy.kind === 'quota' || nearest.get(policy.kind) === policy);
}

const holding = endpoint({
  method: 'get',
  path: '/policies',
  tag: TAG,
  summary: 'Policies that hold at a path, and where they are set',
  may: 'Who may pull there. Of quotas all that are set on the path and above hold, of other kinds the nearest one.',
  query: z.strictObject({ path: PATH }),
  result: z.object({ path: PATH, items: z.array(POLICY) }).openapi('PoliciesHolding'),
  async handle(call, { query: { path } }) {
    // To others it does not exist.
    if (!(await call.may({ action: 'pull', path }))) await call.needManager(path);
    const all = await policiesHolding(call.parts.sql, path);
    return { path, items: effective(all).map(show) };
  },
});

const below = endpoint({
  method: 'get',
  path: '/policies/below',
  tag: TAG,
  summary: 'Policies set on paths below a path',
  may: 'Who manages the path.',
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.default('') }),
  result: pageSchema('PoliciesBelow', POLICY),
  async handle(call, { query }) {
    const { path } = query;
    await call.needManagerBelow(path);
    return pageOf(query, {
      key: z.object({ path: z.string(), kind: z.string() }),
      read: ({ after = { path, kind: '' }, limit }) =>
        policiesBelow(call.parts.sql, { path, after, limit }),
      keyOf: (policy) => ({ path: policy.path, kind: policy.kind }),
      show,
    });
  },
});

const MAY: Readonly<Record<PolicyKind, string>> = {
  immutability: 'Who manages the path.',
  retention: 'Who manages the path.',
  trash: 'Who manages the path.',
  quota: 'Who manages the path above; of a top namespace and of the root, administrators.',
};

const SUMMARY: Readonly<Record<PolicyKind, { set: string; remove: string }>> = {
  immutability: {
    set: 'Say which tags never move, at a path and below it',
    remove: 'Take away what a path says of immutable tags',
  },
  retention: {
    set: 'Say what stays and what goes, at a path and below it',
    remove: 'Take away what a path says of retention',
  },
  quota: {
    set: 'Limit what a path and all below it use',
    remove: 'Take away the quota of a path',
  },
  trash: {
    set: 'Say how long what was deleted can be restored, at a path and below it',
    remove: 'Take away what a path says of the trash',
  },
};

/** @throws what `need` throws. */
export async function needToSet(
  call: ApiCall,
  key: { kind: PolicyKind; path: string },
): Promise<void> {
  // Who sees nothing there is told so by the path itself, and not by the one above.
  if (!(await call.may({ action: 'pull', path: key.path }))) await call.needManager(key.path);
  await call.need(rightToSet(key));
}

function ofKind(kind: PolicyKind): Endpoint[] {
  const common = { path: `/policies/${kind}`, tag: TAG, may: MAY[kind] };
  const query = z.strictObject({ path: PATH });
  const form: z.ZodObject = POLICY_FORMS[kind];
  return [
    endpoint({
      ...common,
      method: 'put',
      summary: SUMMARY[kind].set,
      query,
      body: form,
      result: POLICY,
      async handle(call, { query: { path }, body }) {
        await needToSet(call, { kind, path });
        const { actor, parts } = call;
        const document = JSON.stringify(body);
        await parts.commands.run('setPolicy', { kind, path, document, actor });
        const stored = await readPolicy(parts.sql, { kind, path });
        // Somebody else took it away at once.
        if (stored === undefined) throw new RegistryError('NOT_FOUND');
        return show(stored);
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      summary: SUMMARY[kind].remove,
      query,
      async handle(call, { query: { path } }) {
        await needToSet(call, { kind, path });
        await call.parts.commands.run('removePolicy', { kind, path, actor: call.actor });
      },
    }),
  ];
}

export const policyEndpoints: readonly Endpoint[] = [
  holding,
  below,
  ...POLICY_KIND.options.flatMap(ofKind),
];
