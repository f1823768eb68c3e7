// B17, B18 and B21: what needs control over the process: a restart, its memory, and kill -9 in the
// middle of pushes. Registries given by address are passed over.

import { forCount } from '../load/closed-loop.ts';
import { BlobSource, OCI_MANIFEST } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { memoryOf } from '../measure.ts';
import type { Registry, RegistryControl } from '../registries.ts';
import { figureAtMost } from '../targets.ts';
import { NotSupported, type Workload } from '../workload.ts';
import { type PushedImage, verifyImage, withImagePushes } from './image-push.ts';
import { HOT_REPOSITORY, HOT_TAG, pushHotImage } from './manifest-read.ts';
import { requestRate, single } from './request-rate.ts';

const MEGABYTE = 1e6;
const SETTLE_MS = 500;

function controlOf(registry: Registry): RegistryControl {
  if (registry.control === undefined) throw new NotSupported('it was not started here');
  return registry.control;
}

const restart: Workload = {
  id: 'B17',
  title: 'from the start of the process to the first 200, with all data of the workloads before',
  unit: 'ms',
  better: 'lower',
  work: 'start',
  targets: [figureAtMost(500)],
  async prepare(registry) {
    const control = controlOf(registry);
    return async (meter) => {
      await control.kill();
      const { seconds } = await meter.timed(() => control.start());
      return { figure: seconds * 1000, units: 1 };
    };
  },
};

function memory(options: {
  readonly id: string;
  readonly title: string;
  readonly megabytes: number;
  /** What happens between the restart and the look at the peak. */
  load(registry: Registry, milliseconds: number): Promise<() => Promise<unknown>>;
}): Workload {
  return {
    id: options.id,
    title: options.title,
    unit: 'MB',
    better: 'lower',
    work: 'run',
    targets: [figureAtMost(options.megabytes)],
    warmUp: false,
    async prepare(registry, scale) {
      const control = controlOf(registry);
      return async (meter) => {
        await control.kill();
        await control.start();
        const load = await options.load(registry, scale.milliseconds);
        await meter.timed(load);
        const { peakBytes } = memoryOf(registry.pid() ?? 0);
        return { figure: peakBytes / MEGABYTE, units: 1 };
      };
    },
  };
}

const memories: readonly Workload[] = [
  memory({
    id: 'B18/idle',
    title: 'highest memory of a server that was started and has nothing to do',
    megabytes: 80,
    load: async () => () => Bun.sleep(SETTLE_MS),
  }),
  memory({
    id: 'B18/B1',
    title: 'highest memory while a manifest is read by tag, 16 at once',
    megabytes: 150,
    async load(registry, milliseconds) {
      const manifest = await pushHotImage(registry);
      const run = requestRate({
        registry,
        repository: HOT_REPOSITORY,
        workers: 16,
        milliseconds,
        requests: [
          {
            line: {
              method: 'GET',
              target: `/v2/${HOT_REPOSITORY}/manifests/${HOT_TAG}`,
              headers: { Accept: OCI_MANIFEST },
            },
            expected: { status: 200, length: manifest.bytes.length, digest: manifest.digest },
          },
        ],
        sampleEvery: 256,
      });
      const untimed = {
        timed: async <T>(work: () => Promise<T>) => ({ result: await work(), seconds: 1 }),
      };
      return () => run(untimed);
    },
  }),
  memory({
    id: 'B18/uploads',
    title: 'highest memory in 32 uploads of 64 MB at once',
    megabytes: 150,
    async load(registry) {
      const repository = 'bench/uploads';
      const client = await RegistryClient.open(registry, [repository]);
      // All send the same bytes: the load would else hold 2 GB.
      const blob = new BlobSource(64 * MEGABYTE).next();
      return () =>
        client.withConnections(32, (connections) =>
          forCount({
            workers: 32,
            count: 32,
            work: (worker) =>
              client.pushBlob(connections[worker] ?? single(connections), repository, blob),
          }),
        );
    },
  }),
];

const crash: Workload = {
  id: 'B21',
  title: 'acknowledged pushes lost by kill -9 in the middle of B10',
  unit: 'lost',
  better: 'lower',
  work: 'image',
  targets: [figureAtMost(0)],
  warmUp: false,
  async prepare(registry, scale) {
    const control = controlOf(registry);
    const repositories = ['bench/crash-0', 'bench/crash-1'];
    return async (meter) => {
      const pushed: PushedImage[] = [];
      let killed: Promise<void> | undefined;
      // At another moment of the pushes in each run.
      const killAfter = 20 + Math.floor(Math.random() * (scale.quick ? 20 : 100));
      const acknowledged = (image: PushedImage) => {
        // What was acknowledged before the kill was sent counts; the answer was whole.
        if (killed === undefined) pushed.push(image);
        if (pushed.length >= killAfter) killed ??= control.kill();
      };
      const milliseconds = 60_000;
      const options = { registry, repositories, layerBytes: 20_000, milliseconds, acknowledged };
      await meter.timed(() => withImagePushes(options, (push) => push().catch(() => undefined)));
      if (killed === undefined)
        throw new Error(`only ${pushed.length} pushes before the time was over`);
      await killed;
      await control.start();
      const client = await RegistryClient.open(registry, repositories);
      let lost = 0;
      for (const image of pushed) {
        await verifyImage(client, image).catch((error: unknown) => {
          lost++;
          console.error(
            `${registry.name} lost a push: ${error instanceof Error ? error.message : error}`,
          );
        });
      }
      return { figure: lost, units: pushed.length, notes: { acknowledged: pushed.length } };
    };
  },
};

export const processControl: readonly Workload[] = [restart, ...memories, crash];
