// The trash: what was deleted, given back or taken away for good.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from '@hono/zod-openapi';
import type { Purged } from '../../lifecycle/trash/purge.command.ts';
import type { ShownTrashItem } from '../../lifecycle/trash/trash-reports.ts';
import { keysStillQueued } from '../../metadata/purge-now.ts';
import { listTrash, readTrashItem, type TrashItem } from '../../metadata/trash-items.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { ID, millisecondsOf, PATH, TIME, timeOf, WANTED_TIME } from './shapes.ts';
import { mayTrash, needTrash, tagsToRestore } from './trash-rights.ts';

const CHAPTER = 'Trash';
const KIND = z.enum(['tag', 'manifest', 'blob', 'repository', 'namespace']);

const ITEM = z
  .object({
    id: z.int(),
    kind: KIND,
    path: z.string().openapi({ description: 'Of the repository or namespace.' }),
    tag: z.string().nullable(),
    digest: z.string().nullable().openapi({ description: 'Of a tag: what it pointed to.' }),
    deletedAt: TIME,
    deletedBy: z.string(),
    cause: z.string().openapi({
      description: '`delete-tag`, `retention`, …; `purge`: it is being taken away for good.',
    }),
    plan: z.int().nullable(),
    until: TIME.openapi({ description: 'It can be restored until then.' }),
    bytes: z.int().nullable().openapi({
      description:
        'What purging it would free. Of repositories and namespaces only when asked for one by one.',
    }),
  })
  .openapi('TrashItem');

function shown(item: ShownTrashItem): z.input<typeof ITEM> {
  const { id, kind, path, tag, digest, cause, plan, bytes = null } = item;
  const times = { deletedAt: timeOf(item.deletedAt), until: timeOf(item.until) };
  return { id, kind, path, tag, digest, ...times, deletedBy: item.actor, cause, plan, bytes };
}

const FILTER = {
  path: PATH.default(''),
  kind: KIND.optional(),
  since: WANTED_TIME.optional().openapi({ description: 'Deleted since then.' }),
  by: z.string().max(255).optional().openapi({ description: 'Deleted by whom.' }),
};

function filterOf(given: {
  path: string;
  kind?: z.output<typeof KIND> | undefined;
  since?: string | undefined;
  by?: string | undefined;
}) {
  const { path, kind, since, by } = given;
  return { path, kind, since: since === undefined ? undefined : millisecondsOf(since), by };
}

function needList(call: ApiCall, path: string): Promise<void> {
  return call.need({ action: 'delete', path, everyTag: true });
}

const list = endpoint({
  method: 'get',
  path: '/trash',
  tag: CHAPTER,
  summary: 'What lies in the trash of a path and below it, newest first',
  may: 'Who may delete at the path. A page may have fewer entries than its limit.',
  query: z.strictObject({
    ...PAGE_QUERY,
    ...FILTER,
  }),
  result: pageSchema('Trash', ITEM),
  async handle(call, { query }) {
    await needList(call, query.path);
    const filter = filterOf(query);
    const page = await pageOf(query, {
      key: z.int(),
      read: ({ after, limit }) => call.parts.reports.run('trashPage', { filter, after, limit }),
      keyOf: ({ id }) => id,
      show: (item) => item,
    });
    const items: z.input<typeof ITEM>[] = [];
    for (const item of page.items) if (await mayTrash(call, item, 'see')) items.push(shown(item));
    return { items, next: page.next };
  },
});

const ONE = z.object({ id: ID });

async function itemOf(call: ApiCall, id: number, to: 'see' | 'restore' | 'purge') {
  const item = await readTrashItem(call.parts.sql, id);
  if (item === undefined || !(await mayTrash(call, item, 'see'))) throw noItem(id);
  await needTrash(call, item, to);
  return item;
}

function noItem(id: number): RegistryError {
  return new RegistryError('NOT_FOUND', `There is nothing with the number ${id} in the trash.`);
}

const show = endpoint({
  method: 'get',
  path: '/trash/{id}',
  tag: CHAPTER,
  summary: 'One item of the trash, with what purging it would free',
  may: 'Who may delete there.',
  params: ONE,
  result: ITEM,
  async handle(call, { params }) {
    await itemOf(call, params.id, 'see');
    const item = await call.parts.reports.run('trashItem', { id: params.id });
    if (item === undefined) throw noItem(params.id);
    return shown(item);
  },
});

const RESTORED = z
  .object({
    id: z.int(),
    kind: KIND,
    path: z.string().openapi({ description: 'Where it is now.' }),
    digest: z.string().nullable(),
    tags: z.array(z.string()).readonly().openapi({ description: 'That point there again.' }),
    tagsElsewhere: z.array(z.string()).readonly().openapi({
      description: 'That went with it and point elsewhere by now.',
    }),
    repositories: z.int().nullable(),
    warnings: z.array(z.string()).readonly(),
  })
  .openapi('Restored');

