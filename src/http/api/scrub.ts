// Whether what is stored is still whole: damages that were found, the passes of the scrubber, a new pass.
import { z } from '@hono/zod-openapi';
import { countDamages, isPassOpen, listDamages, readScrubState } from '../../metadata/scrub.ts';
import { listScrubRuns, type ScrubRun } from '../../metadata/scrub-runs.ts';
import { RegistryError } from '../../oci/errors.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';

const TAG = 'Stored bytes';
const MAY = 'Administrators.';

/** Images named for each damage. */
const IMAGES_SHOWN = 50;
/** Each damage of a page is looked up for whom it hits. */
const LONGEST_PAGE = 100;
const RUNS_SHOWN = 10;

const DAMAGE = z
  .object({
    digest: z.string(),
    size: z.int(),
    kind: z
      .enum(['missing', 'altered'])
      .openapi({ description: '`altered`: the bytes have another digest than they must have.' }),
    foundAt: TIME,
    quarantine: z
      .string()
      .nullable()
      .openapi({ description: 'Where the altered bytes lie now, on the machine of the server.' }),
    healedAt: TIME.nullable().openapi({ description: 'null: nobody has pushed it again yet.' }),
    images: z
      .array(
        z.object({
          repository: z.string(),
          digest: z.string(),
          tags: z.array(z.string()).readonly(),
        }),
      )
      .readonly()
      .openapi({ description: 'What needs it now: images, and indexes that name them.' }),
    hasMoreImages: z.boolean(),
  })
  .openapi('Damage');

const damages = endpoint({
  method: 'get',
  path: '/damages',
  tag: TAG,
  summary: 'Stored bytes that were found gone or altered, the newest first',
  may: MAY,
  query: z.strictObject({
    ...PAGE_QUERY,
    limit: z.coerce.number().int().min(1).max(LONGEST_PAGE).default(LONGEST_PAGE),
  }),
  result: pageSchema('Damages', DAMAGE),
  async handle(call, { query }) {
    await call.needAdministrator();
    const { sql, reports } = call.parts;
    const page = await pageOf(query, {
      key: z.strictObject({ foundAt: z.int(), blob: z.int() }),
      read: ({ after, limit }) => listDamages(sql, { after, limit }),
      keyOf: ({ foundAt, blob }) => ({ foundAt, blob }),
      show: (damage) => damage,
    });
    const items: z.input<typeof DAMAGE>[] = [];
    for (const { blob, foundAt, healedAt, storageKey: _, ...damage } of page.items) {
      const hit = await reports.run('imagesHit', { blob, limit: IMAGES_SHOWN });
      items.push({
        ...damage,
        foundAt: timeOf(foundAt),
        healedAt: timeOrNull(healedAt),
        images: hit.images,
        hasMoreImages: hit.isMore,
      });
    }
    return { items, next: page.next };
  },
});

const COUNT = z.int().openapi({ description: 'So far, of a pass that is under way.' });

const RUN = z
  .object({
    id: z.int(),
    startedAt: TIME,
    endedAt: TIME.nullable().openapi({ description: 'null: it is under way.' }),
    blobs: COUNT,
    bytes: COUNT,
    missing: COUNT,
    altered: COUNT,
  })
  .openapi('ScrubRun');

const STATE = z
  .object({
    isReading: z.boolean(),
    bytes: z.int().openapi({ description: 'Read in the last pass, or so far in this one.' }),
    startedAt: TIME.nullable(),
    endedAt: TIME.nullable().openapi({ description: 'Of the last pass that came to its end.' }),
    orphansLookedAt: TIME.nullable().openapi({
      description: 'When bytes that nothing names were last looked for.',
    }),
    openDamages: z.int().openapi({ description: 'Damages that nobody has pushed again yet.' }),
    runs: z.array(RUN).openapi({ description: 'The last passes, the newest first.' }),
  })
  .openapi('ScrubState');

function shownRun({ id, startedAt, endedAt, detail }: ScrubRun): z.input<typeof RUN> {
  const counts = { blobs: 0, bytes: 0, missing: 0, altered: 0, ...JSON.parse(detail) };
  return { ...counts, id, startedAt: timeOf(startedAt), endedAt: timeOrNull(endedAt) };
}

const state = endpoint({
  method: 'get',
  path: '/scrub',
  tag: TAG,
  summary: 'How far the reading of all stored bytes is, and the last passes',
  may: MAY,
  result: STATE,
  async handle(call) {
    await call.needAdministrator();
    const { sql } = call.parts;
    const found = await readScrubState(sql);
    const runs = await listScrubRuns(sql, { before: Number.MAX_SAFE_INTEGER, limit: RUNS_SHOWN });
    return {
      isReading: isPassOpen(found),
      bytes: found.bytes,
      startedAt: found.startedAt === 0 ? null : timeOf(found.startedAt),
      endedAt: timeOrNull(found.endedAt),
      orphansLookedAt: timeOrNull(found.orphansLookedAt),
      openDamages: await countDamages(sql),
      runs: runs.map(shownRun),
    };
  },
});

const start = endpoint({
  method: 'post',
  path: '/scrub',
  tag: TAG,
  summary: 'Begin to read all stored bytes now',
  may: `${MAY} It goes on in the background, at the rate of the setting \`scrub-rate\`.`,
  status: 201,
  result: z.object({ startedAt: TIME }),
  async handle(call) {
    await call.needAdministrator();
    const { commands, sql } = call.parts;
    if (!(await commands.run('beginScrub', { actor: call.actor }))) {
      throw new RegistryError(
        'CONFLICT',
        'A pass over all stored bytes is under way already. See how far it is: entrepot scrub status',
      );
    }
    return { startedAt: timeOf((await readScrubState(sql)).startedAt) };
  },
});

export const scrubEndpoints = [damages, state, start];
