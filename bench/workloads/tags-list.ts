// B13: the list of 20,000 tags: whole, one page in its middle, and what one more tag costs.

import { forCount, forDuration } from '../load/closed-loop.ts';
import { type Blob, BlobSource, imageOf } from '../load/content.ts';
import type { Connection } from '../load/http-client.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { median } from '../measure.ts';
import type { Registry } from '../registries.ts';
import { timesBetter } from '../targets.ts';
import { NotSupported, type Run, type Scale, type Workload } from '../workload.ts';
import { single } from './request-rate.ts';

const REPOSITORY = 'bench/tags';
const LIST = `/v2/${REPOSITORY}/tags/list`;
const PAGE = 100;
const MAX_PAGES = 10_000;
const PARSED_ONE_OF = 32;

interface Tagged {
  readonly manifest: Blob;
  readonly tags: readonly string[];
}

/** Each registry is filled once; the three variants share it. */
const filled = new WeakMap<Registry, Promise<Tagged>>();

function fill(registry: Registry, scale: Scale): Promise<Tagged> {
  const known = filled.get(registry) ?? pushTags(registry, scale.quick ? 500 : 20_000);
  filled.set(registry, known);
  return known;
}

async function pushTags(registry: Registry, count: number): Promise<Tagged> {
  const client = await RegistryClient.open(registry, [REPOSITORY]);
  const layer = new BlobSource(1024).next();
  const { config, manifest } = imageOf([{ digest: layer.digest, size: layer.bytes.length }]);
  const tags = Array.from({ length: count }, (_, index) => `v${String(index).padStart(6, '0')}`);
  await client.withConnections(16, async (connections) => {
    const first = single(connections);
    await client.pushBlob(first, REPOSITORY, layer);
    await client.pushBlob(first, REPOSITORY, config);
    const work = async (worker: number, index: number) => {
      const reference = tags[index] ?? '';
      const put = { repository: REPOSITORY, reference, manifest };
      await client.putManifest(connections[worker] ?? first, put);
    };
    await forCount({ workers: 16, count, work });
  });
  return { manifest, tags };
}

/** Follows `Link` from this target to the last page. The bodies are left to be parsed by `checkPages`. */
export async function readPages(
  client: RegistryClient,
  connection: Connection,
  start: string,
): Promise<readonly Uint8Array[]> {
  const pages: Uint8Array[] = [];
  for (let target: string | undefined = start; target !== undefined; ) {
    const answer = await client.ask(connection, { method: 'GET', target, expect: [200] });
    pages.push(answer.body);
    const link: string | undefined = answer.header('link')?.match(/<([^>]*)>/)?.[1];
    target = link?.slice(link.indexOf('/v2/'));
    if (pages.length > MAX_PAGES) throw new Error(`${start} has no last page`);
  }
  return pages;
}

/**
 * Checks what was read: the first and one of many by `check`, all others by their length, since
 * parsing a long list costs the load more than reading it.
 */
export function pageChecker(
  check: (pages: readonly unknown[]) => void,
): (pages: readonly Uint8Array[]) => void {
  let count = 0;
  let length = 0;
  return (pages) => {
    const total = pages.reduce((sum, page) => sum + page.length, 0);
    if (count++ % PARSED_ONE_OF === 0) {
      check(pages.map((page) => JSON.parse(Buffer.from(page).toString())));
      length = total;
    } else if (total !== length) {
      throw new Error(`the same list has ${total} bytes after ${length}`);
    }
  };
}

function tagsOf(pages: readonly unknown[]): string[] {
  return pages.flatMap((page) => {
    const tags = typeof page === 'object' && page !== null && 'tags' in page ? page.tags : [];
    return Array.isArray(tags) ? tags.map(String) : [];
  });
}

/** The figure is the median of the milliseconds of one unit after another. */
function oneByOne(
  registry: Registry,
  scale: Scale,
  unit: (client: RegistryClient, connection: Connection) => Promise<void>,
): Run {
  return async (meter) => {
    const client = await RegistryClient.open(registry, [REPOSITORY]);
    return client.withConnections(1, async (all) => {
      const work = () => unit(client, single(all));
      const { milliseconds } = scale;
      const { result } = await meter.timed(() => forDuration({ workers: 1, milliseconds, work }));
      const { units, latencies } = result;
      return { figure: median(latencies), units, latencies };
    });
  };
}

const whole: Workload = {
  id: 'B13/whole',
  title: 'tags/list of 20,000 tags, all of them, in as many pages as the registry makes of it',
  unit: 'ms',
  better: 'lower',
  work: 'list',
  targets: [timesBetter(4)],
  async prepare(registry, scale) {
    const { tags } = await fill(registry, scale);
    const check = pageChecker((pages) => {
      const found = tagsOf(pages).length;
      if (found < tags.length) throw new Error(`only ${found} of ${tags.length} tags are listed`);
    });
    return oneByOne(registry, scale, async (client, connection) => {
      check(await readPages(client, connection, LIST));
    });
  },
};

const page: Workload = {
  id: 'B13/page',
  title: 'tags/list of 20,000 tags, a page of 100 in the middle',
  unit: 'ms',
  better: 'lower',
  work: 'page',
  targets: [timesBetter(30)],
  async prepare(registry, scale) {
    const { tags } = await fill(registry, scale);
    const middle = Math.floor(tags.length / 2);
    const target = `${LIST}?n=${PAGE}&last=${tags[middle]}`;
    const expected = tags.slice(middle + 1, middle + 1 + PAGE).join();
    const read = async (client: RegistryClient, connection: Connection) => {
      const answer = await client.ask(connection, { method: 'GET', target, expect: [200] });
      return tagsOf([JSON.parse(Buffer.from(answer.body).toString())]);
    };
    const client = await RegistryClient.open(registry, [REPOSITORY]);
    const found = await client.withConnections(1, (all) => read(client, single(all)));
    if (found.length > PAGE) {
      throw new NotSupported(`it lists ${found.length} tags where ${PAGE} were asked for`);
    }
    return oneByOne(registry, scale, async (each, connection) => {
      const names = await read(each, connection);
      if (names.join() !== expected) throw new Error('the page has other tags than were pushed');
    });
  },
};

let added = 0;

const oneMore: Workload = {
  id: 'B13/more',
  title: 'one more tag beside 20,000',
  unit: 'ms',
  better: 'lower',
  work: 'tag',
  targets: [timesBetter(4)],
  async prepare(registry, scale) {
    const { manifest } = await fill(registry, scale);
    return oneByOne(registry, scale, async (client, connection) => {
      const reference = `x-more-${added++}`;
      await client.putManifest(connection, { repository: REPOSITORY, reference, manifest });
    });
  },
};

export const tagsList: readonly Workload[] = [whole, page, oneMore];
