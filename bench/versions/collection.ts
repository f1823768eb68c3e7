// B16: garbage collection beside pushes and pulls, on one server that runs it and does not in turns; then all
// of it to the end, and a look at whether anything was lost.
import { median, percentile, spreadOf } from '../measure.ts';
import type { Registry } from '../registries.ts';
import { repositoryName, type SeedShape, tagName } from '../seed-versions.ts';
import type { PushedImage } from '../workloads/image-push.ts';
import type { Measurement } from './measurement.ts';
import { describeSlot, type LoadShape, type LoadSlot, SteadyLoad } from './steady-load.ts';
import { verifyCounters, verifyPushed, verifySeeded } from './verify.ts';
import { WorkOfJobs } from './work-of-jobs.ts';

/** What else comes round by itself would meet some turns and not others. */
const OTHER_JOBS = ['record-usage', 'scrub', 'trim-outbox', 'sweep-uploads'];
/** Without work, as the collector takes rows, as the job behind it removes files. */
const TURNS = ['none', 'collect', 'remove-bytes'] as const;
/** Manifests a second. */
const PULL_RATE = 500;
const PULLS_A_PUSH = 20;
type Turn = (typeof TURNS)[number];

interface Options extends Measurement {
  /** Rows a second; undefined: as the server has it. */
  readonly rate: string | undefined;
  /** Only the turns: at a low rate the rest takes long. */
  readonly withoutEnd: boolean;
}

export async function measureCollection(options: Options): Promise<void> {
  const { data, rate, withoutEnd } = options;
  const work = new WorkOfJobs(data);
  for (const kind of [...OTHER_JOBS, 'collect', 'remove-bytes']) await work.hold(kind);
  const before = work.stored();
  console.log(`before: ${JSON.stringify({ stored: before, waiting: work.waiting() })}`);
  const registry = await options.start(rate === undefined ? {} : { ENTREPOT_COLLECT_RATE: rate });
  const load = await SteadyLoad.open(registry, loadFor(options));
  await load.forSeconds(options.seconds);
  const slots = await inTurns(options, { work, load });
  compare(slots);
  if (!withoutEnd) await toTheEnd(registry, { work, load });
  await verify(registry, { options, work, pushed: load.pushed });
  work.close();
}

function loadFor({ shape, pushRate }: Options): LoadShape {
  const { repositories } = shape;
  const some = Array.from({ length: Math.min(16, repositories) }, (_, index) => index);
  return {
    pushTo: some.map((index) => repositoryName(shape, index)),
    pulls: some.map((index) => ({
      repository: repositoryName(shape, index),
      tag: tagName(index % shape.tags),
    })),
    pushers: 4,
    pullers: 2,
    pushRate,
    // Pulls that go as fast as they can would leave pushes nothing to be slowed down.
    pullRate: pushRate === 0 ? PULL_RATE : pushRate * PULLS_A_PUSH,
    layers: 4,
    layerBytes: 1_000,
  };
}

async function inTurns(
  { rounds, seconds }: Options,
  { work, load }: { work: WorkOfJobs; load: SteadyLoad },
): Promise<Map<Turn, LoadSlot[]>> {
  const slots = new Map<Turn, LoadSlot[]>(TURNS.map((turn) => [turn, []]));
  for (let round = 1; round <= rounds; round += 1) {
    // Every other round the other way round: what grows slower with time weighs on both alike.
    for (const turn of round % 2 === 1 ? TURNS : TURNS.toReversed()) {
      const before = work.done(turn);
      if (turn !== 'none' && !(await work.release(turn))) continue;
      const slot = await load.forSeconds(seconds);
      if (turn !== 'none') await work.hold(turn);
      const done = work.done(turn) - before;
      console.log(`round ${round}, ${turn} (${done} done): ${describeSlot(slot)}`);
      // Files wait a minute for their removal.
      if (turn === 'none' || done > 0) slots.get(turn)?.push(slot);
    }
  }
  return slots;
}

function rowsOf(work: WorkOfJobs): { rows: number; files: number } {
  const { manifests, rights, blobs, removals } = work.waiting();
  return { rows: manifests + rights + blobs, files: removals };
}

function compare(slots: ReadonlyMap<Turn, readonly LoadSlot[]>): void {
  const none = slots.get('none') ?? [];
  for (const [turn, with_] of slots) {
    if (turn === 'none' || with_.length === 0) continue;
    const ratios = with_.map((slot, index) => throughput(slot) / throughput(none[index] ?? slot));
    const { median: middle, min, max } = spreadOf(ratios);
    console.log(
      `${turn}: pushes at ${middle.toFixed(3)} (${min.toFixed(3)}–${max.toFixed(3)}) of the throughput without it; CPU an image ${cpuTimes(with_, none)}; p50 ${times(with_, none, 50)}, p99 ${times(with_, none, 99)} of the time; pulls p99 ${pullTimes(with_, none)}`,
    );
  }
}

function throughput({ pushes, seconds }: LoadSlot): number {
  return pushes.length / seconds;
}

/** Pulls at the same rate are in both. Steadier than the throughput where others use the machine too. */
function cpuTimes(with_: readonly LoadSlot[], none: readonly LoadSlot[]): string {
  const of = (slots: readonly LoadSlot[]) =>
    median(slots.map(({ cpuSeconds = Number.NaN, pushes }) => cpuSeconds / pushes.length));
  return `${(of(with_) / of(none)).toFixed(3)} times`;
}

function times(with_: readonly LoadSlot[], none: readonly LoadSlot[], percent: number): string {
  const of = (slots: readonly LoadSlot[]) =>
    median(slots.map(({ pushes }) => percentile(pushes, percent)));
  return `${(of(with_) / of(none)).toFixed(2)} times`;
}

function pullTimes(with_: readonly LoadSlot[], none: readonly LoadSlot[]): string {
  const of = (slots: readonly LoadSlot[]) =>
    median(slots.map(({ pulls }) => percentile(pulls, 99)));
  return `${(of(with_) / of(none)).toFixed(2)} times`;
}

/** All jobs as they come round by themselves, beside the same load. */
async function toTheEnd(
  registry: Registry,
  { work, load }: { work: WorkOfJobs; load: SteadyLoad },
): Promise<void> {
  const start = performance.now();
  work.free('collect');
  work.free('remove-bytes');
  let looks = 0;
  const isDone = () => {
    // Counting costs more than a look at the clock.
    looks += 1;
    if (looks % 200 !== 0) return false;
    const { rows, files } = rowsOf(work);
    return rows === 0 && files === 0;
  };
  const slot = await load.run(isDone);
  const seconds = (performance.now() - start) / 1000;
  console.log(`the rest, to the end, in ${seconds.toFixed(0)} s: ${describeSlot(slot)}`);
  console.log(`runs: ${work.runs().join(' ')} (${registry.name})`);
}

async function verify(
  registry: Registry,
  { options, work, pushed }: { options: Options; work: WorkOfJobs; pushed: readonly PushedImage[] },
): Promise<void> {
  const { shape, data } = options;
  const left = work.waiting();
  console.log(`after: ${JSON.stringify({ stored: work.stored(), waiting: left })}`);
  await verifyCounters(data, shape.namespace);
  const images = await verifyPushed(registry, pushed);
  console.log(`all ${images} images pushed meanwhile are whole`);
  const blobs = await verifySeeded(registry, shape);
  console.log(`all ${expectedTags(shape)} tags of before are whole: ${blobs} blobs hash true`);
}

function expectedTags({ repositories, tags }: SeedShape): number {
  return repositories * tags;
}
