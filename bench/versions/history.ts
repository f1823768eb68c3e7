// The history of a tag in a registry of a million tags, through the API: first of tags that nobody asked for
// before, then of one with a long history.

import { basic } from '../load/authorization.ts';
import { forCount } from '../load/closed-loop.ts';
import { Connection, prepareRequest } from '../load/http-client.ts';
import { percentile } from '../measure.ts';
import type { Registry } from '../registries.ts';
import { repositoryName, type SeedShape, tagName } from '../seed-versions.ts';

/** Requests of one round. */
const REQUESTS = 2_000;

export async function measureHistory(
  registry: Registry,
  { shape, rounds }: { shape: SeedShape; rounds: number },
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const workers of [1, 16]) {
      const latencies = await ask(registry, { shape, workers });
      const [p50, p99, most] = [50, 99, 100].map((each) => percentile(latencies, each).toFixed(3));
      console.log(
        `round ${round}, ${workers} at once, ${latencies.length} tags by chance: p50 ${p50} ms, p99 ${p99} ms, max ${most} ms`,
      );
    }
  }
}

async function ask(
  registry: Registry,
  { shape, workers }: { shape: SeedShape; workers: number },
): Promise<readonly number[]> {
  const connections = Array.from({ length: workers }, () => new Connection(registry.endpoint));
  const headers = basic(registry);
  try {
    const { latencies } = await forCount({
      workers,
      count: REQUESTS,
      async work(worker) {
        const repository = repositoryName(shape, Math.floor(Math.random() * shape.repositories));
        const tag = tagName(Math.floor(Math.random() * shape.tags));
        const target = `/api/v1/repositories/${encodeURIComponent(repository)}/tags/${tag}/history`;
        const request = prepareRequest(registry.endpoint, { method: 'GET', target, headers });
        const answer = await connections[worker]?.send(request, { keep: true });
        const { items } = JSON.parse(Buffer.from(answer?.body ?? '').toString()) as {
          items?: { sequence: number }[];
        };
        if (answer?.status !== 200 || !items?.length) {
          throw new Error(`${target} gave ${answer?.status} and ${items?.length} moves`);
        }
      },
    });
    return latencies;
  } finally {
    for (const connection of connections) connection.close();
  }
}
