// Trust policies: whose pipelines sign in with their own identity tokens, and what for.
import { z } from '@hono/zod-openapi';
import { parseTrustPolicy } from '../../access/keyless/trust-policy.ts';
import {
  listTrustPolicies,
  readTrustPolicy,
  type StoredTrustPolicy,
} from '../../metadata/trust-policies.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { ID, PATH, TIME, timeOf, timeOrNull } from './shapes.ts';
import { stateChanges } from './state-changes.ts';

const TAG = 'Trust policies';
const MAY = 'Who manages its path; those of the root, administrators.';

const RULES = z.array(z.object({ actions: z.array(z.string()), names: z.array(z.string()) }));
const CONDITIONS = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const POLICY = z
  .object({
    id: z.int(),
    path: PATH,
    name: z.string(),
    issuer: z.string(),
    audience: z.string(),
    conditions: CONDITIONS.openapi({ description: 'Claim to patterns, one of which must fit.' }),
    grants: RULES.openapi({ description: 'Names may have claims in them: `team/{project_path}`.' }),
    lifetimeSeconds: z.int(),
    state: z.enum(['active', 'disabled', 'deleted']),
    createdBy: z.string(),
    createdAt: TIME,
    lastUsedAt: TIME.nullable(),
  })
  .openapi('TrustPolicy');

/** What the rules on them are stands in access/keyless: here only their form. */
const CONTENT = {
  issuer: z.string(),
  audience: z.string(),
  conditions: CONDITIONS,
  grants: RULES,
  lifetimeSeconds: z.int().optional(),
};

const NUMBERED = z.object({ id: ID });

function show({ lifetimeMs, ...policy }: StoredTrustPolicy): z.input<typeof POLICY> {
  return {
    ...policy,
    conditions: JSON.parse(policy.conditions),
    grants: JSON.parse(policy.grants),
    lifetimeSeconds: lifetimeMs / 1000,
    createdAt: timeOf(policy.createdAt),
    lastUsedAt: timeOrNull(policy.lastUsedAt),
  };
}

/** One of the root trusts an issuer for the registry as a whole. */
function needed(path: string) {
  return path === ''
    ? ({ action: 'administer', path } as const)
    : ({ action: 'manage', path } as const);
}

/** To whoever may not change it it does not exist. @throws RegistryError NOT_FOUND */
async function managed(call: ApiCall, id: number): Promise<StoredTrustPolicy> {
  const policy = await readTrustPolicy(call.parts.sql, id);
  const isThere = policy !== undefined && policy.state !== 'deleted';
  if (isThere && (await call.may(needed(policy.path)))) return policy;
  throw new RegistryError('NOT_FOUND', 'There is no such trust policy.');
}

const list = endpoint({
  method: 'get',
  path: '/trust-policies',
  tag: TAG,
  summary: 'Trust policies at a path and below it',
  may: MAY,
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.default('') }),
  result: pageSchema('TrustPolicies', POLICY),
  async handle(call, { query }) {
    const { path } = query;
    await call.need(needed(path));
    await call.needManagerBelow(path);
    return pageOf(query, {
      key: z.object({ path: z.string(), name: z.string() }),
      read: ({ after, limit }) =>
        listTrustPolicies(call.parts.sql, { path, limit, ...(after && { after }) }),
      keyOf: (policy) => ({ path: policy.path, name: policy.name }),
      show,
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/trust-policies',
  tag: TAG,
  summary: 'Trust pipelines of an issuer',
  may: MAY,
  body: z.strictObject({ path: PATH, name: z.string(), ...CONTENT }),
  status: 201,
  result: POLICY,
  async handle(call, { body }) {
    await call.need(needed(body.path));
    const policy = parseTrustPolicy(body, call.parts);
    const id = await call.parts.commands.run('createTrustPolicy', {
      ...policy,
      actor: call.actor,
    });
    return show(await managed(call, id));
  },
});

const get = endpoint({
  method: 'get',
  path: '/trust-policies/{id}',
  tag: TAG,
  summary: 'A trust policy',
  may: MAY,
  params: NUMBERED,
  result: POLICY,
  handle: async (call, { params }) => show(await managed(call, params.id)),
});

const update = endpoint({
  method: 'put',
  path: '/trust-policies/{id}',
  tag: TAG,
  summary: 'Say a trust policy anew; what was issued by it ends',
  may: MAY,
  params: NUMBERED,
  body: z.strictObject(CONTENT),
  result: POLICY,
  async handle(call, { params, body }) {
    const { id, path, name } = await managed(call, params.id);
    const policy = parseTrustPolicy({ ...body, path, name }, call.parts);
    await call.parts.commands.run('updateTrustPolicy', { ...policy, id, actor: call.actor });
    return show(await managed(call, id));
  },
});

export const trustPolicyEndpoints = [
  list,
  create,
  get,
  update,
  ...stateChanges({
    noun: 'TrustPolicy',
    tag: TAG,
    path: '/trust-policies/{id}',
    params: NUMBERED,
    may: MAY,
    summaries: {
      delete: 'Delete a trust policy; what was issued by it ends',
      disable: 'Disable a trust policy',
      enable: 'Enable a trust policy again',
    },
    find: (call, { id }) => managed(call, id),
  }),
];
