// A declaration of a path: what is there as one text, and making it so. The changes are commands one after
// the other, each of them on record; what a failure leaves undone is done by applying it again.
import { z } from '@hono/zod-openapi';
import { parseTrustPolicy } from '../../access/keyless/trust-policy.ts';
import {
  type DeclaredChange,
  type DeclaredGrant,
  type DeclaredPolicy,
  type DeclaredSetting,
  differenceOf,
  parseDeclaration,
} from '../../access/people/declaration.ts';
import type { DeclaredPathPolicy } from '../../access/people/declared-policies.ts';
import { readDeclared } from '../../access/people/read-declared.ts';
import { showChange } from '../../access/people/show-declared.ts';
import { findSubject } from '../../access/people/subject.ts';
import type { Subject } from '../../metadata/grants.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { checkPolicyForms } from './declared-policy-forms.ts';
import { endpoint } from './endpoint.ts';
import { SUBJECT_TEXT } from './grants.ts';
import { needToSet, POLICY_KIND } from './policies.ts';
import { CONDITION_SHAPE, FLAG, PATH } from './shapes.ts';

const TAG = 'Declarations';

const DECLARATION = z
  .object({
    path: PATH,
    paths: z.array(
      z.object({
        path: PATH,
        visibility: z.enum(['private', 'internal', 'public']).optional(),
        creation: z.enum(['push', 'explicit']).optional(),
      }),
    ),
    grants: z.array(
      z.object({
        role: z.string(),
        to: z.string().openapi({ example: 'team:acme/core' }),
        on: PATH,
        tags: z.array(z.string()).optional(),
        condition: CONDITION_SHAPE.optional(),
      }),
    ),
    policies: z.array(
      z.object({
        path: PATH,
        kind: POLICY_KIND,
        policy: z
          .record(z.string(), z.unknown())
          .openapi({ description: 'The body of `PUT /policies/{kind}`.' }),
      }),
    ),
    trustPolicies: z.array(
      z.object({
        path: PATH,
        name: z.string(),
        issuer: z.string(),
        audience: z.string(),
        conditions: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
        grants: z.array(z.object({ actions: z.array(z.string()), names: z.array(z.string()) })),
        lifetimeSeconds: z.int(),
        isDisabled: z.boolean().optional(),
      }),
    ),
  })
  .openapi('Declaration');

const get = endpoint({
  method: 'get',
  path: '/declaration',
  tag: TAG,
  summary: 'Grants, settings and policies of a path and all below it, to be kept as a file',
  may: 'Who manages the path; of the root, administrators.',
  query: z.strictObject({ path: PATH.default('') }),
  result: DECLARATION,
  async handle(call, { query }) {
    const { path } = query;
    await needFor(call, path);
    const { paths, grants, policies, trustPolicies } = await readDeclared(call.parts.sql, path);
    return {
      path,
      paths: [...paths],
      grants: grants.map(showGrant),
      policies: [...policies],
      trustPolicies: trustPolicies.map(showPolicy),
    };
  },
});

type Shown = z.input<typeof DECLARATION>;

function showGrant({ role, to, on, tags, condition }: DeclaredGrant): Shown['grants'][number] {
  return {
    role,
    to,
    on,
    ...(tags !== undefined && { tags }),
    // The same, but for what may be written to.
    ...(condition !== undefined && { condition: condition as z.input<typeof CONDITION_SHAPE> }),
  };
}

function showPolicy({
  id: _id,
  isDisabled,
  conditions,
  ...policy
}: DeclaredPolicy & { id: number }) {
  const short = Object.entries(conditions).map(([claim, patterns]) => {
    const [only, ...more] = patterns;
    return [claim, only !== undefined && more.length === 0 ? only : patterns] as const;
  });
  // As most people write them.
  return { ...policy, conditions: Object.fromEntries(short), ...(isDisabled && { isDisabled }) };
}

const CHANGE = z
  .object({
    sign: z.enum(['+', '-', '~']),
    line: z.string().openapi({ example: 'grant writer on team to user:alice' }),
  })
  .openapi('DeclaredChange');

const apply = endpoint({
  method: 'put',
  path: '/declaration',
  tag: TAG,
  summary: 'Make a path be as a declaration says',
  may: 'Who manages the path; of the root, administrators. What is missing is added, what it does not name is taken away. A section that is absent stays as it is. To change a quota, one must manage the path above it.',
  query: z.strictObject({
    dryRun: FLAG.openapi({ description: 'Only tell what would change.' }),
  }),
  body: z
    .record(z.string(), z.unknown())
    .openapi({ type: 'object', description: 'A Declaration, whose sections may be absent.' }),
  result: z
    .object({ changes: z.array(CHANGE), isDryRun: z.boolean() })
    .openapi('DeclarationApplied'),
  async handle(call, { query, body }) {
    const { dryRun: isDryRun } = query;
    const wanted = checkPolicyForms(parseDeclaration(body));
    await needFor(call, wanted.path);
    const changes = differenceOf(await readDeclared(call.parts.sql, wanted.path), wanted);
    await check(call, changes);
    if (!isDryRun) await makeAll(call, changes);
    return { changes: changes.map(showChange), isDryRun };
  },
});

