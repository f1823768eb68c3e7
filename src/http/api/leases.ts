// Leases: what clusters and pipelines say is in use, for a time.
import { z } from '@hono/zod-openapi';
import type { Question } from '../../access/decide.ts';
import { principalKey } from '../../access/principal.ts';
import { type Leased, noLease } from '../../lifecycle/leases/lease.command.ts';
import { LEASE_FORM, LEASE_NAME, type LeaseForm } from '../../lifecycle/leases/lease-form.ts';
import { ENDED_LEASE_TURNS } from '../../lifecycle/leases/lease-limits.ts';
import {
  digestsOfTags,
  findLease,
  type LeaseItem,
  leaseItems,
  leasesBy,
  type StoredLease,
} from '../../metadata/leases.ts';
import { parseDigest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { PATH, TIME, timeOf } from './shapes.ts';

const TAG = 'Leases';

const FACTS = {
  name: z.string(),
  holder: z.string().openapi({ description: 'Who took it.' }),
  detail: z.string(),
  expiresAt: TIME,
  createdAt: TIME,
};

const LEASE = z
  .object({
    ...FACTS,
    items: z.array(z.object({ repository: z.string(), digest: z.string() })).openapi({
      description: 'Of a lease that is not yours: those in repositories that you manage.',
    }),
  })
  .openapi('Lease');

const NAMED = z.object({ name: LEASE_NAME });

function facts({ name, actor, detail, expiresAt, createdAt }: StoredLease) {
  return {
    name,
    holder: actor,
    detail,
    expiresAt: timeOf(expiresAt),
    createdAt: timeOf(createdAt),
  };
}

function principalOf(call: ApiCall): string {
  return principalKey(call.caller.standing.principal);
}

interface Seen {
  readonly lease: StoredLease;
  readonly items: readonly LeaseItem[];
  /** Repositories among them that the caller manages. */
  readonly managed: readonly string[];
}

/** Its own, or one that names a repository that the caller manages; undefined for all others. */
async function seenLease(call: ApiCall, name: string): Promise<Seen | undefined> {
  const { sql } = call.parts;
  const lease = await findLease(sql, name);
  if (lease === undefined || lease.expiresAt <= call.parts.now()) return undefined;
  const items = await leaseItems(sql, lease.id);
  if (lease.principal === principalOf(call)) return { lease, items, managed: [] };
  const managed: string[] = [];
  for (const path of new Set(items.map((item) => item.name))) {
    if (await call.may({ action: 'manage', path })) managed.push(path);
  }
  return managed.length === 0 ? undefined : { lease, items, managed };
}

function showLease(call: ApiCall, { lease, items, managed }: Seen): z.input<typeof LEASE> {
  const isOwn = lease.principal === principalOf(call);
  const shown = items.filter((item) => isOwn || managed.includes(item.name));
  return {
    ...facts(lease),
    items: shown.map((item) => ({ repository: item.name, digest: item.digest })),
  };
}

async function shown(call: ApiCall, name: string): Promise<z.input<typeof LEASE>> {
  const seen = await seenLease(call, name);
  if (seen === undefined) throw noLease(name);
  return showLease(call, seen);
}

const list = endpoint({
  method: 'get',
  path: '/leases',
  tag: TAG,
  summary: 'Your leases; or, with a path, all that name something there or below',
  may: 'Everybody their own; with a path, who manages it.',
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.optional() }),
  result: pageSchema('Leases', z.object(FACTS)),
  async handle(call, { query }) {
    const { path } = query;
    const { sql, reports, now } = call.parts;
    if (path !== undefined) await call.needManagerBelow(path);
    const principal = principalOf(call);
    return pageOf(query, {
      key: z.string(),
      read: ({ after = '', limit }) => {
        const page = { after, limit, now: now() };
        return path === undefined
          ? leasesBy(sql, { ...page, principal })
          : reports.run('leasesAt', { ...page, path });
      },
      keyOf: (lease) => lease.name,
      show: facts,
    });
  },
});

