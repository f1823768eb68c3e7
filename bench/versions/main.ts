// `npm run bench:versions`: what versions cost at scale. Seeds a data directory, starts a server on it, and
// measures one thing. Everything that it starts and makes ends with it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pinCores } from '../cores.ts';
import { cleanUp, startEntrepot } from '../registries.ts';
import { type SeedShape, seedVersions, USUAL_SHAPE } from '../seed-versions.ts';
import { measureCollection } from './collection.ts';
import { measureDeletion } from './deletion.ts';
import { measureHistory } from './history.ts';
import type { Measurement } from './measurement.ts';

const HELP = `npm run bench:versions -- history | collection | deletion [options]

  history      the history of tags, of 1,000,000 in 10,000 repositories
  collection   garbage collection of 1,000,000 blobs, 30 % garbage, beside pushes and pulls (B16)
  deletion     a repository of 100,000 tags is deleted, beside pushes and pulls

  --scale S       so much of those amounts (1)
  --rounds N      how often it is measured, in turns where there is something to compare (5)
  --seconds S     length of a turn (10)
  --collect-rate R  rows a second; 0 = as fast as it goes (the server's own setting)
  --push-rate P   images a second; 0 = as many as the server takes (0)
  --without-end   collection: only the turns
  --data DIR      seeded data to use again, made there when absent; else they are made and removed
  --directory DIR where temporary data goes (the system's temporary directory)
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    'collect-rate': { type: 'string' },
    'without-end': { type: 'boolean', default: false },
    'push-rate': { type: 'string', default: '0' },
    data: { type: 'string' },
    directory: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});

const scale = Number(flags.scale);
const of = (amount: number) => Math.max(1, Math.round(amount * scale));

const MEASUREMENTS: Readonly<
  Record<string, { shape: SeedShape; measure(with_: Measurement): Promise<void> }>
> = {
  history: {
    shape: { ...USUAL_SHAPE, repositories: of(10_000) },
    async measure(it) {
      await measureHistory(await it.start(), it);
    },
  },
  collection: {
    // Three blobs an image: 700 + 300 images a repository.
    shape: {
      ...USUAL_SHAPE,
      repositories: of(3_300),
      tags: 70,
      released: 30,
      sharedLayers: 2,
      fileEvery: 10,
      referrerEvery: 100,
    },
    measure: (it) =>
      measureCollection({
        ...it,
        rate: flags['collect-rate'],
        withoutEnd: flags['without-end'],
      }),
  },
  deletion: {
    shape: { ...USUAL_SHAPE, repositories: 5, tags: of(100_000), fileEvery: 10 },
    measure: measureDeletion,
  },
};

process.on('exit', cleanUp);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const chosen = MEASUREMENTS[positionals[0] ?? ''];
if (flags.help || chosen === undefined) {
  console.log(HELP);
  process.exitCode = flags.help ? 0 : 1;
} else {
  await measure(chosen);
  process.exit(0);
}

async function measure({ shape, measure }: (typeof MEASUREMENTS)[string]): Promise<void> {
  const cores = pinCores();
  const data = flags.data ?? mkdtempSync(join(flags.directory, 'bench-versions-'));
  if (flags.data === undefined) {
    process.on('exit', () => rmSync(data, { recursive: true, force: true }));
  }
  if (!existsSync(join(data, 'entrepot.db'))) {
    const { tags, blobs, garbageBlobs, seconds } = await seedVersions(data, shape);
    console.log(
      `${tags} tags in ${shape.repositories} repositories, ${blobs} blobs, ${garbageBlobs} of them garbage, written in ${seconds.toFixed(0)} s`,
    );
  }
  await measure({
    shape,
    data,
    rounds: Number(flags.rounds),
    seconds: Number(flags.seconds),
    pushRate: Number(flags['push-rate']),
    start: (environment = {}) =>
      startEntrepot({ core: cores?.server, directory: flags.directory, data, environment }),
  });
}
