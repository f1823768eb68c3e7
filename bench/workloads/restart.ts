// B17: how soon a server answers after its start, whatever it holds. Only for servers that were
// started here.
import { forCount } from '../load/closed-loop.ts';
import { RegistryClient } from '../load/registry-client.ts';
import type { Registry, RegistryControl } from '../registries.ts';
import { figureAtMost } from '../targets.ts';
import { NotSupported, type Scale, type Workload } from '../workload.ts';
import { single } from './request-rate.ts';

const TAGS_A_REQUEST = 100;

export function controlOf(registry: Registry): RegistryControl {
  if (registry.control === undefined) throw new NotSupported('it was not started here');
  return registry.control;
}

function restart(options: {
  readonly id: string;
  readonly title: string;
  readonly heavy: boolean;
  fill(registry: Registry, scale: Scale): Promise<void>;
}): Workload {
  return {
    id: options.id,
    title: `from the start of the process to the first answer, ${options.title}`,
    unit: 'ms',
    better: 'lower',
    work: 'start',
    targets: [figureAtMost(500)],
    heavy: options.heavy,
    async prepare(registry, scale) {
      const control = controlOf(registry);
      await options.fill(registry, scale);
      return async (meter) => {
        await control.kill();
        const { seconds } = await meter.timed(() => control.start());
        return { figure: seconds * 1000, units: 1 };
      };
    },
  };
}

/** Pushes one manifest under all its tags, a hundred in each request. */
async function pushManyTags(registry: Registry, scale: Scale): Promise<void> {
  const repositories = scale.quick ? 1 : 100;
  for (let index = 0; index < repositories; index++) {
    const repository = `bench/million-${index}`;
    const client = await RegistryClient.open(registry, [repository]);
    const push = { repository, reference: 'first', layers: 1, size: 1024 };
    const { manifest } = await client.pushNewImage(push);
    await client.withConnections(4, (connections) =>
      forCount({
        workers: 4,
        count: 10_000 / TAGS_A_REQUEST,
        async work(worker, request) {
          const names = Array.from(
            { length: TAGS_A_REQUEST },
            (_, tag) => `tag=v${request * TAGS_A_REQUEST + tag}`,
          );
          const reference = `${manifest.digest}?${names.join('&')}`;
          const connection = connections[worker] ?? single(connections);
          const answer = await client.putManifest(connection, { repository, reference, manifest });
          if (answer.header('oci-tag') === undefined) {
            throw new NotSupported('it takes one tag a request: a million would take too long');
          }
        },
      }),
    );
  }
}

export const restarts: readonly Workload[] = [
  restart({
    id: 'B17/data',
    title: 'with the data of the workloads before',
    heavy: false,
    fill: async () => undefined,
  }),
  restart({
    id: 'B17/million',
    title: 'with 1,000,000 tags more',
    heavy: true,
    fill: pushManyTags,
  }),
];
