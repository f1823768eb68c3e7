// P99: how long a manifest GET takes at the 99th percentile while 16 clients push images, against
// its value without them, both in the same run. Reading must not wait for writing.

import type { LoopResult } from '../load/closed-loop.ts';
import { percentile } from '../measure.ts';
import { figureAtMost } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { withImagePushes } from './image-push.ts';
import { hotGet, pushHotImage } from './manifest-read.ts';
import { withLoop } from './request-rate.ts';

const REPOSITORIES = ['bench/beside'];

function readWhilePush(readers: number, targets: Workload['targets']): Workload {
  return {
    id: `P99/${readers}`,
    title: `manifest GET, ${readers} at once: 99th percentile during 16 pushes at once, against idle`,
    unit: '× idle',
    better: 'lower',
    work: 'request',
    targets,
    async prepare(registry, { milliseconds }) {
      const manifest = await pushHotImage(registry);
      const reads = { registry, milliseconds, workers: readers, ...hotGet(manifest) };
      return async (meter) => {
        const idle = await withLoop(reads, (loop) => loop());
        let images = 0;
        const acknowledged = () => {
          images++;
        };
        // The pushes start before the reads and go on a little longer.
        const pushes = {
          registry,
          repositories: REPOSITORIES,
          layerBytes: 20_000,
          milliseconds: milliseconds * 1.2,
          acknowledged,
        };
        const { result, seconds } = await withImagePushes(pushes, (push) =>
          meter.timed(async () => {
            const [busy] = await Promise.all([withLoop(reads, (loop) => loop()), push()]);
            return busy;
          }),
        );
        const p99 = (loop: LoopResult) => percentile(loop.latencies, 99);
        return {
          figure: p99(result) / p99(idle),
          units: result.units,
          latencies: result.latencies,
          notes: {
            'idle p99 ms': p99(idle),
            'idle GET/s': (idle.units / milliseconds) * 1000,
            'GET/s': (result.units / milliseconds) * 1000,
            'images/s': images / seconds,
          },
        };
      };
    },
  };
}

export const readsBesidePushes: readonly Workload[] = [
  readWhilePush(16, [figureAtMost(2)]),
  // One reader alone meets an idle server: what it then waits for is the work of the pushes.
  readWhilePush(1, []),
];
