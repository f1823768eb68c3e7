// Bugs planted on purpose: each is the registry with one promise of the design broken, by wrapping its
// parts from outside. The simulation has to find every one of them.
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { Command, Commands } from '../../src/metadata/command.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { lockedUpload } from '../../src/metadata/uploads.ts';
import type { SimulationCommands } from './commands.ts';
import type { Parts, Variation } from './variation.ts';

type Run = (name: string, args: unknown) => Promise<unknown>;

function commandsOf(run: Run): Commands<SimulationCommands> {
  return { run } as Commands<SimulationCommands>;
}

function runOf(commands: Commands<SimulationCommands>): Run {
  return (name, args) => commands.run(name as never, args as never);
}

/** The answer does not wait for the disk. */
const NO_DATA_SYNC: Variation = { name: 'no sync of the bytes', skip: 'sync-data' };
const NO_NAME_SYNC: Variation = { name: 'no sync of the name', skip: 'sync-directory' };

/** The row that claims the bytes comes first, the bytes second. */
const ROW_BEFORE_BYTES: Variation = {
  name: 'row before bytes',
  wrapParts({ commands, blobs }: Parts): Parts {
    const put = new Map<string, string>();
    const run = runOf(commands);
    const later: Pick<BlobStore, 'commit'> = {
      async commit(id, key) {
        put.set(key, id);
      },
    };
    const wrapped: Run = async (name, args) => {
      const value = await run(name, args);
      const key = name === 'finishUpload' ? storageKeyOf(args) : undefined;
      const id = key === undefined ? undefined : put.get(key);
      if (key !== undefined && id !== undefined) await blobs.commit(id, key);
      return value;
    };
    return { commands: commandsOf(wrapped), blobs: { ...blobs, ...later } };
  },
};

function storageKeyOf(args: unknown): string | undefined {
  return (args as { place?: { storageKey?: string } }).place?.storageKey;
}

/** The answer does not wait for the database either. */
const NO_ROW_SYNC: Variation = {
  name: 'no sync of the rows',
  wrapTable: (table) => ({
    ...table,
    finishUpload: { ...table.finishUpload, durability: 'relaxed' },
    mountBlob: { ...table.mountBlob, durability: 'relaxed' },
    putManifest: { ...table.putManifest, durability: 'relaxed' },
  }),
};

/** A storage key without its random part: the same bytes get the same key again. */
const REUSED_KEY: Variation = { name: 'a key that is used again', wrapParts: withFixedKeys };

function withFixedKeys({ commands, blobs }: Parts): Parts {
  const fixed = (key: string) => key.replace(/\.[^.]*$/, '.same');
  const run = runOf(commands);
  const wrapped: Run = (name, args) => {
    const plain = args as { storageKey?: string; place?: { storageKey?: string } };
    const copy = { ...plain };
    if (typeof plain.storageKey === 'string') copy.storageKey = fixed(plain.storageKey);
    const key = name === 'finishUpload' ? storageKeyOf(args) : undefined;
    if (key !== undefined) copy.place = { storageKey: fixed(key) };
    return run(name, typeof args === 'object' && !Array.isArray(args) ? copy : args);
  };
  return {
    commands: commandsOf(wrapped),
    blobs: { ...blobs, commit: (id, key) => blobs.commit(id, fixed(key)) },
  };
}

/** Upkeep removes what it was told to, and does not ask again whether a row names it. */
const NO_SECOND_LOOK: Variation = {
  name: 'a removal without a second look',
  wrapUpkeepSql: (sql) => ({ ...sql, first: async () => undefined, all: sql.all }),
};

/** Whoever held the upload at any time may still write to its row. */
const FENCE_IGNORED: Variation = {
  name: 'a fence that is ignored',
  focus: { servers: 2, lossRate: 0.5, impatience: 0.5, crashes: [] },
  wrapTable: (table) => ({
    ...table,
    takeOver: withCurrentFence(table.takeOver, (args, seen) => ({ ...args, seen })),
    holdUpload: withCurrentFence(table.holdUpload, (args, seen) => ({ ...args, seen })),
    recordUpload: withCurrentFence(table.recordUpload, (args, fence) => ({ ...args, fence })),
    intendKey: withCurrentFence(table.intendKey, (args, fence) => ({ ...args, fence })),
  }),
};

function withCurrentFence<A extends { readonly id: string }, R>(
  command: Command<A, R>,
  raise: (args: A, fence: number) => A,
): Command<A, R> {
  return {
    durability: command.durability,
    async run(tx: Transaction, args: A) {
      const upload = await lockedUpload(tx, args.id);
      return command.run(tx, upload === undefined ? args : raise(args, upload.fence));
    },
  };
}

/** The digest so far is believed although the machine lost power since. */
const DIGEST_AFTER_POWER_CUT: Variation = {
  name: 'a digest so far that is believed after a power cut',
  keepsBoot: true,
  focus: { crashes: ['power', 'power', 'power'], faultRate: 0 },
};

export const PLANTED: readonly Variation[] = [
  NO_DATA_SYNC,
  NO_NAME_SYNC,
  NO_ROW_SYNC,
  ROW_BEFORE_BYTES,
  REUSED_KEY,
  NO_SECOND_LOOK,
  FENCE_IGNORED,
  DIGEST_AFTER_POWER_CUT,
];
