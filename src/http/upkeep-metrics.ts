// The metrics of the disk, of collection and of scrubbing, in the words of Prometheus.
import { Gauge, type Registry } from 'prom-client';
import type { Gauges } from './tallies.ts';

type Figures = Awaited<ReturnType<NonNullable<Gauges['upkeep']>>>;
type Disk = Awaited<ReturnType<NonNullable<Gauges['disk']>>>;

export function addUpkeepGauges(registry: Registry, { upkeep, disk, historyBytes }: Gauges): void {
  const registers = [registry];
  /** Undefined: it is left out. */
  const add = (name: string, help: string, read: () => Promise<number | undefined>) =>
    new Gauge({
      name: `entrepot_${name}`,
      help,
      registers,
      async collect() {
        const value = await read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  if (disk !== undefined) {
    const once = shared(disk);
    const of = async (pick: (space: NonNullable<Disk>) => number) => {
      const space = await once();
      return space && pick(space);
    };
    add('disk_free_bytes', 'Bytes that can still be written to the disk of the blobs.', () =>
      of(({ freeBytes }) => freeBytes),
    );
    add('disk_size_bytes', 'Bytes of the disk of the blobs, free and in use.', () =>
      of(({ totalBytes }) => totalBytes),
    );
  }
  if (historyBytes !== undefined) {
    const help =
      'Bytes that history and trash take, when this process worked it out last; absent before.';
    add('history_bytes', help, async () => historyBytes());
  }
  if (upkeep !== undefined) addFigures(registry, { add, once: shared(upkeep) });
}

function addFigures(
  registry: Registry,
  {
    add,
    once,
  }: {
    add(name: string, help: string, read: () => Promise<number | undefined>): void;
    once(): Promise<Figures | undefined>;
  },
): void {
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
  add(
    'collection_running_since_timestamp_seconds',
    'When the run of the collector that goes on began; absent while there is nothing to collect.',
    async () => seconds((await once())?.collectingSince),
  );
  add(
    'collection_last_end_timestamp_seconds',
    'When the last run of the collector that found something ended.',
    async () => seconds((await once())?.collectedAt),
  );
  add(
    'damaged_blobs',
    'Blobs whose stored bytes are gone or altered, and that nobody has pushed again.',
    async () => (await once())?.damages,
  );
  add(
    'scrub_last_end_timestamp_seconds',
    'When the last pass over all stored bytes ended.',
    async () => seconds((await once())?.scrubbedAt),
  );
  new Gauge({
    name: 'entrepot_collection_oldest_waiting_timestamp_seconds',
    help: 'Since when the longest waiting candidate waits, by what it is.',
    labelNames: ['what'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [what, since] of Object.entries((await once())?.oldest ?? {})) {
        if (since !== null) this.set({ what }, since / 1000);
      }
    },
  });
}

/** Asked once for all gauges of a scrape. @returns undefined when it could not be read. */
function shared<T>(read: () => Promise<T>): () => Promise<T | undefined> {
  let asked: Promise<T | undefined> | undefined;
  return () => {
    asked ??= read()
      .catch(() => undefined)
      .finally(() => {
        asked = undefined;
      });
    return asked;
  };
}
