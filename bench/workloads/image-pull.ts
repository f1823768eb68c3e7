// B11 and B12: whole images pulled, and one blob pulled by a crowd.

import { forCount, forDuration } from '../load/closed-loop.ts';
import { BlobSource, type Image, OCI_MANIFEST } from '../load/content.ts';
import type { Connection } from '../load/http-client.ts';
import { RegistryClient, type RequestLine } from '../load/registry-client.ts';
import { peakBelow, peakRatioAtMost, timesBetter } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { getOf, pushOne } from './blob-read.ts';
import { single } from './request-rate.ts';

const WORKERS = 16;
const IMAGES = 16;
const REPOSITORY = 'bench/pulled';

const pull: Workload = {
  id: 'B11',
  title: 'pull of a ten-layer image (20 KB layers), 16 at once',
  unit: 'images/s',
  better: 'higher',
  work: 'image',
  targets: [timesBetter(6, 15)],
  async prepare(registry, { milliseconds }) {
    const images: Image[] = [];
    const pusher = await RegistryClient.open(registry, [REPOSITORY]);
    const source = new BlobSource(20_000);
    await pusher.withConnections(1, async (all) => {
      for (let index = 0; index < IMAGES; index++) {
        const push = { repository: REPOSITORY, reference: `v${index}`, source, layers: 10 };
        images.push(await pusher.pushImage(single(all), push));
      }
    });
    return async (meter) => {
      const client = await RegistryClient.open(registry, [REPOSITORY]);
      const plans = images.map((image, index) => planOf(client, image, `v${index}`));
      return client.withConnections(WORKERS, async (connections) => {
        const work = async (worker: number, count: number) => {
          const plan = plans[(worker + count) % plans.length] ?? [];
          await follow(connections[worker] ?? single(connections), plan);
        };
        const loop = () => forDuration({ workers: WORKERS, milliseconds, work });
        const { result, seconds } = await meter.timed(loop);
        const { units, latencies } = result;
        await verifyPlan(client, images);
        return { figure: units / seconds, units, latencies };
      });
    };
  },
};

/** The requests of one pull: the manifest by tag, then the config and every layer. */
function planOf(client: RegistryClient, image: Image, tag: string) {
  const get = (target: string, size: number) => {
    const line: RequestLine = { method: 'GET', target, headers: { Accept: OCI_MANIFEST } };
    return { prepared: client.prepare(line), target, size };
  };
  const config = { digest: image.config.digest, size: image.config.bytes.length };
  return [
    get(`/v2/${REPOSITORY}/manifests/${tag}`, image.manifest.bytes.length),
    ...[config, ...image.layers].map(({ digest, size }) =>
      get(`/v2/${REPOSITORY}/blobs/${digest}`, size),
    ),
  ];
}

async function follow(connection: Connection, plan: ReturnType<typeof planOf>): Promise<void> {
  for (const { prepared, target, size } of plan) {
    const { status, received } = await connection.send(prepared);
    if (status !== 200 || received !== size) {
      throw new Error(`GET ${target} gave ${status} and ${received} of ${size} bytes`);
    }
  }
}

async function verifyPlan(client: RegistryClient, images: readonly Image[]): Promise<void> {
  await client.withConnections(1, async (all) => {
    for (const { digest } of images[0]?.layers ?? []) {
      const target = `/v2/${REPOSITORY}/blobs/${digest}`;
      await client.verify(single(all), { target, digest });
    }
  });
}

function crowd(options: {
  readonly clients: number;
  readonly megabytes: number;
  readonly heavy: boolean;
}): Workload {
  const { clients, megabytes } = options;
  return {
    id: `B12/${clients}`,
    title: `${clients} clients pull one blob of ${megabytes} MB: until the last has it`,
    unit: 's',
    better: 'lower',
    work: 'GiB',
    targets: [timesBetter(1), peakRatioAtMost(1), peakBelow(300)],
    heavy: options.heavy,
    async prepare(registry, scale) {
      const repository = 'bench/crowd';
      const size = scale.quick ? 1e6 : megabytes * 1e6;
      const blob = await pushOne(registry, repository, size);
      return async (meter) => {
        const client = await RegistryClient.open(registry, [repository]);
        const { line } = getOf(repository, blob);
        const request = { prepared: client.prepare(line), target: line.target, size };
        return client.withConnections(clients, async (connections) => {
          const work = (worker: number) =>
            follow(connections[worker] ?? single(connections), [request]);
          const loop = () => forCount({ workers: clients, count: clients, work });
          const { seconds } = await meter.timed(loop);
          await client.verify(single(connections), { target: line.target, digest: blob.digest });
          const bytes = clients * size;
          return {
            figure: seconds,
            units: bytes / 2 ** 30,
            notes: { 'MB/s': bytes / 1e6 / seconds },
          };
        });
      };
    },
  };
}

export const imagePull: readonly Workload[] = [
  pull,
  crowd({ clients: 200, megabytes: 20, heavy: false }),
  crowd({ clients: 1000, megabytes: 50, heavy: true }),
];