interface How {
  readonly as?: string | undefined;
  readonly replace: boolean;
}

async function restoreOne(
  call: ApiCall,
  item: TrashItem,
  { as, replace }: How,
): Promise<z.input<typeof RESTORED>> {
  const { id, kind } = item;
  const { commands } = call.parts;
  const { actor } = call;
  if (kind === 'repository' || kind === 'namespace') {
    if (as !== undefined) await call.needManager(as);
    const restored = await commands.run('restorePlace', { id, actor, ...(as && { as }) });
    const { path, repositories, warnings } = restored;
    return { id, kind, path, digest: null, tags: [], tagsElsewhere: [], repositories, warnings };
  }
  if (as !== undefined) {
    throw new RegistryError(
      'REQUEST_INVALID',
      'Only repositories and namespaces get another name.',
    );
  }
  const tags = await tagsToRestore(call, item);
  const restored = await commands.run('restoreItem', { id, actor, isReplacing: replace, tags });
  const { repository: path, ...rest } = restored;
  return { id, kind, path, repositories: null, ...rest };
}

const REPLACE = z.boolean().default(false).openapi({
  description: 'Tags come back although they point elsewhere by now.',
});

const restore = endpoint({
  method: 'post',
  path: '/trash/{id}/restore',
  tag: CHAPTER,
  summary: 'Restore one item',
  may: 'Tags, manifests, blobs: who may push and delete there. Repositories, namespaces: who manages them.',
  params: ONE,
  body: z.strictObject({
    as: z.string().min(1).max(255).optional().openapi({
      description: 'Of a repository or namespace: another name than it had.',
    }),
    replace: REPLACE,
  }),
  result: RESTORED,
  async handle(call, { params, body }) {
    return restoreOne(call, await itemOf(call, params.id, 'restore'), body);
  },
});

const MOST_AT_ONCE = 200;

const MANY = {
  ids: z.array(z.int().min(1)).max(MOST_AT_ONCE).optional(),
  filter: z.strictObject(FILTER).optional(),
  after: z.int().optional().openapi({ description: '`next` of the answer before, with a filter.' }),
};

const REFUSED = z.object({ id: z.int(), code: z.string(), reason: z.string() });

const NEXT = z
  .int()
  .nullable()
  .openapi({
    description: `There is more: at most ${MOST_AT_ONCE} are taken at once. Send it as \`after\`.`,
  });

interface Many {
  readonly ids?: readonly number[] | undefined;
  readonly filter?: z.output<z.ZodObject<typeof FILTER>> | undefined;
  readonly after?: number | undefined;
}

/** Newest first: what was deleted last comes back first, so that each finds what it needs. */
async function chosen(call: ApiCall, many: Many): Promise<{ ids: number[]; next: number | null }> {
  const { ids, filter, after } = many;
  if ((ids === undefined) === (filter === undefined)) {
    throw new RegistryError('REQUEST_INVALID', 'Name the items by "ids" or by "filter".');
  }
  if (ids !== undefined) return { ids: [...new Set(ids)].sort((a, b) => b - a), next: null };
  const wanted = filterOf(filter ?? { path: '' });
  await needList(call, wanted.path);
  const page = { filter: wanted, after, limit: MOST_AT_ONCE + 1 };
  const found = await listTrash(call.parts.sql, page);
  const taken = found.slice(0, MOST_AT_ONCE);
  const seen: number[] = [];
  for (const item of taken) if (await mayTrash(call, item, 'see')) seen.push(item.id);
  return { ids: seen, next: found.length > MOST_AT_ONCE ? (taken.at(-1)?.id ?? null) : null };
}

async function eachOf<T>(
  call: ApiCall,
  { ids, to }: { ids: readonly number[]; to: 'restore' | 'purge' },
  work: (item: TrashItem) => Promise<T>,
): Promise<{ done: T[]; refused: z.input<typeof REFUSED>[] }> {
  const done: T[] = [];
  const refused: z.input<typeof REFUSED>[] = [];
  for (const id of ids) {
    try {
      done.push(await work(await itemOf(call, id, to)));
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      refused.push({ id, code: error.code, reason: error.message });
    }
  }
  return { done, refused };
}

const restoreMany = endpoint({
  method: 'post',
  path: '/trash/restore',
  tag: CHAPTER,
  summary: 'Restore many items, newest first; each by itself',
  may: 'As for one; by a filter, who may delete at its path. What may not be restored is told in `refused`.',
  body: z.strictObject({ ...MANY, replace: REPLACE }),
  result: z.object({ restored: z.array(RESTORED), refused: z.array(REFUSED), next: NEXT }),
  async handle(call, { body }) {
    const { ids, next } = await chosen(call, body);
    const { done, refused } = await eachOf(call, { ids, to: 'restore' }, (item) =>
      restoreOne(call, item, { replace: body.replace }),
    );
    return { restored: done, refused: await stillThere(call, refused), next };
  },
});

