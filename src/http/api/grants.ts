// Grants: who has which role where.
import { z } from '@hono/zod-openapi';
import { parseCondition } from '../../access/condition-form.ts';
import { findSubject } from '../../access/people/subject.ts';
import {
  type Grant,
  grantsAt,
  grantsOf,
  listGrants,
  readGrant,
  type Subject,
} from '../../metadata/grants.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { CONDITION_SHAPE, FLAG, ID, PATH, TIME, timeOf } from './shapes.ts';

const TAG = 'Grants';

const SUBJECT_KINDS = ['user', 'team', 'robot', 'organisation', 'signed-in', 'anyone'] as const;

const SUBJECT = z
  .strictObject({
    kind: z.enum(SUBJECT_KINDS),
    name: z.string().max(512).default('').openapi({
      description:
        'Of a user or organisation; `acme/core` of a team, `team/backend:ci` of a robot; empty for signed-in and anyone.',
    }),
  })
  .openapi('Subject');

const GRANT = z
  .object({
    id: z.int(),
    subject: SUBJECT,
    path: PATH,
    role: z.string(),
    tags: z
      .array(z.string())
      .readonly()
      .nullable()
      .openapi({ description: 'Patterns; null: all tags.' }),
    condition: CONDITION_SHAPE.nullable(),
    createdBy: z.string(),
    createdAt: TIME,
  })
  .openapi('Grant');

function showGrant(grant: Grant): z.input<typeof GRANT> {
  const { subjectKind: kind, subjectName, tags = null, createdAt } = grant;
  const condition = (grant.condition ?? null) as z.input<typeof GRANT>['condition'];
  const subject = { kind, name: subjectName ?? '' };
  return { ...grant, subject, tags, condition, createdAt: timeOf(createdAt) };
}

const NO_SUBJECT = 'There is nobody of that name to grant anything to.';

/** `at`: the path that it is about. @throws RegistryError NOT_FOUND */
export async function subjectOf(
  { parts }: ApiCall,
  subject: { kind: Subject['kind']; name: string; at?: string },
): Promise<Subject> {
  const found = await findSubject(parts.sql, subject);
  if (found === undefined) throw new RegistryError('NOT_FOUND', NO_SUBJECT);
  return found;
}

/** `user:alice`, `robot:team:ci`, `anyone`. */
export const SUBJECT_TEXT = z
  .string()
  .max(512)
  .transform((text, context): { kind: Subject['kind']; name: string } => {
    const colon = text.indexOf(':');
    const kind = z.enum(SUBJECT_KINDS).safeParse(colon < 0 ? text : text.slice(0, colon));
    if (kind.success) return { kind: kind.data, name: colon < 0 ? '' : text.slice(colon + 1) };
    context.addIssue({ code: 'custom', message: `begin with one of ${SUBJECT_KINDS.join(', ')}` });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: 'user:alice' });

const list = endpoint({
  method: 'get',
  path: '/grants',
  tag: TAG,
  summary: 'Grants on a path, by path; or those of a subject',
  may: 'Who manages the path. Of a subject: an administrator, and everybody their own.',
  query: z.strictObject({
    ...PAGE_QUERY,
    path: PATH.default(''),
    below: FLAG.openapi({ description: 'Those on paths below as well.' }),
    subject: SUBJECT_TEXT.optional(),
  }),
  result: pageSchema('Grants', GRANT),
  async handle(call, { query }) {
    const { path, below, subject } = query;
    if (subject !== undefined) return { items: await ofSubject(call, subject) };
    await (below ? call.needManagerBelow(path) : call.needManager(path));
    const { sql } = call.parts;
    if (!below) return { items: (await grantsAt(sql, path)).map(showGrant) };
    return pageOf(query, {
      key: z.object({ path: z.string(), id: z.int() }),
      read: ({ after, limit }) => listGrants(sql, { path, limit, ...(after && { after }) }),
      keyOf: ({ path: at, id }) => ({ path: at, id }),
      show: showGrant,
    });
  },
});

async function ofSubject(call: ApiCall, subject: { kind: Subject['kind']; name: string }) {
  const { principal } = call.caller.standing;
  const isOwn = subject.kind === principal.kind && subject.name === principal.name;
  if (!isOwn) await call.needAdministrator();
  return (await grantsOf(call.parts.sql, await subjectOf(call, subject))).map(showGrant);
}

const add = endpoint({
  method: 'post',
  path: '/grants',
  tag: TAG,
  summary: 'Grant a role on a path',
  may: 'Who manages the path; the role administrator only an administrator.',
  body: z.strictObject({
    subject: SUBJECT,
    path: PATH,
    role: z.string().max(64),
    tags: z.array(z.string()).optional(),
    condition: CONDITION_SHAPE.optional(),
  }),
  status: 201,
  result: GRANT,
  async handle(call, { body }) {
    const { path, role } = body;
    await call.needManager(path);
    if (role === 'administrator') await call.needAdministrator();
    const subject = await subjectOf(call, { ...body.subject, at: path });
    const { tags = [] } = body;
    const condition = parseCondition(body.condition);
    const grant = { subject, path, role, tags, ...(condition && { condition }) };
    const id = await call.parts.commands.run('addGrant', { ...grant, actor: call.actor });
    return showGrant(await known(call, id));
  },
});

const remove = endpoint({
  method: 'delete',
  path: '/grants/{id}',
  tag: TAG,
  summary: 'Take a grant away',
  may: 'As for making it.',
  params: z.object({ id: ID }),
  async handle(call, { params }) {
    const grant = await known(call, params.id);
    // To others it does not exist, whatever it is on.
    if (!(await call.may({ action: 'manage', path: grant.path }))) throw noGrant();
    if (grant.role === 'administrator') await call.needAdministrator();
    await call.parts.commands.run('removeGrant', { id: params.id, actor: call.actor });
  },
});

async function known({ parts }: ApiCall, id: number): Promise<Grant> {
  const grant = await readGrant(parts.sql, id);
  if (grant === undefined) throw noGrant();
  return grant;
}

function noGrant(): RegistryError {
  return new RegistryError('NOT_FOUND', 'There is no such grant.');
}

export const grantEndpoints = [list, add, remove];
