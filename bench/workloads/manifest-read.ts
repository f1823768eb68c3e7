// B1 and B2: a manifest that everybody pulls, by tag and by digest, and asked for again by somebody
// who has it. With authentication, where the registry asks for it.
import { type Blob, OCI_MANIFEST } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import { timesBetter } from '../targets.ts';
import type { Workload } from '../workload.ts';
import { requestRate } from './request-rate.ts';

const HOT_REPOSITORY = 'bench/hot';
const HOT_TAG = 'latest';
const WORKERS = 16;

interface Variant {
  readonly id: string;
  readonly title: string;
  readonly method: 'GET' | 'HEAD';
  readonly byTag: boolean;
  readonly notModified?: boolean;
}

const VARIANTS: readonly Variant[] = [
  { id: 'B1/get', title: 'manifest GET by tag, hot', method: 'GET', byTag: true },
  { id: 'B1/head', title: 'manifest HEAD by tag, hot', method: 'HEAD', byTag: true },
  { id: 'B2/get', title: 'manifest GET by digest, hot', method: 'GET', byTag: false },
  { id: 'B2/head', title: 'manifest HEAD by digest, hot', method: 'HEAD', byTag: false },
  {
    id: 'B2/304',
    title: 'manifest GET by digest with If-None-Match, hot',
    method: 'GET',
    byTag: false,
    notModified: true,
  },
];

export const manifestRead: readonly Workload[] = VARIANTS.map((variant) => ({
  id: variant.id,
  title: `${variant.title}, ${WORKERS} at once`,
  unit: '/s',
  better: 'higher' as const,
  work: 'request',
  targets: [timesBetter(8, 39)],
  async prepare(registry, scale) {
    const manifest = await pushHotImage(registry);
    const reference = variant.byTag ? HOT_TAG : manifest.digest;
    const { length } = manifest.bytes;
    const headers = {
      Accept: OCI_MANIFEST,
      ...(variant.notModified ? { 'If-None-Match': `"${manifest.digest}"` } : {}),
    };
    const whole = { status: 200, length };
    return requestRate({
      registry,
      repository: HOT_REPOSITORY,
      workers: WORKERS,
      milliseconds: scale.milliseconds,
      requests: [
        {
          line: {
            method: variant.method,
            target: `/v2/${HOT_REPOSITORY}/manifests/${reference}`,
            headers,
          },
          expected: variant.notModified
            ? { status: 304, length: 0 }
            : variant.method === 'GET'
              ? { ...whole, digest: manifest.digest }
              : whole,
        },
      ],
      sampleEvery: 256,
    });
  },
}));

/** A ten-layer image under the hot tag. */
export async function pushHotImage(registry: Registry) {
  const client = await RegistryClient.open(registry, [HOT_REPOSITORY]);
  const image = await client.pushNewImage({
    repository: HOT_REPOSITORY,
    reference: HOT_TAG,
    layers: 10,
    size: 1024,
  });
  return image.manifest;
}

/** The requests of B1: the hot manifest by its tag. */
export function hotGet(manifest: Blob) {
  return {
    repository: HOT_REPOSITORY,
    requests: [
      {
        line: {
          method: 'GET',
          target: `/v2/${HOT_REPOSITORY}/manifests/${HOT_TAG}`,
          headers: { Accept: OCI_MANIFEST },
        },
        expected: { status: 200, length: manifest.bytes.length, digest: manifest.digest },
      },
    ],
    sampleEvery: 256,
  };
}