/** A tag that went with its manifest is refused before that, and comes back with it. */
async function stillThere<T extends { id: number }>(call: ApiCall, refused: T[]): Promise<T[]> {
  const there: T[] = [];
  for (const one of refused) {
    if ((await readTrashItem(call.parts.sql, one.id)) !== undefined) there.push(one);
  }
  return there;
}

const PURGED = z
  .object({
    id: z.int(),
    kind: KIND,
    path: z.string(),
    bytes: z.int().openapi({ description: 'Freed.' }),
    isUnderWay: z.boolean().openapi({
      description: 'It is taken away behind this answer; it cannot be restored any more.',
    }),
    blobs: z.array(
      z.object({
        digest: z.string(),
        size: z.int(),
        state: z.enum(['gone', 'going', 'held']).openapi({
          description:
            '`gone`: its bytes are removed. `going`: nothing holds them, and they are removed within a minute. `held`: something else needs them.',
        }),
        heldBy: z.object({
          manifests: z.array(z.string()).readonly().openapi({
            description: 'Of the same repository, in its trash or not.',
          }),
          repositories: z.array(z.string()).readonly(),
          otherRepositories: z.int().openapi({
            description: 'That you may not see, or that lie in the trash.',
          }),
          hasMore: z.boolean().openapi({
            description: 'There are more manifests or repositories than the first 100 of each.',
          }),
        }),
      }),
    ),
  })
  .openapi('Purged');

/** How long an answer waits for bytes to be gone, of all that it purges, and how often it looks. */
const WAIT_MS = 5_000;
const LOOK_MS = 50;

interface Patience {
  leftMs: number;
}

async function waitForRemoval(
  call: ApiCall,
  keys: readonly string[],
  patience: Patience,
): Promise<boolean> {
  const { sql } = call.parts;
  while ((await keysStillQueued(sql, keys)).length > 0) {
    if (patience.leftMs <= 0) return false;
    patience.leftMs -= LOOK_MS;
    await delay(LOOK_MS);
  }
  return true;
}

async function purgeOne(
  call: ApiCall,
  { id }: TrashItem,
  patience: Patience,
): Promise<z.input<typeof PURGED>> {
  const purged = await call.parts.commands.run('purgeTrashItem', { id, actor: call.actor });
  const isRemoved = await waitForRemoval(call, purged.keys, patience);
  const { kind, path, bytes, isUnderWay } = purged;
  const blobs: z.input<typeof PURGED>['blobs'] = [];
  for (const blob of purged.blobs) blobs.push(await shownBlob(call, blob, isRemoved));
  return { id, kind, path, bytes, isUnderWay, blobs };
}

async function shownBlob(call: ApiCall, blob: Purged['blobs'][number], isRemoved: boolean) {
  const { digest, size, isGone, manifests, hasMore } = blob;
  const repositories: string[] = [];
  for (const path of blob.repositories) {
    const isSeen = !path.startsWith('~') && (await call.may({ action: 'pull', path }));
    if (isSeen) repositories.push(path);
  }
  const otherRepositories = blob.repositories.length - repositories.length;
  const state = isGone ? (isRemoved ? ('gone' as const) : ('going' as const)) : ('held' as const);
  return { digest, size, state, heldBy: { manifests, repositories, otherRepositories, hasMore } };
}

const purge = endpoint({
  method: 'post',
  path: '/trash/{id}/purge',
  tag: CHAPTER,
  summary: 'Take one item away for good, with its bytes, at once',
  may: 'Who manages the repository or namespace.',
  params: ONE,
  result: PURGED,
  async handle(call, { params }) {
    return purgeOne(call, await itemOf(call, params.id, 'purge'), { leftMs: WAIT_MS });
  },
});

const purgeMany = endpoint({
  method: 'post',
  path: '/trash/purge',
  tag: CHAPTER,
  summary: 'Take many items away for good',
  may: 'As for one; by a filter, who may delete at its path.',
  body: z.strictObject(MANY),
  result: z.object({ purged: z.array(PURGED), refused: z.array(REFUSED), next: NEXT }),
  async handle(call, { body }) {
    const { ids, next } = await chosen(call, body);
    const patience = { leftMs: WAIT_MS };
    const { done, refused } = await eachOf(call, { ids, to: 'purge' }, (item) =>
      purgeOne(call, item, patience),
    );
    return { purged: done, refused, next };
  },
});

export const trashEndpoints = [list, restoreMany, purgeMany, show, restore, purge];
