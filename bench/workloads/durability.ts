// How many syncs of the disk a push costs: none would mean that an acknowledged push can be lost,
// many that pushes wait for the disk. Shown beside B8 and B10, whose rates they explain.

import { forCount } from '../load/closed-loop.ts';
import { BlobSource } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { countSyncs, whyNoSyncs } from '../syncs.ts';
import { NotSupported, type Workload } from '../workload.ts';
import { single } from './request-rate.ts';

const REPOSITORY = 'bench/syncs';

function syncs(options: {
  readonly id: string;
  readonly title: string;
  readonly work: 'blob' | 'image';
  readonly workers: number;
  readonly count: number;
}): Workload {
  return {
    id: options.id,
    title: options.title,
    unit: `syncs/${options.work}`,
    better: 'lower',
    work: options.work,
    targets: [],
    warmUp: false,
    async prepare(registry) {
      const reason = whyNoSyncs();
      const pid = registry.pid();
      if (reason !== undefined) throw new NotSupported(reason);
      if (pid === undefined) throw new NotSupported('its process is not known');
      const { workers, count } = options;
      return async (meter) => {
        const client = await RegistryClient.open(registry, [REPOSITORY]);
        return client.withConnections(workers, async (connections) => {
          const sources = connections.map(() => new BlobSource(4096));
          const work = async (worker: number, index: number) => {
            const connection = connections[worker] ?? single(connections);
            const source = sources[worker] ?? new BlobSource(4096);
            const reference = `v${index}`;
            const push = { repository: REPOSITORY, reference, source, layers: 10 };
            if (options.work === 'blob')
              await client.pushBlob(connection, REPOSITORY, source.next());
            else await client.pushImage(connection, push);
          };
          const { result } = await meter.timed(() =>
            countSyncs(pid, () => forCount({ workers, count, work })),
          );
          return { figure: result / count, units: count };
        });
      };
    },
  };
}

export const durability: readonly Workload[] = [
  syncs({
    id: 'B8/syncs',
    title: 'syncs of one push of 4 KB, one at a time',
    work: 'blob',
    workers: 1,
    count: 20,
  }),
  syncs({
    id: 'B10/syncs',
    title: 'syncs of one ten-layer image, 16 at once',
    work: 'image',
    workers: 16,
    count: 32,
  }),
];
