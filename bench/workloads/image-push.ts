// B10: whole images pushed by 16 clients at once, into one repository or into sixteen. What a
// registry serialises per repository shows here.

import { forDuration, type LoopResult } from '../load/closed-loop.ts';
import { BlobSource, type Image } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import { against, timesBetter } from '../targets.ts';
import type { Run, Workload } from '../workload.ts';
import { single } from './request-rate.ts';

const WORKERS = 16;
const LAYERS = 10;

export interface PushedImage {
  readonly repository: string;
  readonly tag: string;
  readonly image: Image;
}

export interface ImagePushes {
  readonly registry: Registry;
  readonly repositories: readonly string[];
  readonly layerBytes: number;
  readonly milliseconds: number;
  /** Called when the registry has acknowledged the whole image. */
  acknowledged(pushed: PushedImage): void;
}

let series = 0;

/** Opens the connections, then lets `use` start the pushes. Every image is new, under a new tag. */
export async function withImagePushes<T>(
  options: ImagePushes,
  use: (push: () => Promise<LoopResult>, client: RegistryClient) => Promise<T>,
): Promise<T> {
  const client = await RegistryClient.open(options.registry, options.repositories);
  const sources = Array.from({ length: WORKERS }, () => new BlobSource(options.layerBytes));
  const run = series++;
  return client.withConnections(WORKERS, (connections) => {
    const work = async (worker: number, count: number) => {
      const repository = options.repositories[worker % options.repositories.length];
      const source = sources[worker];
      const connection = connections[worker];
      if (repository === undefined || source === undefined || connection === undefined) {
        throw new Error('a worker has nothing to push');
      }
      const tag = `r${run}-w${worker}-${count}`;
      const push = { repository, reference: tag, source, layers: LAYERS };
      options.acknowledged({ repository, tag, image: await client.pushImage(connection, push) });
    };
    const { milliseconds } = options;
    return use(() => forDuration({ workers: WORKERS, milliseconds, work }), client);
  });
}

/** Reads an image's manifest by tag and all its blobs, and checks every byte. */
export async function verifyImage(client: RegistryClient, pushed: PushedImage): Promise<void> {
  const { repository, tag, image } = pushed;
  await client.withConnections(1, async (all) => {
    const connection = single(all);
    const manifests = `/v2/${repository}/manifests`;
    await client.verify(connection, { target: `${manifests}/${tag}`, ...image.manifest });
    for (const { digest } of [image.config, ...image.layers]) {
      await client.verify(connection, { target: `/v2/${repository}/blobs/${digest}`, digest });
    }
  });
}

function pushRun(options: Omit<ImagePushes, 'acknowledged'>): Run {
  return async (meter) => {
    const last: PushedImage[] = [];
    const acknowledged = (pushed: PushedImage) => {
      last[0] = pushed;
    };
    return withImagePushes({ ...options, acknowledged }, async (push, client) => {
      const { result, seconds } = await meter.timed(push);
      for (const pushed of last) await verifyImage(client, pushed);
      return { figure: result.units / seconds, units: result.units, latencies: result.latencies };
    });
  };
}

function variant(options: {
  readonly id: string;
  readonly kilobytes: number;
  readonly repositories: number;
  readonly targets: Workload['targets'];
}): Workload {
  const where = options.repositories === 1 ? 'one repository' : 'sixteen repositories';
  const repositories = Array.from(
    { length: options.repositories },
    (_, index) => `bench/images-${options.repositories}-${index}`,
  );
  return {
    id: options.id,
    title: `push of a ten-layer image (${options.kilobytes} KB layers), ${where}, 16 at once`,
    unit: 'images/s',
    better: 'higher',
    work: 'image',
    targets: options.targets,
    prepare: async (registry, { milliseconds }) =>
      pushRun({ registry, repositories, layerBytes: options.kilobytes * 1000, milliseconds }),
  };
}

export const imagePush: readonly Workload[] = [
  variant({ id: 'B10/sixteen', kilobytes: 20, repositories: 16, targets: [timesBetter(5, 15)] }),
  variant({
    id: 'B10/one',
    kilobytes: 20,
    repositories: 1,
    targets: [timesBetter(5, 15), against('B10/sixteen', { atLeast: 0.8 })],
  }),
  variant({ id: 'B10/200KB', kilobytes: 200, repositories: 1, targets: [timesBetter(5, 15)] }),
];
