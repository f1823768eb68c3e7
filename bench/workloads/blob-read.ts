// B4 to B7: blobs asked for and read: HEAD beside many manifests, small ones, large ones, and one
// very large one in ranges.

import { forCount } from '../load/closed-loop.ts';
import { BlobSource, blobOf, digestOf, imageOf } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import { cpuAtMost, timesBetter } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { byteRate, requestRate, single } from './request-rate.ts';

const MEGABYTE = 1e6;
const MIB = 1024 * 1024;
const RANGE_BYTES = 16 * MIB;

const headBesideManifests: Workload = {
  id: 'B4',
  title: 'blob HEAD in a repository with 1,000 manifests, 16 at once',
  unit: '/s',
  better: 'higher',
  work: 'request',
  targets: [timesBetter(8, 33)],
  async prepare(registry, scale) {
    const repository = 'bench/manifests';
    const client = await RegistryClient.open(registry, [repository]);
    const layer = new BlobSource(1024).next();
    await client.withConnections(16, async (connections) => {
      const first = single(connections);
      await client.pushBlob(first, repository, layer);
      const { bytes, digest } = layer;
      const work = async (worker: number, index: number) => {
        const image = imageOf([{ digest, size: bytes.length }]);
        const connection = connections[worker] ?? first;
        await client.pushBlob(connection, repository, image.config);
        const reference = `v${index}`;
        await client.putManifest(connection, { repository, reference, manifest: image.manifest });
      };
      await forCount({ workers: 16, count: scale.quick ? 50 : 1000, work });
    });
    return requestRate({
      registry,
      repository,
      workers: 16,
      milliseconds: scale.milliseconds,
      requests: [
        {
          line: { method: 'HEAD', target: `/v2/${repository}/blobs/${layer.digest}` },
          expected: { status: 200, length: layer.bytes.length },
        },
      ],
      sampleEvery: Number.POSITIVE_INFINITY,
    });
  },
};

const small: Workload = {
  id: 'B5',
  title: 'blob GET of 4 KB, 16 at once',
  unit: '/s',
  better: 'higher',
  work: 'request',
  targets: [timesBetter(8, 52)],
  async prepare(registry, scale) {
    const repository = 'bench/small';
    const blob = await pushOne(registry, repository, 4096);
    return requestRate({
      registry,
      repository,
      workers: 16,
      milliseconds: scale.milliseconds,
      requests: [getOf(repository, blob)],
      sampleEvery: 256,
    });
  },
};

const large: readonly Workload[] = [1, 16, 128].map((workers) => ({
  id: `B6/${workers}`,
  title: `blob GET of 10 MB, ${workers} at once`,
  unit: 'MB/s',
  better: 'higher',
  work: 'GiB',
  targets: [cpuAtMost(0.4), timesBetter(1)],
  async prepare(registry, scale) {
    const repository = 'bench/large';
    const blob = await pushOne(registry, repository, 10 * MEGABYTE);
    return byteRate({
      registry,
      repository,
      workers,
      milliseconds: scale.milliseconds,
      requests: [getOf(repository, blob)],
      // Hashing costs the load more than reading: enough to notice, too little to slow it down.
      sampleEvery: 64,
      bytes: blob.size,
    });
  },
}));

const ranges: Workload = {
  id: 'B7',
  title: '256 MB in ranges of 16 MiB, 8 at once',
  unit: 'MB/s',
  better: 'higher',
  work: 'GiB',
  targets: [cpuAtMost(0.4), timesBetter(1)],
  async prepare(registry, scale) {
    const repository = 'bench/ranges';
    const client = await RegistryClient.open(registry, [repository]);
    const blob = new BlobSource((scale.quick ? 4 : 16) * RANGE_BYTES).next();
    await client.withConnections(1, (all) => client.pushBlob(single(all), repository, blob));
    const requests = Array.from({ length: blob.bytes.length / RANGE_BYTES }, (_, index) => {
      const start = index * RANGE_BYTES;
      const end = start + RANGE_BYTES;
      return {
        line: {
          method: 'GET',
          target: `/v2/${repository}/blobs/${blob.digest}`,
          headers: { Range: `bytes=${start}-${end - 1}` },
        },
        expected: {
          status: 206,
          length: RANGE_BYTES,
          digest: digestOf(blob.bytes.subarray(start, end)),
        },
      };
    });
    return byteRate({
      registry,
      repository,
      workers: 8,
      milliseconds: scale.milliseconds,
      requests,
      sampleEvery: 32,
      bytes: RANGE_BYTES,
    });
  },
};

interface PushedBlob {
  readonly digest: string;
  readonly size: number;
}

export async function pushOne(
  registry: Registry,
  repository: string,
  size: number,
): Promise<PushedBlob> {
  const client = await RegistryClient.open(registry, [repository]);
  const { bytes } = new BlobSource(size).next();
  const blob = blobOf(bytes);
  await client.withConnections(1, (all) => client.pushBlob(single(all), repository, blob));
  return { digest: blob.digest, size };
}

export function getOf(repository: string, blob: PushedBlob) {
  return {
    line: { method: 'GET', target: `/v2/${repository}/blobs/${blob.digest}` },
    expected: { status: 200, length: blob.size, digest: blob.digest },
  };
}

export const blobRead: readonly Workload[] = [headBesideManifests, small, ...large, ranges];
