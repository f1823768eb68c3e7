// B15: the referrers of one subject, 500 of them, and 10,000 with a filter, whose cost per referrer
// may not be higher.

import { forCount, forDuration } from '../load/closed-loop.ts';
import { blobOf, descriptorOf, OCI_MANIFEST } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { median } from '../measure.ts';
import type { Registry } from '../registries.ts';
import { against, timesBetter } from '../targets.ts';
import { NotSupported, type Target, type Workload } from '../workload.ts';
import { single } from './request-rate.ts';
import { pageChecker, readPages } from './tags-list.ts';

const EMPTY = blobOf(Buffer.from('{}'));
const EMPTY_MEDIA_TYPE = 'application/vnd.oci.empty.v1+json';
const KINDS = ['application/vnd.bench.sbom', 'application/vnd.bench.signature'];

interface Variant {
  readonly id: string;
  readonly title: string;
  readonly count: number;
  /** Ask for the first kind only: half of them. */
  readonly filtered: boolean;
  readonly targets: readonly Target[];
}

function referrers(variant: Variant): Workload {
  return {
    id: variant.id,
    title: variant.title,
    unit: 'ms',
    better: 'lower',
    work: 'list',
    targets: variant.targets,
    async prepare(registry, scale) {
      const repository = `bench/referrers-${variant.count}`;
      const count = scale.quick ? Math.min(variant.count, 100) : variant.count;
      const subject = await pushSubject(registry, repository);
      const base = `/v2/${repository}/referrers/${subject.digest}`;
      await refuseWithoutReferrers(registry, repository, base);
      await pushReferrers(registry, { repository, subject, count });
      const filter = `?artifactType=${encodeURIComponent(KINDS[0] ?? '')}`;
      const target = variant.filtered ? `${base}${filter}` : base;
      const expected = variant.filtered ? Math.ceil(count / KINDS.length) : count;
      return async (meter) => {
        const client = await RegistryClient.open(registry, [repository]);
        return client.withConnections(1, async (all) => {
          const check = pageChecker((pages) => {
            const found = countOf(pages);
            if (found !== expected) throw new Error(`${found} of ${expected} referrers are listed`);
          });
          const work = async () => check(await readPages(client, single(all), target));
          const { milliseconds } = scale;
          const { result } = await meter.timed(() =>
            forDuration({ workers: 1, milliseconds, work }),
          );
          const { units, latencies } = result;
          return { figure: median(latencies), units, latencies };
        });
      };
    },
  };
}

async function pushSubject(registry: Registry, repository: string) {
  const client = await RegistryClient.open(registry, [repository]);
  const push = { repository, reference: 'subject', layers: 1, size: 1024 };
  return (await client.pushNewImage({ ...push })).manifest;
}

async function refuseWithoutReferrers(
  registry: Registry,
  repository: string,
  target: string,
): Promise<void> {
  const client = await RegistryClient.open(registry, [repository]);
  const line = { method: 'GET', target, expect: [200, 404, 405] };
  const { status } = await client.withConnections(1, (all) => client.ask(single(all), line));
  if (status !== 200) throw new NotSupported(`it has no referrers API (${status})`);
}

async function pushReferrers(
  registry: Registry,
  options: {
    readonly repository: string;
    readonly subject: ReturnType<typeof blobOf>;
    readonly count: number;
  },
): Promise<void> {
  const { repository, subject, count } = options;
  const client = await RegistryClient.open(registry, [repository]);
  await client.withConnections(16, async (connections) => {
    const first = single(connections);
    await client.pushBlob(first, repository, EMPTY);
    const work = async (worker: number, index: number) => {
      const manifest = referrerOf(subject, index);
      const put = { repository, reference: manifest.digest, manifest };
      await client.putManifest(connections[worker] ?? first, put);
    };
    await forCount({ workers: 16, count, work });
  });
}

function referrerOf(subject: ReturnType<typeof blobOf>, index: number) {
  const empty = { mediaType: EMPTY_MEDIA_TYPE, digest: EMPTY.digest, size: EMPTY.bytes.length };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: KINDS[index % KINDS.length],
    config: empty,
    layers: [empty],
    subject: descriptorOf(subject),
    annotations: { 'bench.number': String(index) },
  };
  return blobOf(Buffer.from(JSON.stringify(manifest)));
}

function countOf(pages: readonly unknown[]): number {
  return pages.reduce<number>((sum, page) => {
    const list =
      typeof page === 'object' && page !== null && 'manifests' in page ? page.manifests : [];
    return sum + (Array.isArray(list) ? list.length : 0);
  }, 0);
}

export const referrersList: readonly Workload[] = [
  referrers({
    id: 'B15/500',
    title: 'the 500 referrers of one subject, all pages',
    count: 500,
    filtered: false,
    targets: [timesBetter(8)],
  }),
  referrers({
    id: 'B15/10000',
    title: '10,000 referrers of one subject, the half that a filter lets through, all pages',
    count: 10_000,
    filtered: true,
    // 20 times the referrers: linear, with a fifth for the noise of the machine.
    targets: [timesBetter(8), against('B15/500', { atMost: 24 })],
  }),
];
