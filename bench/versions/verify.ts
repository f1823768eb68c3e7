// Whether anything was lost: every tag is pulled with all that its image names, every byte hashed, and the
// counters are compared with a recount.
import { join } from 'node:path';
import { openSqliteReader } from '../../src/metadata/sqlite.ts';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import { forCount } from '../load/closed-loop.ts';
import { digestOf, OCI_MANIFEST } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import { repositoryName, type SeedShape, tagName } from '../seed-versions.ts';
import { type PushedImage, verifyImage } from '../workloads/image-push.ts';

const WORKERS = 16;
/** Repositories that one token is asked for. */
const REPOSITORIES_A_TOKEN = 50;

/** @returns how many different blobs were read. @throws for the first that is absent or has other bytes. */
export async function verifySeeded(registry: Registry, shape: SeedShape): Promise<number> {
  let read = 0;
  for (let from = 0; from < shape.repositories; from += REPOSITORIES_A_TOKEN) {
    const count = Math.min(REPOSITORIES_A_TOKEN, shape.repositories - from);
    const names = Array.from({ length: count }, (_, index) => repositoryName(shape, from + index));
    const client = await RegistryClient.open(registry, names);
    for (const name of names) read += await verifyRepository(client, { name, shape });
  }
  return read;
}

async function verifyRepository(
  client: RegistryClient,
  { name, shape }: { name: string; shape: SeedShape },
): Promise<number> {
  const seen = new Set<string>();
  await client.withConnections(WORKERS, (connections) =>
    forCount({
      workers: WORKERS,
      count: shape.tags,
      async work(worker, tag) {
        const connection = connections[worker];
        if (connection === undefined) throw new Error('no connection');
        const read = async (target: string) => {
          const headers = { Accept: OCI_MANIFEST };
          return client.ask(connection, { method: 'GET', target, headers, expect: [200] });
        };
        const answer = await read(`/v2/${name}/manifests/${tagName(tag)}`);
        const digest = digestOf(answer.body);
        if (digest !== answer.header('docker-content-digest'))
          throw new Error(`${name} is altered`);
        seen.add(digest);
        const manifest = JSON.parse(Buffer.from(answer.body).toString()) as {
          config: { digest: string };
          layers: { digest: string }[];
        };
        for (const part of [manifest.config, ...manifest.layers]) {
          if (seen.has(part.digest)) continue;
          seen.add(part.digest);
          const { body } = await read(`/v2/${name}/blobs/${part.digest}`);
          if (digestOf(body) !== part.digest) throw new Error(`${part.digest} has other bytes`);
        }
      },
    }),
  );
  return seen.size;
}

export async function verifyPushed(
  registry: Registry,
  pushed: readonly PushedImage[],
): Promise<number> {
  const client = await RegistryClient.open(registry, [
    ...new Set(pushed.map(({ repository }) => repository)),
  ]);
  for (const image of pushed) await verifyImage(client, image);
  return pushed.length;
}

/** @throws when a counter differs from a recount. */
export async function verifyCounters(data: string, namespace: string): Promise<void> {
  const sql = openSqliteReader(join(data, 'entrepot.db'), Date.now);
  try {
    const [scope] = await readScopes(sql, [namespace]);
    const recounted = await recountUsage(sql, namespace);
    for (const [name, count] of Object.entries(recounted)) {
      const counted: unknown = Object.entries(scope ?? {}).find(([key]) => key === name)?.[1];
      if (counted !== count) throw new Error(`${name}: ${counted} counted, ${count} recounted`);
    }
    console.log(`counters agree with a recount: ${JSON.stringify(recounted)}`);
  } finally {
    sql.close();
  }
}
