// One history from one seed: clients, upkeep, nights and crashes until everybody is done; then the
// faults end, upkeep runs over everything old, and only what rows name may be left.
import { expireUploads, removeBytes, sweepUploads } from '../../src/jobs/upload-upkeep.ts';
import { collect } from '../../src/lifecycle/collection/collect.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { checkPromises } from './check.ts';
import { checkNoGarbage } from './check-collected.ts';
import { Client } from './clients.ts';
import type { ManifestContent } from './content.ts';
import { Keeper } from './keepers.ts';
import { drawProfile } from './profile.ts';
import { Random } from './random.ts';
import { rest, Scheduler } from './scheduler.ts';
import { type SimulatedServer, UPLOAD_AGE_MS } from './server.ts';
import type { Variation } from './variation.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

export interface HistoryResult {
  readonly seed: number;
  /** Undefined: every promise was kept. */
  readonly violation: string | undefined;
  /** What happened, a line an event. */
  readonly trace: readonly string[];
  readonly steps: number;
  /** Whether the collector had a part in it. */
  readonly isCollecting?: boolean;
}

/** More steps than any history of such clients needs: beyond it something waits for ever. */
const MOST_STEPS = 60_000;
/** Steps between two looks at all promises. */
const CHECK_EVERY = 150;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const CONTEXT = { extend: async () => {}, isStopping: () => false };

/** Hours. */
const NIGHTS = [2, 2, 8, 26];
const LONG_NIGHTS = [2, 13, 25, 24 * 10, 24 * 29, 24 * 31];

type Job = (server: SimulatedServer) => Promise<void>;

const UPLOAD_JOBS: readonly Job[] = [expireUploads, removeBytes, sweepUploads].map((job) =>
  named(job.name, ({ upkeep }) => job(upkeep, CONTEXT)),
);
const COLLECT = named('collect', async ({ collection }) => {
  await collect(collection, { ...CONTEXT, early: 0 });
});
const COLLECTING_JOBS: readonly Job[] = [
  ...UPLOAD_JOBS,
  COLLECT,
  COLLECT,
  named('releaseEndedLeases', async ({ commands }) => {
    while (await commands.run('releaseEndedLeases', null));
  }),
];

function named(name: string, job: Job): Job {
  return Object.defineProperty(job, 'name', { value: name });
}

function jobsOf({ profile }: World): readonly Job[] {
  return profile.collects ? COLLECTING_JOBS : UPLOAD_JOBS;
}

export async function runHistory(seed: number, variation: Variation): Promise<HistoryResult> {
  const random = new Random(seed);
  const profile = { ...drawProfile(random), ...variation.focus };
  // Commands that come at one time share a transaction.
  const scheduler = new Scheduler(random, (label) => label.includes(': command '));
  const world = await World.create({ random, scheduler, profile, variation });
  world.tell(`seed ${seed}: ${JSON.stringify(profile)}`);
  try {
    await live(world);
    if (world.violation === undefined) await settle(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    world.violate(error);
  } finally {
    world.database.close();
  }
  const { trace, violation } = world;
  return {
    seed,
    violation: violation?.message,
    trace,
    steps: scheduler.steps,
    isCollecting: profile.collects,
  };
}

/** The part in which things happen to people. */
async function live(world: World): Promise<void> {
  const { random, profile, scheduler } = world;
  const pushed = new Map<RepositoryName, ManifestContent[]>();
  let busy = profile.clients;
  for (let count = 1; count <= profile.clients; count += 1) {
    void new Client(world, { name: `c${count}`, pushed })
      .run()
      .catch((error) => world.violate(asViolation(error)))
      .finally(() => {
        busy -= 1;
      });
  }
  if (profile.collects) {
    busy += 1;
    void new Keeper(world, { name: 'k1', pushed })
      .run()
      .catch((error) => world.violate(asViolation(error)))
      .finally(() => {
        busy -= 1;
      });
  }
  const isOver = () => busy === 0;
  void keepUp(world, isOver);
  const events = [...profile.crashes, ...Array(profile.nights).fill('night')].map((kind) => ({
    kind: kind as 'kill' | 'power' | 'night',
    // Most histories have some hundred steps.
    at: Math.floor(random.next() ** 2 * 900),
  }));
  events.sort((a, b) => a.at - b.at);
  while (!isOver() && world.violation === undefined) {
    const event = events[0];
    if (event !== undefined && scheduler.steps >= event.at) {
      if (await befall(world, event.kind)) events.shift();
      if (isOver()) return;
    }
    if (scheduler.steps % CHECK_EVERY === 0) await checkPromises(world);
    await step(world);
    if (random.chance(0.05)) world.passTime(random.between(1, 5_000));
  }
}

/** @returns false when it cannot happen yet. */
async function befall(world: World, kind: 'kill' | 'power' | 'night'): Promise<boolean> {
  if (kind === 'night') {
    // A request that is under way would not rest for hours: those that are there end first.
    world.fallAsleep();
    if (!world.isQuiet) return false;
    const hours = world.profile.collects ? LONG_NIGHTS : NIGHTS;
    world.passTime(world.random.pick(hours) * HOUR_MS);
    world.tell('a night passes');
    // Or the collector meets what is due only when people are about again.
    const isLate = world.profile.collects && world.random.chance(0.6);
    if (!isLate) await runUpkeep(world, world.random.between(1, 3));
    world.wakeUp();
    await rest();
    return true;
  }
  await checkPromises(world);
  if (kind === 'kill') world.killOne();
  else await world.cutPower();
  await checkPromises(world);
  return true;
}

/** Upkeep at odd times, beside everything else. */
async function keepUp(world: World, isOver: () => boolean): Promise<void> {
  const { random, scheduler, profile } = world;
  while (!isOver() && world.violation === undefined) {
    const pause = random.between(20, profile.collects ? 60 : 200);
    for (let count = 0; count < pause && !isOver(); count += 1) {
      await scheduler.turn(world, 'upkeep rests');
    }
    await oneJob(world, random.pick(jobsOf(world)));
  }
}

async function oneJob(world: World, job: Job): Promise<void> {
  const server = world.random.pick(world.servers);
  world.tell(`${server.name} runs ${job.name}`);
  // A fault ends a job; it comes round again.
  const done = job(server).catch(() => undefined);
  await Promise.race([done, server.death]);
}

async function runUpkeep(world: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const job of jobsOf(world)) {
      let isDone = false;
      void oneJob(world, job).finally(() => {
        isDone = true;
      });
      while (!isDone) await step(world);
    }
  }
}

