// The audit log: by pages, followed, exported and verified.
import { z } from '@hono/zod-openapi';
import { EXPORT_FORMATS, exportAudit, shownEvent } from '../../access/audit/export-audit.ts';
import { AUDIT_PAGE, everyEvent, followAudit, listAudit } from '../../access/audit/read-audit.ts';
import { verifyAudit } from '../../access/audit/verify.ts';
import type { AuditEvent, AuditFilter } from '../../metadata/audit-events.ts';
import type { ApiCall } from './api-call.ts';
import { isAboutPath } from './audit-scope.ts';
import { endpoint, replyEndpoint } from './endpoint.ts';
import { millisecondsOf, PATH, present, TIME, timeOf, WANTED_TIME } from './shapes.ts';
import { streamReply } from './stream-reply.ts';

const TAG = 'Audit';
const MAY = 'Administrators; with `path`, who manages it.';

const EVENT = z
  .object({
    id: z.int(),
    sequence: z.int().nullable().openapi({ description: 'null: not sealed into the chain yet.' }),
    hash: z.string().nullable(),
    at: TIME,
    actor: z.string(),
    principal: z.string(),
    credential: z.string(),
    action: z.string(),
    target: z.string(),
    outcome: z.enum(['done', 'refused', 'failed']),
    address: z.string(),
    client: z.string(),
    requestId: z.string(),
    detail: z.string().openapi({ description: 'JSON, exactly as it was sealed.' }),
  })
  .openapi('AuditEvent');

const TEXT = z.string().max(512).optional();

const FILTER = {
  from: WANTED_TIME.optional(),
  until: WANTED_TIME.optional(),
  actor: TEXT,
  principal: TEXT.openapi({ example: 'user:12' }),
  action: TEXT.openapi({ description: '`token.create`, or `token.*` for all that begin alike.' }),
  target: TEXT.openapi({ description: 'What the target begins with.' }),
  outcome: z.enum(['done', 'refused', 'failed']).optional(),
  address: TEXT,
  requestId: TEXT,
};

const PAGE = {
  limit: z.coerce.number().int().min(1).max(AUDIT_PAGE).default(100),
  cursor: z.string().max(100).optional(),
  path: PATH.optional().openapi({ description: 'Only what is about this path and those below.' }),
};

type Wanted = z.output<z.ZodObject<typeof FILTER>>;

function filterOf(query: Wanted): AuditFilter {
  const { from, until, actor, principal, action, target, outcome, address, requestId } = query;
  return present({
    from: from === undefined ? undefined : millisecondsOf(from),
    until: until === undefined ? undefined : millisecondsOf(until),
    actor,
    principal,
    action,
    target,
    outcome,
    address,
    requestId,
  });
}

/** @returns which events of a page may be shown. */
async function admit(
  call: ApiCall,
  path: string | undefined,
): Promise<(events: readonly AuditEvent[]) => ReturnType<typeof shownEvent>[]> {
  if (path === undefined || path === '') {
    await call.needAdministrator();
    return (events) => events.map(shownEvent);
  }
  await call.needManagerBelow(path);
  return (events) => events.filter(({ target }) => isAboutPath(target, path)).map(shownEvent);
}

const list = endpoint({
  method: 'get',
  path: '/audit',
  tag: TAG,
  summary: 'Events, newest first',
  may: `${MAY} A page may have fewer entries than its limit, or none, and still a next one.`,
  query: z.strictObject({
    ...FILTER,
    ...PAGE,
    order: z.enum(['newest-first', 'oldest-first']).default('newest-first'),
  }),
  result: z.object({ items: z.array(EVENT), next: z.string().optional() }).openapi('AuditEvents'),
  async handle(call, { query }) {
    const shown = await admit(call, query.path);
    const { order, cursor, limit } = query;
    const page = { filter: filterOf(query), order, cursor, limit };
    const { events, next } = await listAudit(call.parts.sql, page);
    return { items: shown(events), next };
  },
});

