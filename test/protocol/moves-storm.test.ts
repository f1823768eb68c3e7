// Counters of namespaces when much moves, and when names move while others push.
import { expect } from 'bun:test';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import { ADMIN, askApi } from './api-world.ts';
import { onBothEngines, type ProtocolSuite } from './engines.ts';
import {
  type Described,
  describeContent,
  imageManifest,
  OCI_CONFIG,
  OCI_LAYER,
  pushBlob,
  pushImage,
  putManifest,
} from './push.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

function asking(registry: ProtocolSuite['registry']) {
  const ask = (method: string, path: string, body?: unknown) =>
    askApi(registry().url, { method, path, headers: ADMIN, ...(body !== undefined && { body }) });
  const counters = async (path: string) => {
    const { sql } = registry().program.answer.v2.pull;
    const [scope] = await readScopes(sql, [path]);
    const { bytes = 0, blobs = 0, tags = 0, repositories = 0 } = scope ?? {};
    return {
      kept: { bytes, blobs, tags, repositories },
      counted: { ...(await recountUsage(sql, path)) },
    };
  };
  const expectExact = async (path: string) => {
    await until(async () => {
      const { kept, counted } = await counters(path);
      return Bun.deepEquals(kept, counted);
    }, `the counter of ${path} is exact`).catch(async (error) => {
      expect({ error: String(error), ...(await counters(path)) }).toBeUndefined();
    });
  };
  return { ask, counters, expectExact };
}

const at = (name: string) => `/repositories/${encodeURIComponent(name)}`;

/** More than are settled in the transaction of a move. */
const MANY = 4_100;
/** Of one manifest. */
const LAYERS = 500;

async function inLanes(lanes: number, count: number, work: (at: number) => Promise<unknown>) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

onBothEngines('moves of names beside pushes', ({ test, registry }) => {
  const { ask, counters, expectExact } = asking(registry);

  test('what is too much for one transaction is settled behind it', async () => {
    const { url } = registry();
    const name = 'many/app';
    await pushImage(url, 'many/other', { seed: 'other', reference: 'v1' });
    await pushImage(url, name, { seed: 'app', reference: 'v1' });
    const layers: Described[] = [];
    await inLanes(24, MANY, async (number) => {
      const layer = `layer ${number} of many`;
      await pushBlob(url, name, layer);
      layers.push(describeContent(layer, OCI_LAYER));
    });
    const config = describeContent('{}', OCI_CONFIG);
    await pushBlob(url, name, '{}');
    for (let start = 0; start < MANY; start += LAYERS) {
      const some = layers.slice(start, start + LAYERS);
      const manifest = imageManifest({ config, layers: some });
      const pushed = await putManifest(url, name, { reference: `v${start}`, manifest });
      expect(pushed.status).toBe(201);
    }
    await expectExact('many');
    const { trash } = (await ask('DELETE', at(name))).body as Row;
    await expectExact('many');
    expect((await counters('many')).kept.blobs).toBe(3);
    await ask('PUT', '/policies/quota?path=many', { bytes: { hard: 1_000 } });
    const refused = await ask('POST', `/trash/${String(trash)}/restore`, {});
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('quota');
    await ask('DELETE', '/policies/quota?path=many');
    expect((await ask('POST', `/trash/${String(trash)}/restore`, {})).status).toBe(200);
    await expectExact('many');
    expect((await counters('many')).kept.blobs).toBeGreaterThan(MANY);
    const to = 'elsewhere/app';
    expect((await ask('POST', `${at(name)}/rename`, { to })).status).toBe(200);
    await expectExact('many');
    await expectExact('elsewhere');
  }, 60_000);

  test('counters are exact after deletes, restores and renames in the middle of pushes', async () => {
    const { url } = registry();
    const push = async (name: string, number: number) => {
      const seed = `storm ${number % 7}`;
      // Refused here and there: the repository has just gone.
      await pushImage(url, name, { seed, reference: `v${number % 5}` }).catch(() => undefined);
    };
    const pushing = inLanes(6, 180, (number) => push(`storm/a/${number % 3}`, number));
    const moving = async () => {
      for (let round = 0; round < 12; round += 1) {
        const name = `storm/a/${round % 3}`;
        const { trash } = (await ask('DELETE', at(name))).body as Row;
        if (trash === undefined) continue;
        const back = await ask('POST', `/trash/${String(trash)}/restore`, {});
        if (back.status === 200) continue;
        await ask('POST', `/trash/${String(trash)}/restore`, { as: `storm/b/${round}` });
      }
    };
    const renaming = async () => {
      for (let round = 0; round < 8; round += 1) {
        const body = { path: 'storm/b', to: `calm/${round}`, keepOldNameFor: 0 };
        await ask('POST', '/namespaces/rename', body);
      }
    };
    await Promise.all([pushing, moving(), renaming()]);
    await expectExact('storm');
    await expectExact('calm');
    const repositories = (await (await fetch(`${url}/v2/_catalog?n=1000`)).json()) as {
      repositories: string[];
    };
    for (const name of repositories.repositories.filter((one) => /^(storm|calm)/.test(one))) {
      const { tags } = (await (await fetch(`${url}/v2/${name}/tags/list`)).json()) as {
        tags: string[];
      };
      for (const tag of tags) {
        const manifest = await fetch(`${url}/v2/${name}/manifests/${tag}`);
        expect(manifest.status).toBe(200);
        const { config, layers } = (await manifest.json()) as {
          config: { digest: string };
          layers: { digest: string }[];
        };
        for (const { digest } of [config, ...layers]) {
          const blob = await fetch(`${url}/v2/${name}/blobs/${digest}`, { method: 'HEAD' });
          expect({ name, tag, digest, status: blob.status }).toEqual({
            name,
            tag,
            digest,
            status: 200,
          });
        }
      }
    }
  }, 60_000);
});
