// Bugs planted in the collector and beside it, as in planted.ts: each breaks one sentence of
// docs/decisions/0021-collection.md.

import { findBlobId } from '../../src/metadata/blobs.ts';
import {
  emptyBlobRows,
  heldOf,
  markUnheld,
  takeUnheldBlobs,
  unmark,
} from '../../src/metadata/collected-blobs.ts';
import { dropRightsOf, takeForCollection } from '../../src/metadata/collection.ts';
import { type Command, type Commands, synced } from '../../src/metadata/command.ts';
import { holdManifests } from '../../src/metadata/liveness.ts';
import { findManifestState, undeleteManifest } from '../../src/metadata/manifests.ts';
import { queueRemoval } from '../../src/metadata/removals.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { ensureTag } from '../../src/metadata/tags.ts';
import { forgetTrashed } from '../../src/metadata/trash.ts';
import { lockTrashItem, tagsTrashedWith } from '../../src/metadata/trash-items.ts';
import { settleUsage, UsageTally } from '../../src/metadata/usage.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { parseTag } from '../../src/oci/tag.ts';
import { changeTags } from '../../src/registry/change-tags.ts';
import { NO_GUARDS } from '../../src/registry/guards.ts';
import type { SimulationCommands } from './commands.ts';
import { COLLECTING, type Parts, type Variation } from './variation.ts';

const focus = { ...COLLECTING.focus, crashes: [], faultRate: 0 };

type ArgumentsOf<K extends keyof SimulationCommands> =
  SimulationCommands[K] extends Command<infer A, unknown> ? A : never;

/** What was read before the transaction is believed: nobody asks whether a manifest came since. */
const NO_RECHECK: Variation = {
  name: 'no recheck of what names a blob',
  focus,
  wrapTable: (table) => ({
    ...table,
    collectRights: synced(async (tx: Transaction, collect: ArgumentsOf<'collectRights'>) => {
      const { repository, blobs } = collect;
      await takeForCollection(tx, repository);
      const gone = await dropRightsOf(tx, { repository, blobs, before: Number.MAX_SAFE_INTEGER });
      await markUnheld(tx, gone);
      return { isBusy: false, gone: gone.length };
    }),
  }),
};

/** Looked at in one transaction, removed in the next: whoever comes in between loses. */
const RECHECK_BEFORE_LOCK: Variation = {
  name: 'a recheck before the lock',
  // Many who push the same few blobs again just after they went.
  focus: { ...focus, clients: 5, errands: 8, nights: 10, lossRate: 0, impatience: 0 },
  wrapTable: (table) =>
    ({
      ...table,
      plantedLook: synced(async (tx: Transaction, { blobs }: { blobs: readonly number[] }) => {
        const held = await heldOf(tx, blobs);
        await unmark(tx, [...held]);
        return blobs.filter((id) => !held.has(id));
      }),
      plantedRemove: synced(async (tx: Transaction, { blobs }: { blobs: readonly number[] }) => {
        const taken = await takeUnheldBlobs(tx, blobs);
        for (const { storageKey: key, size } of taken) {
          if (key !== null) await queueRemoval(tx, { kind: 'content', key, size });
        }
        await emptyBlobRows(
          tx,
          taken.map(({ id }) => id),
        );
        return { isBusy: false, gone: taken.length };
      }),
    }) as SimulationCommands,
  wrapParts({ commands, blobs }: Parts, turn): Parts {
    const run = commands.run as (name: string, args: unknown) => Promise<unknown>;
    const wrapped = async (name: string, args: unknown) => {
      if (name !== 'collectBlobs') return run(name, args);
      const free = await run('plantedLook', args);
      for (let rest = 0; rest < 20; rest += 1) await turn('the collector looks at others');
      return run('plantedRemove', { blobs: free });
    };
    return { commands: { run: wrapped } as Commands<SimulationCommands>, blobs };
  },
};

/** The collector is late, and removes what somebody has pushed again under the same digest. */
const REMOVAL_BY_DIGEST: Variation = {
  name: 'a removal by digest instead of key',
  focus,
  wrapParts({ commands, blobs }: Parts): Parts {
    const digestOf = (key: string) => key.replace(/\.[^.]*$/, '');
    const remove = async (key: string) => {
      for await (const found of blobs.contents()) {
        if (digestOf(found.key) === digestOf(key)) await blobs.remove(found.key);
      }
    };
    return { commands, blobs: { ...blobs, remove } };
  },
};

const NO_GRACE: Variation = { name: 'no time of grace', focus, graceMs: 0 };

/** A manifest comes back with its tags, and nobody asks whether its parts are still there. */
const RESTORE_WITHOUT_LINKS: Variation = {
  name: 'a restore without links',
  focus,
  wrapTable: (table) => ({
    ...table,
    restoreItem: synced(async (tx: Transaction, restore: ArgumentsOf<'restoreItem'>) => {
      const item = await lockTrashItem(tx, restore.id);
      const { repository, digest, kind } = item ?? {};
      const isManifest = kind === 'manifest' && repository != null && digest != null;
      if (item === undefined || !isManifest) return table.restoreItem.run(tx, restore);
      const blob = (await findBlobId(tx, digest)) ?? 0;
      const manifest = (await findManifestState(tx, { repository, blob }))?.id;
      if (manifest === undefined) return table.restoreItem.run(tx, restore);
      const tally = new UsageTally();
      await undeleteManifest(tx, { repository, manifest });
      await forgetTrashed(tx, { repository, kind: 'manifest', digest });
      await holdManifests(tx, { repository, manifests: [manifest] }, tally);
      const moves = [];
      const tags = await tagsTrashedWith(tx, { repository, digest, id: item.id });
      for (const name of tags.map(parseTag)) {
        const tag = await ensureTag(tx, { repository, name });
        if (tag.digest === undefined) moves.push({ tag, to: { manifest, blob, digest } });
      }
      const name = item.path as RepositoryName;
      const { actor } = restore;
      await changeTags(tx, NO_GUARDS, {
        ...{ repository, name, actor, cause: 'restore', moves, tally },
      });
      await settleUsage(tx, { name, tally });
      return { repository: name, digest, tags: [], tagsElsewhere: [], warnings: [] };
    }),
  }),
};

export const PLANTED_IN_COLLECTION: readonly Variation[] = [
  NO_RECHECK,
  RECHECK_BEFORE_LOCK,
  REMOVAL_BY_DIGEST,
  NO_GRACE,
  RESTORE_WITHOUT_LINKS,
];