const follow = endpoint({
  method: 'get',
  path: '/audit/follow',
  tag: TAG,
  summary: 'Sealed events after a cursor, each once; without one, from now on',
  may: `${MAY} Ask again with \`next\`, a second later when \`isAtEnd\`.`,
  query: z.strictObject({ ...FILTER, ...PAGE }),
  result: z
    .object({ items: z.array(EVENT), next: z.string(), isAtEnd: z.boolean() })
    .openapi('FollowedEvents'),
  async handle(call, { query }) {
    const shown = await admit(call, query.path);
    const { cursor, limit } = query;
    const page = { filter: filterOf(query), cursor, limit };
    const { events, next, isAtEnd } = await followAudit(call.parts.sql, page);
    return { items: shown(events), next, isAtEnd };
  },
});

const MEDIA_TYPES = {
  'json-lines': 'application/jsonl',
  csv: 'text/csv; charset=utf-8',
  syslog: 'text/plain; charset=utf-8',
} as const;

const exportAll = replyEndpoint({
  method: 'get',
  path: '/audit/export',
  tag: TAG,
  summary: 'All events of a filter, oldest first, as they were when it began',
  may: 'Administrators.',
  query: z.strictObject({ ...FILTER, format: z.enum(EXPORT_FORMATS).default('json-lines') }),
  types: Object.values(MEDIA_TYPES),
  async reply(call, { query }) {
    await call.needAdministrator();
    const { format } = query;
    const { sql, now } = call.parts;
    const filter = filterOf(query);
    const events = everyEvent(sql, { ...filter, until: filter.until ?? now() });
    const host = new URL(call.request.origin()).host;
    return streamReply(MEDIA_TYPES[format], exportAudit(events, { format, host }));
  },
});

const PLACE = z.object({ sequence: z.int(), hash: z.string() });

const VERIFICATION = z
  .object({
    isWhole: z.boolean(),
    verified: z.int().openapi({ description: 'Events whose hash was found right.' }),
    anchor: PLACE,
    end: PLACE.openapi({ description: 'Keep it elsewhere, and send it with the next one.' }),
    broken: z
      .object({
        sequence: z.int(),
        id: z.int().nullable(),
        kind: z.enum(['changed', 'removed', 'inserted', 'cut', 'unexpected']),
        reason: z.string(),
      })
      .nullable(),
    unsealed: z.object({ count: z.int(), oldestAt: TIME.nullable() }),
    expected: z.enum(['none', 'found', 'pruned', 'missing']),
  })
  .openapi('AuditVerification');

function showPlace({ sequence, hash }: { sequence: number; hash: Uint8Array }) {
  return { sequence, hash: Buffer.from(hash).toString('hex') };
}

const verify = endpoint({
  method: 'get',
  path: '/audit/verify',
  tag: TAG,
  summary: 'Walk the chain of the log, and say where it breaks',
  may: 'Administrators. `expected`: a place that was kept elsewhere, as `sequence:hash`.',
  query: z.strictObject({
    expected: z
      .string()
      .regex(/^\d{1,15}:[0-9a-f]{64}$/, { error: 'must be sequence:hash' })
      .optional(),
  }),
  result: VERIFICATION,
  async handle(call, { query }) {
    await call.needAdministrator();
    const [sequence = '', hash = ''] = query.expected?.split(':') ?? [];
    const expected = { sequence: Number(sequence), hash: Buffer.from(hash, 'hex') };
    const options = query.expected === undefined ? {} : { expected };
    const found = await verifyAudit(call.parts.sql, options);
    const { broken, unsealed } = found;
    return {
      isWhole: broken === undefined,
      verified: found.verified,
      anchor: showPlace(found.anchor),
      end: showPlace(found.end),
      broken: broken === undefined ? null : { ...broken, id: broken.id ?? null },
      unsealed: {
        count: unsealed.count,
        oldestAt: unsealed.oldestAt === undefined ? null : timeOf(unsealed.oldestAt),
      },
      expected: found.expected,
    };
  },
});

export const auditEndpoints = [list, follow, exportAll, verify];
