// B21: kill -9 in the middle of B10, and then the question whether every push that was acknowledged
// before it is there, byte by byte. Only for servers that were started here.
import { RegistryClient } from '../load/registry-client.ts';
import { figureAtMost } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { type PushedImage, verifyImage, withImagePushes } from './image-push.ts';
import { controlOf } from './restart.ts';

export const crash: Workload = {
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