const get = endpoint({
  method: 'get',
  path: '/leases/{name}',
  tag: TAG,
  summary: 'A lease, with what it names',
  may: 'Who took it, and who manages a repository that it names.',
  params: NAMED,
  result: LEASE,
  handle: (call, { params }) => shown(call, params.name),
});

/** To whoever may not pull it, nothing is there. */
function noManifest({ repository, tag, digest }: LeaseForm['items'][number]): RegistryError {
  const what = digest === undefined ? `tag "${tag}"` : `manifest ${digest}`;
  return new RegistryError('NOT_FOUND', `There is no ${what} in "${repository}".`);
}

/**
 * What a lease holds counts against the quota of others and is not deleted, so that a visibility is not enough.
 * @throws RegistryError DENIED
 */
async function needGranted(call: ApiCall, question: Question): Promise<void> {
  if (await call.may({ ...question, everyPath: true })) return;
  const why = `that ${question.path} is visible to all is not enough for a lease: somebody who manages it must grant you the right to pull`;
  throw call.refuse(question, why);
}

async function resolve(call: ApiCall, items: LeaseForm['items']): Promise<Leased[]> {
  const readable = new Map<string, boolean>();
  for (const item of items) {
    const { repository: path, tag } = item;
    const key = tag === undefined ? path : `${path}:${tag}`;
    const question = { action: 'pull', path, ...(tag !== undefined && { tag }) } as const;
    const isReadable = readable.get(key) ?? (isRepositoryName(path) && (await call.may(question)));
    if (!isReadable) throw noManifest(item);
    if (!readable.has(key)) await needGranted(call, question);
    readable.set(key, isReadable);
  }
  const tags = items.flatMap(({ repository, tag }) =>
    tag === undefined ? [] : [{ repository, tag }],
  );
  const found = tags.length === 0 ? [] : await digestsOfTags(call.parts.sql, tags);
  const digests = new Map(
    found.map(({ repository, tag, digest }) => [`${repository}:${tag}`, digest]),
  );
  return items.map((item) => {
    const { repository, tag, digest: text } = item;
    const digest = text === undefined ? digests.get(`${repository}:${tag}`) : parseDigest(text);
    if (digest === undefined) throw noManifest(item);
    return { repository: repository as RepositoryName, digest };
  });
}

const put = endpoint({
  method: 'put',
  path: '/leases/{name}',
  tag: TAG,
  summary: 'Say what is in use, and for how long; what it named before and names no more is let go',
  may: 'Who was granted the right to pull all that it names. One that is there: who took it, and who manages all that it names.',
  params: NAMED,
  body: LEASE_FORM,
  result: LEASE,
  async handle(call, { params: { name }, body }) {
    const { ttlSeconds, detail } = body;
    const items = await resolve(call, body.items);
    const managed = (await seenLease(call, name))?.managed ?? [];
    const { actor, parts } = call;
    const lease = { name, ttlMs: ttlSeconds * 1000, items, detail, managed, actor };
    await parts.commands.run('putLease', lease);
    return shown(call, name);
  },
});

const end = endpoint({
  method: 'delete',
  path: '/leases/{name}',
  tag: TAG,
  summary: 'End a lease, or what it names in one repository',
  may: 'Who took it, and who manages all that it names; for one repository, who manages that.',
  params: NAMED,
  query: z.strictObject({ repository: z.string().max(255).optional() }),
  async handle(call, { params: { name }, query: { repository } }) {
    const seen = await seenLease(call, name);
    if (seen === undefined) throw noLease(name);
    const { actor, parts } = call;
    await parts.commands.run('endLease', { name, repository, managed: seen.managed, actor });
    // What frees a quota frees it at once; the rest of a long one is left to the job.
    for (let turn = 0; turn < ENDED_LEASE_TURNS; turn += 1) {
      if (!(await parts.commands.run('releaseEndedLeases', null))) return;
    }
  },
});

export const leaseEndpoints = [list, get, put, end];
