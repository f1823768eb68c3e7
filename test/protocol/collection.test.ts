// Garbage collection of the whole program, on both engines: what is due goes, what is tagged stays, and the
// API says so.
import { expect } from 'bun:test';
import { ADMIN, askApi } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { digestOf, pushImage } from './push.ts';
import { until } from './until.ts';

const REPOSITORY = 'collected/app';
/** In the database, and as a file. */
const SIZES = [1_000, 100_000];
interface Waiting {
  readonly rights: Record<string, number>;
  readonly blobs: object;
}

const NONE = { count: 0, bytes: 0 };
/** Milliseconds: shorter than any push takes would break pushes. */
const GRACE_MS = 1_000;

onBothEngines(
  'garbage collection',
  ({ test, registry }) => {
    const ask = (method: string, path: string) =>
      askApi(registry().url, { method, path, headers: ADMIN });
    const blobAt = (digest: string) =>
      fetch(`${registry().url}/v2/${REPOSITORY}/blobs/${digest}`, { method: 'HEAD' });

    async function upload(size: number): Promise<string> {
      const body = new Uint8Array(size).fill(size % 251);
      const digest = digestOf(body);
      const url = `${registry().url}/v2/${REPOSITORY}/blobs/uploads/?digest=${digest}`;
      expect((await fetch(url, { method: 'POST', body })).status).toBe(201);
      return digest;
    }

    test('takes what no manifest names, by itself or at once, and leaves what a tag needs', async () => {
      const image = await pushImage(registry().url, REPOSITORY, { seed: 'kept', reference: 'v1' });
      const digests: string[] = [];
      for (const size of SIZES) digests.push(await upload(size));
      const before = await ask('GET', '/collection');
      expect(before.body.rights).toMatchObject({ count: 0, later: 2 });
      await ask('POST', '/collection');
      // Nobody asks for the blobs meanwhile: that would give them another time of grace.
      let state = before.body;
      await until(async () => {
        await ask('POST', '/collection');
        state = (await ask('GET', '/collection')).body;
        const { rights, blobs } = state as unknown as Waiting;
        return rights.count === 0 && rights.later === 0 && Bun.deepEquals(blobs, NONE);
      }, 'nothing is left to collect');
      expect((await Promise.all(digests.map(blobAt))).map(({ status }) => status)).toEqual([
        404, 404,
      ]);
      const url = `${registry().url}/v2/${REPOSITORY}`;
      expect((await fetch(`${url}/manifests/v1`)).status).toBe(200);
      expect((await fetch(`${url}/manifests/${image.digest}`)).status).toBe(200);
      expect(state).toMatchObject({ removals: { count: 1, bytes: 100_000 } });
      const { items } = (await ask('GET', '/collection/runs')).body as { items?: object[] };
      expect(items?.length).toBeGreaterThan(0);
    }, 60_000);

    test('is shown to administrators only', async () => {
      for (const [method, path] of [
        ['GET', '/collection'],
        ['GET', '/collection/runs'],
        ['POST', '/collection'],
      ] as const) {
        expect((await askApi(registry().url, { method, path })).status).toBe(401);
      }
    });
  },
  { collection: { graceMs: GRACE_MS } },
);
