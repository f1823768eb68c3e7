// B8 and B9: blobs pushed: small, large and very large in one PUT, and in chunks, where only the
// closing PUT is measured: it must not read the blob again.

import { forDuration } from '../load/closed-loop.ts';
import { BlobSource } from '../load/content.ts';
import { locationOf, RegistryClient } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import { against, cpuAtMost, timesBetter } from '../targets.ts';
import type { Run, Scale, Workload } from '../workload.ts';
import { single } from './request-rate.ts';

const MEGABYTE = 1e6;
const MIB = 1024 * 1024;
const CHUNK_BYTES = 5 * MIB;
const VERIFIED = 4;

interface PushOptions {
  readonly registry: Registry;
  readonly scale: Scale;
  readonly size: number;
  readonly workers: number;
}

/** Pushes new blobs for the time of a run; afterwards reads some of them back. */
function pushes(options: PushOptions): Run {
  const repository = 'bench/pushed';
  return async (meter) => {
    const client = await RegistryClient.open(options.registry, [repository]);
    const sources = Array.from({ length: options.workers }, () => new BlobSource(options.size));
    return client.withConnections(options.workers, async (connections) => {
      const first = single(connections);
      const digests: string[] = [];
      const work = async (worker: number) => {
        const blob = sources[worker]?.next();
        if (blob === undefined) throw new Error('a worker has no source');
        await client.pushBlob(connections[worker] ?? first, repository, blob);
        digests.push(blob.digest);
      };
      const { result, seconds } = await meter.timed(() =>
        forDuration({ workers: options.workers, milliseconds: options.scale.milliseconds, work }),
      );
      for (const digest of digests.slice(-VERIFIED)) {
        await client.verify(first, { target: `/v2/${repository}/blobs/${digest}`, digest });
      }
      const inBytes = options.size >= MEGABYTE;
      const bytes = result.units * options.size;
      return {
        figure: inBytes ? bytes / MEGABYTE / seconds : result.units / seconds,
        units: inBytes ? bytes / 2 ** 30 : result.units,
        latencies: result.latencies,
      };
    });
  };
}

const whole: readonly Workload[] = [
  {
    id: 'B8/4KB',
    title: 'POST and PUT of 4 KB, 16 at once',
    unit: '/s',
    better: 'higher',
    work: 'blob',
    targets: [timesBetter(8, 20)],
    prepare: async (registry, scale) => pushes({ registry, scale, size: 4096, workers: 16 }),
  },
  {
    id: 'B8/10MB',
    title: 'POST and PUT of 10 MB, 16 at once',
    unit: 'MB/s',
    better: 'higher',
    work: 'GiB',
    targets: [timesBetter(1.2), cpuAtMost(0.5)],
    prepare: async (registry, scale) =>
      pushes({ registry, scale, size: 10 * MEGABYTE, workers: 16 }),
  },
  {
    id: 'B8/256MB',
    title: 'POST and PUT of 256 MB, one at a time',
    unit: 'MB/s',
    better: 'higher',
    work: 'GiB',
    targets: [timesBetter(1.2), cpuAtMost(0.5)],
    prepare: async (registry, scale) =>
      pushes({ registry, scale, size: (scale.quick ? 32 : 256) * MEGABYTE, workers: 1 }),
  },
];

/** The figure is the milliseconds of the closing PUT, which carries no bytes. */
function chunked(registry: Registry, size: number): Run {
  const repository = 'bench/chunked';
  const source = new BlobSource(size);
  return async (meter) => {
    const client = await RegistryClient.open(registry, [repository]);
    return client.withConnections(1, async (all) => {
      const connection = single(all);
      const blob = source.next();
      const { result, seconds } = await meter.timed(async () => {
        let location = await client.startUpload(connection, repository);
        for (let at = 0; at < size; at += CHUNK_BYTES) {
          const body = blob.bytes.subarray(at, Math.min(size, at + CHUNK_BYTES));
          const answer = await client.ask(connection, {
            method: 'PATCH',
            target: location,
            headers: {
              'Content-Type': 'application/octet-stream',
              'Content-Range': `${at}-${at + body.length - 1}`,
            },
            body,
            expect: [202],
          });
          location = locationOf(answer);
        }
        const start = performance.now();
        await client.closeUpload(connection, { location, digest: blob.digest });
        return performance.now() - start;
      });
      const target = `/v2/${repository}/blobs/${blob.digest}`;
      await client.verify(connection, { target, digest: blob.digest });
      const rate = size / MEGABYTE / seconds;
      return { figure: result, units: size / 2 ** 30, notes: { 'whole push MB/s': rate } };
    });
  };
}

const inChunks: readonly Workload[] = [
  {
    id: 'B9/32MB',
    title: '32 MB in PATCHes of 5 MiB: the closing PUT',
    unit: 'ms',
    better: 'lower',
    work: 'GiB',
    targets: [],
    prepare: async (registry) => chunked(registry, 32 * MEGABYTE),
  },
  {
    id: 'B9/256MB',
    title: '256 MB in PATCHes of 5 MiB: the closing PUT',
    unit: 'ms',
    better: 'lower',
    work: 'GiB',
    // Constant in size: eight times the bytes may not cost twice the time.
    targets: [timesBetter(1), against('B9/32MB', { atMost: 2 })],
    prepare: async (registry, scale) => chunked(registry, (scale.quick ? 64 : 256) * MEGABYTE),
  },
];

export const blobPush: readonly Workload[] = [...whole, ...inChunks];
