// May somebody do something, and by which rule: the same decision as for their requests, with its reason.
import { z } from '@hono/zod-openapi';
import { decide, type Question, type Standing } from '../../access/decide.ts';
import { NO_CREDENTIAL } from '../../access/principal.ts';
import { NOBODY, rightOf } from '../../access/read-standing.ts';
import { EndedError } from '../../access/standing.ts';
import { type Grant, grantsOf, type Subject } from '../../metadata/grants.ts';
import { readRobot } from '../../metadata/robots.ts';
import { findRole } from '../../metadata/roles.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readUser } from '../../metadata/users.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { SUBJECT_TEXT, subjectOf } from './grants.ts';
import { ACTION } from './shapes.ts';

const VERDICT = z
  .object({
    allowed: z.boolean(),
    reason: z.string(),
    principal: z.string().openapi({ description: 'Who it is about.' }),
  })
  .openapi('Verdict');

export const explain = endpoint({
  method: 'get',
  path: '/explain',
  tag: 'Grants',
  summary: 'May somebody do something, and why',
  may: 'Everybody about themselves; about others, who manages the path; whether they administer, administrators.',
  query: z.strictObject({
    subject: SUBJECT_TEXT.optional().openapi({
      type: 'string',
      description: 'Absent: you, with the credential that you sent.',
      example: 'user:alice',
    }),
    action: ACTION,
    repository: z
      .string()
      .max(255)
      .refine((name) => name === '' || isRepositoryName(name), { error: 'is not a name' })
      .openapi({ description: 'A repository or namespace; empty: the root.' }),
    tag: z.string().max(128).optional(),
    address: z.string().max(64).optional().openapi({ description: 'Absent: that of the request.' }),
  }),
  result: VERDICT,
  async handle(call, { query }) {
    const { subject, action, repository: path, tag, address } = query;
    const { request, parts, caller } = call;
    if (subject !== undefined) await needAbout(call, { action, path });
    const found =
      subject === undefined
        ? { standing: caller.standing }
        : await standingOf(call, await subjectOf(call, { ...subject, at: path }), subject);
    const principal = found.standing.principal.name;
    if (found.ended !== undefined) return { allowed: false, reason: found.ended, principal };
    const facts = await parts.standings.readPath(path);
    const question = { action, path, ...(tag !== undefined && { tag }) };
    const verdict = decide(found.standing, facts, question, {
      address: () => address ?? request.client(),
      now: parts.now(),
    });
    return { allowed: verdict.isAllowed, reason: verdict.reason, principal };
  },
});

/** Who administers the registry is no business of who manages a part of it. */
function needAbout(call: ApiCall, { action, path }: Question): Promise<void> {
  return action === 'administer' ? call.needAdministrator() : call.needManager(path);
}

interface FoundStanding {
  readonly standing: Standing;
  /** Why they may do nothing at all, whatever they were granted. */
  readonly ended?: string;
}

async function standingOf(
  call: ApiCall,
  subject: Subject,
  shown: { kind: Subject['kind']; name: string },
): Promise<FoundStanding> {
  const { sql, standings } = call.parts;
  if (subject.kind === 'anyone') return { standing: NOBODY };
  if (subject.kind !== 'user' && subject.kind !== 'robot') {
    return { standing: await standingOfMany(sql, subject, shown.name || 'any signed-in user') };
  }
  const { kind, id } = subject;
  const row = kind === 'user' ? await readUser(sql, id) : await readRobot(sql, id);
  const principal = { kind, id, name: shown.name } as const;
  const identity = { principal, credential: NO_CREDENTIAL, epoch: row?.epoch ?? 0 };
  try {
    return { standing: await standings.read(identity) };
  } catch (error) {
    if (!(error instanceof EndedError)) throw error;
    return { standing: { principal, rights: [] }, ended: error.message };
  }
}

/** Of a team, an organisation or all who sign in: what each of them may by that alone. */
async function standingOfMany(sql: Sql, subject: Subject, name: string): Promise<Standing> {
  const grants = subject.kind === 'signed-in' ? [] : await grantsOf(sql, subject);
  const rights = await Promise.all(grants.map((grant) => rightOfGrant(sql, grant)));
  // As a user, because all of them are; with no name of their own.
  return { principal: { kind: 'user', id: 0, name }, rights };
}

async function rightOfGrant(sql: Sql, { path, role, tags, condition }: Grant) {
  const custom = await findRole(sql, role);
  return rightOf({
    path,
    role,
    tags: tags === undefined ? null : JSON.stringify(tags),
    condition: condition === undefined ? null : JSON.stringify(condition),
    actions: custom === undefined ? null : JSON.stringify(custom.actions),
    through: 'a grant',
  });
}
