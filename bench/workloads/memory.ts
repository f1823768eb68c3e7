// B18: the highest memory of a freshly started server: idle, while a manifest is read, and in many
// large uploads. Only for servers that were started here.
import { forCount } from '../load/closed-loop.ts';
import { BlobSource } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { memoryOf } from '../measure.ts';
import type { Registry } from '../registries.ts';
import { figureAtMost } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { hotGet, pushHotImage } from './manifest-read.ts';
import { single, withLoop } from './request-rate.ts';
import { controlOf } from './restart.ts';

const MEGABYTE = 1e6;
/** How long an idle server is looked at. */
const IDLE_MS = 500;

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

export const memories: readonly Workload[] = [
  memory({
    id: 'B18/idle',
    title: 'highest memory of a server that was started and has nothing to do',
    megabytes: 80,
    load: async () => () => Bun.sleep(IDLE_MS),
  }),
  memory({
    id: 'B18/B1',
    title: 'highest memory while a manifest is read by tag, 16 at once',
    megabytes: 150,
    async load(registry, milliseconds) {
      const manifest = await pushHotImage(registry);
      const options = { registry, milliseconds, workers: 16, ...hotGet(manifest) };
      return () => withLoop(options, (loop) => loop());
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