/** At the root it holds trust policies of the whole registry. */
function needFor(call: ApiCall, path: string): Promise<void> {
  return path === '' ? call.needAdministrator() : call.needManager(path);
}

/** Whatever can be known to fail does so before anything is changed. */
async function check(call: ApiCall, changes: readonly DeclaredChange[]): Promise<void> {
  const paths = new Set(changes.map(placeOf));
  // A credential whose scopes include the path of the declaration need not include what lies below.
  for (const path of paths) await needFor(call, path);
  for (const change of changes) {
    if (change.kind === 'add-grant') await subjectOf(call, change.grant);
    if (change.kind === 'add-policy' || change.kind === 'change-policy') {
      policyOf(call, change.policy);
    }
    const policy = pathPolicyOf(change);
    if (policy !== undefined) await needToSet(call, policy);
  }
}

function pathPolicyOf(change: DeclaredChange): DeclaredPathPolicy | undefined {
  if (change.kind === 'set-path-policy') return change.after;
  return change.kind === 'remove-path-policy' ? change.before : undefined;
}

function placeOf(change: DeclaredChange): string {
  if (change.kind === 'remove-path-policy') return change.before.path;
  if ('grant' in change) return change.grant.on;
  return 'policy' in change ? change.policy.path : change.after.path;
}

async function makeAll(call: ApiCall, changes: readonly DeclaredChange[]): Promise<void> {
  for (const [done, change] of changes.entries()) {
    try {
      await make(call, change);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const { line } = showChange(change);
      throw new RegistryError(
        error.code,
        `${done} of ${changes.length} changes were made, then this one was refused: ${line}: ${error.message}`,
        error.detail,
        { cause: error },
      );
    }
  }
}

async function make(call: ApiCall, change: DeclaredChange): Promise<void> {
  const { actor, parts } = call;
  const { commands } = parts;
  switch (change.kind) {
    case 'add-grant':
      return addGrant(call, change.grant);
    case 'remove-grant':
      await commands.run('removeGrant', { id: change.id, actor });
      return;
    case 'set-path':
      return setPath(call, change.after);
    case 'add-policy': {
      const id = await commands.run('createTrustPolicy', {
        ...policyOf(call, change.policy),
        actor,
      });
      if (change.policy.isDisabled) await commands.run('disableTrustPolicy', { id, actor });
      return;
    }
    case 'change-policy': {
      const { id, before, policy } = change;
      await commands.run('updateTrustPolicy', { ...policyOf(call, policy), id, actor });
      if (before.isDisabled === policy.isDisabled) return;
      const command = policy.isDisabled ? 'disableTrustPolicy' : 'enableTrustPolicy';
      await commands.run(command, { id, actor });
      return;
    }
    case 'remove-policy':
      await commands.run('deleteTrustPolicy', { id: change.id, actor });
      return;
    case 'set-path-policy': {
      const { path, kind, policy } = change.after;
      await commands.run('setPolicy', { path, kind, document: JSON.stringify(policy), actor });
      return;
    }
    case 'remove-path-policy': {
      const { path, kind } = change.before;
      await commands.run('removePolicy', { path, kind, actor });
    }
  }
}

async function addGrant(call: ApiCall, grant: DeclaredGrant): Promise<void> {
  const { role, on: path, tags, condition } = grant;
  await call.parts.commands.run('addGrant', {
    subject: await subjectOf(call, grant),
    path,
    role,
    ...(tags !== undefined && { tags }),
    ...(condition !== undefined && { condition }),
    actor: call.actor,
  });
}

/** @throws RegistryError NOT_FOUND that names who is not there. */
async function subjectOf({ parts }: ApiCall, { to, on }: DeclaredGrant): Promise<Subject> {
  const found = await findSubject(parts.sql, { ...SUBJECT_TEXT.parse(to), at: on });
  if (found !== undefined) return found;
  throw new RegistryError('NOT_FOUND', `There is no ${to}: make it first, or take its grants out.`);
}

async function setPath(call: ApiCall, setting: DeclaredSetting): Promise<void> {
  const { path, visibility = null, creation = null } = setting;
  await call.parts.commands.run('setPathSetting', {
    path,
    visibility,
    creation,
    actor: call.actor,
  });
}

/** @throws RegistryError REQUEST_INVALID for what no policy may say. */
function policyOf({ parts }: ApiCall, { isDisabled: _isDisabled, ...policy }: DeclaredPolicy) {
  return parseTrustPolicy(policy, parts);
}

export const declarationEndpoints = [get, apply];