async function step(world: World): Promise<void> {
  const { scheduler } = world;
  if (scheduler.steps > MOST_STEPS) {
    throw new Violation(
      `no end after ${MOST_STEPS} steps; waiting: ${scheduler.labels().join(', ')}`,
    );
  }
  const labels = await scheduler.step();
  if (labels.length === 0) throw new Violation('everybody waits for something that never comes');
  world.trace.push(`${String(scheduler.steps).padStart(5)}    ${labels.join(', ')}`);
}

/** Nothing fails any more and nobody asks: upkeep has the machine to itself. */
async function settle(world: World): Promise<void> {
  world.heal();
  while (world.scheduler.waiting > 0) await step(world);
  await checkPromises(world);
  world.passTime(UPLOAD_AGE_MS + HOUR_MS);
  await runUpkeep(world, 1);
  world.passTime(2 * HOUR_MS);
  await runUpkeep(world, 1);
  await checkPromises(world);
  await checkLeftovers(world);
  if (world.profile.collects) await settleCollection(world);
}

/** Whatever nobody holds is gone in the end, with all that is said of it. */
async function settleCollection(world: World): Promise<void> {
  // What is let go of late has a time of its own: leases end, and then what they held waits.
  for (let round = 0; round < 4; round += 1) {
    world.passTime(46 * DAY_MS);
    for (let runs = 0; runs < 3; runs += 1) await runUpkeep(world, 1);
    await checkPromises(world);
  }
  // What the last run let go of.
  world.passTime(HOUR_MS);
  await runUpkeep(world, 2);
  checkNoGarbage(world);
  await checkLeftovers(world);
}

/** No upload rests for ever, and no byte is left that no row names. */
async function checkLeftovers(world: World): Promise<void> {
  const { database, disk } = world;
  const rows = database.connection.query('select id from uploads', []) as { id: string }[];
  if (rows.length > 0) throw new Violation(`upload ${rows[0]?.id} never expires`);
  for await (const id of disk.store.staleUploads(Number.POSITIVE_INFINITY)) {
    throw new Violation(`the bytes of upload ${id} are never removed`);
  }
  // What waits to be removed has its time; that all of it goes is seen after collection.
  const named = database.connection.query(
    `select storage_key as key from blobs
     union select key from removals where kind = 'content' and not_before > ?1`,
    [world.now()],
  );
  const keys = new Set((named as { key: string | null }[]).map(({ key }) => key));
  // A power cut may take back the row that named a key, and not the name itself: a case for the
  // scrubber, which walks the disk.
  const stray = disk.store.keys().find((key) => !keys.has(key) && !disk.strayKeys.has(key));
  if (stray !== undefined) throw new Violation(`the bytes of ${stray} are never removed`);
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
