// Garbage collection: what waits for it, what it has done, a run at once.
import { z } from '@hono/zod-openapi';
import { type CollectionRun, collectionRuns } from '../../metadata/collection-runs.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';

const TAG = 'Garbage collection';
const MAY = 'Administrators.';
const RUNS_SHOWN = 10;

const MANIFESTS = z.object({
  due: z.int().openapi({ description: 'Their time is over: the next run looks at them.' }),
  later: z.int().openapi({ description: 'They can still be returned to.' }),
});
const STEP = z.object({
  count: z.int(),
  bytes: z.int().openapi({ description: 'Apparent: what something else still holds stays.' }),
});

const RUN = z
  .object({
    id: z.int(),
    startedAt: TIME,
    endedAt: TIME.nullable().openapi({ description: 'null: it goes on.' }),
    releasedManifests: z.int(),
    trashedManifests: z.int(),
    earlyManifests: z.int().openapi({
      description: 'Of both, before their time: history and trash took too much of the disk.',
    }),
    rights: z.int().openapi({ description: 'Rights of repositories to blobs.' }),
    rightBytes: z.int(),
    blobs: z.int(),
    payloadBytes: z.int().openapi({ description: 'Freed in the database.' }),
    storedBytes: z.int().openapi({ description: 'Let go of in the blob store.' }),
    removed: z.int(),
    removedBytes: z.int().openapi({ description: 'Really removed from the blob store since.' }),
  })
  .openapi('CollectionRun');

const NOTHING = {
  ...{ releasedManifests: 0, trashedManifests: 0, earlyManifests: 0, rights: 0, rightBytes: 0 },
  ...{ blobs: 0, payloadBytes: 0, storedBytes: 0, removed: 0, removedBytes: 0 },
};

function shown({ id, startedAt, endedAt, counts }: CollectionRun): z.input<typeof RUN> {
  const times = { startedAt: timeOf(startedAt), endedAt: timeOrNull(endedAt) };
  return { ...NOTHING, ...counts, id, ...times };
}

const state = endpoint({
  method: 'get',
  path: '/collection',
  tag: TAG,
  summary: 'What garbage collection would do now, and its last runs',
  may: MAY,
  result: z
    .object({
      releasedManifests: MANIFESTS,
      trashedManifests: MANIFESTS,
      rights: STEP.extend({ later: z.int() }),
      blobs: STEP,
      removals: STEP.openapi({ description: 'Let go of, and not yet removed.' }),
      historyBytes: z.int().openapi({ description: 'Stored, and needed by nothing live.' }),
      runs: z.array(RUN).openapi({ description: 'The newest first.' }),
    })
    .openapi('Collection'),
  async handle(call) {
    await call.needAdministrator();
    const { sql, reports, pull, now } = call.parts;
    const graceMs = pull.grace.ms;
    const preview = await reports.run('collectionPreview', { now: now(), graceMs });
    const last = { before: Number.MAX_SAFE_INTEGER, limit: RUNS_SHOWN };
    return { ...preview, runs: (await collectionRuns(sql, last)).map(shown) };
  },
});

const runs = endpoint({
  method: 'get',
  path: '/collection/runs',
  tag: TAG,
  summary: 'Runs of garbage collection that removed something, the newest first',
  may: MAY,
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('CollectionRuns', RUN),
  async handle(call, { query }) {
    await call.needAdministrator();
    const { sql } = call.parts;
    return pageOf(query, {
      key: z.int(),
      read: ({ after = Number.MAX_SAFE_INTEGER, limit }) =>
        collectionRuns(sql, { before: after, limit }),
      keyOf: ({ id }) => id,
      show: shown,
    });
  },
});

const start = endpoint({
  method: 'post',
  path: '/collection',
  tag: TAG,
  summary: 'Collect garbage now',
  may: `${MAY} It goes on in the background, as it does by itself while something is due.`,
  async handle(call) {
    await call.needAdministrator();
    await call.parts.commands.run('startCollection', { actor: call.actor });
  },
});

export const collectionEndpoints = [state, runs, start];
