// What tags, repositories and namespaces occupy, what deleting them would free, and how that grew. Who else
// holds a blob is told only to those who may delete there: it says that somebody somewhere has those bytes.
import { z } from '@hono/zod-openapi';
import type { Share } from '../../lifecycle/sizes/share.ts';
import { findRepositoryByName } from '../../metadata/repository-details.ts';
import { type DayUsage, growthOf } from '../../metadata/usage-history.ts';
import { readScopes } from '../../metadata/usage-scopes.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { PATH } from './shapes.ts';

const TAG = 'Sizes';
const BYTES = z.int().openapi({ description: 'Bytes.' });
const TOLD = BYTES.nullable();

const SHARE = {
  bytes: BYTES.openapi({ description: 'Bytes, each blob once.' }),
  blobs: z.int(),
  exclusive: TOLD.openapi({
    description:
      'Of these, bytes that nothing else in the registry holds: what deleting frees, once its time in the trash is over. null: told only to who may delete there, as are the next two.',
  }),
  keptByHistory: TOLD.openapi({
    description: 'Bytes that else only trash and history hold: freed when that is over too.',
  }),
  shared: TOLD.openapi({ description: 'Bytes that something else that is live holds.' }),
};

const APPARENT = {
  apparent: BYTES.openapi({
    description: 'Every image with all its layers, as if nothing were shared.',
  }),
};

const TAG_SIZES = z
  .object({
    repository: z.string(),
    tag: z.string(),
    digest: z.string(),
    mediaType: z.string(),
    ...APPARENT,
    ...SHARE,
    platforms: z
      .array(
        z.object({
          digest: z.string(),
          platform: z.string().nullable().openapi({ example: 'linux/arm64/v8' }),
          ...APPARENT,
          ...SHARE,
        }),
      )
      .openapi({ description: 'Of an index, its first 100 in order: each as if it alone went.' }),
  })
  .openapi('TagSizes');

const HISTORY = z
  .object(SHARE)
  .openapi({ description: 'What is there by trash and history alone, and no part of `live`.' });
const FREES = TOLD.openapi({ description: 'What deleting all of it frees, live and history.' });

const REPOSITORY_SIZES = z
  .object({
    repository: z.string(),
    live: z.object({ ...APPARENT, tags: z.int(), ...SHARE }),
    history: HISTORY,
    frees: FREES,
  })
  .openapi('RepositorySizes');

const PATH_SIZES = z
  .object({
    path: PATH,
    live: z.object({ ...APPARENT, tags: z.int(), repositories: z.int(), ...SHARE }),
    history: HISTORY,
    frees: FREES,
  })
  .openapi('PathSizes');

/** What somebody who may not delete there is told: nothing of others. */
function withoutOthers<S extends Share>(share: S) {
  return { ...share, exclusive: null, keptByHistory: null, shared: null };
}

function mayDelete(call: ApiCall, path: string): Promise<boolean> {
  return call.may({ action: 'delete', path });
}

const ofTag = endpoint({
  method: 'get',
  path: '/repositories/{repository}/tags/{tag}/sizes',
  tag: TAG,
  summary: 'What a tag occupies, with its referrers, and what deleting it would free',
  may: 'Who may pull the tag.',
  params: z.object({ repository: REPOSITORY, tag: z.string().min(1).max(128) }),
  result: TAG_SIZES,
  async handle(call, { params: { repository: address, tag } }) {
    const { id, name: repository } = await repositoryOf(call, address);
    const isSeen = await call.may({ action: 'pull', path: repository, tag });
    const wanted = { repository: id, tag };
    const sizes = isSeen ? await call.parts.reports.run('tagSizes', wanted) : undefined;
    if (sizes === undefined)
      throw new RegistryError('NOT_FOUND', `There is no tag "${tag}" there.`);
    const isTold = await mayDelete(call, repository);
    const shown = <S extends Share>(share: S) => (isTold ? share : withoutOthers(share));
    const platforms = sizes.platforms.map(({ platform = null, ...one }) => ({
      platform,
      ...shown(one),
    }));
    return { repository, tag, ...shown(sizes), platforms };
  },
});

const ofRepository = endpoint({
  method: 'get',
  path: '/repositories/{repository}/sizes',
  tag: TAG,
  summary: 'What a repository occupies, and what deleting it would free',
  may: 'Who may pull there.',
  params: z.object({ repository: REPOSITORY }),
  result: REPOSITORY_SIZES,
  async handle(call, { params }) {
    const { id, name: repository } = await repositoryOf(call, params.repository);
    const { live, history } = await call.parts.reports.run('repositorySizes', { repository: id });
    if (await mayDelete(call, repository)) {
      return { repository, live, history, frees: live.exclusive + history.exclusive };
    }
    return {
      repository,
      live: withoutOthers(live),
      history: withoutOthers(history),
      frees: null,
    };
  },
});

const ofPath = endpoint({
  method: 'get',
  path: '/sizes',
  tag: TAG,
  summary: 'What a namespace occupies, and what deleting all of it would free',
  may: 'Who manages the path and what lies below it. Takes seconds for thousands of repositories.',
  query: z.strictObject({ path: PATH }),
  result: PATH_SIZES,
  async handle(call, { query: { path } }) {
    await call.needManagerBelow(path);
    const { live, history } = await call.parts.reports.run('namespaceSizes', { path });
    return { path, live, history, frees: live.exclusive + history.exclusive };
  },
});

const DAY_MS = 24 * 60 * 60 * 1_000;
const USUAL_DAYS = 30;
const MOST_DAYS = 400;

const DAY = z.iso.date();
const GROWTH = z
  .object({
    path: PATH,
    items: z.array(
      z.object({
        day: DAY,
        bytes: BYTES.openapi({ description: 'Live bytes, each blob once.' }),
        ...APPARENT,
        blobs: z.int(),
        tags: z.int(),
        repositories: z.int(),
      }),
    ),
  })
  .openapi('Growth');

const growth = endpoint({
  method: 'get',
  path: '/growth',
  tag: TAG,
  summary: 'What a path used, day by day',
  may: 'Of a repository who may pull there; of other paths who manages them and what lies below. It is written down for repositories, top namespaces and paths with a quota; for others the list is empty.',
  query: z.strictObject({
    path: PATH,
    from: DAY.optional().openapi({ description: `Default: ${USUAL_DAYS} days before \`to\`.` }),
    to: DAY.optional().openapi({ description: 'Default: today (UTC).' }),
  }),
  result: GROWTH,
  async handle(call, { query }) {
    const { path } = query;
    await needGrowth(call, path);
    const to = query.to === undefined ? Math.floor(call.parts.now() / DAY_MS) : dayOf(query.to);
    const from = query.from === undefined ? to - USUAL_DAYS : dayOf(query.from);
    if (from > to || to - from >= MOST_DAYS) {
      const why = `Ask for 1 to ${MOST_DAYS} days: "from" must not be after "to".`;
      throw new RegistryError('REQUEST_INVALID', why, { field: 'from' });
    }
    const items = await growthOf(call.parts.sql, { path, from, to });
    return { path, items: items.map(showDay) };
  },
});

/** A path that is counted as a whole may hold repositories that not everybody sees. */
async function needGrowth(call: ApiCall, path: string): Promise<void> {
  const { sql } = call.parts;
  if (!(await call.may({ action: 'pull', path }))) return call.needManagerBelow(path);
  const isCounted = (await readScopes(sql, [path])).length > 0;
  const isAlone =
    !isCounted && isRepositoryName(path) && (await findRepositoryByName(sql, path)) !== undefined;
  if (!isAlone) await call.needManagerBelow(path);
}

function dayOf(date: string): number {
  return Math.floor(Date.parse(date) / DAY_MS);
}

function showDay({ day, ...usage }: DayUsage) {
  return { day: new Date(day * DAY_MS).toISOString().slice(0, 10), ...usage };
}

export const sizeEndpoints = [ofPath, ofRepository, ofTag, growth];
