// The commands of the suite: each function of this folder that writes, by name, and a few that only a
// test wants. One table for every driver, also for the one that runs it in another thread.
import { sql as raw } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { SYSTEM } from './audit.ts';
import {
  ensureBlobRows,
  heldAsBlobs,
  keepPayload,
  linkBlob,
  storeBlob,
  unlinkBlob,
} from './blobs.ts';
import { tagsThatNeed } from './closure.ts';
import { type Command, relaxed, synced } from './command.ts';
import { addJob, endJob, extendLease, leaseJob } from './jobs.ts';
import {
  deleteManifest,
  heldAsManifests,
  storeManifest,
  storeReferences,
  storeReferrer,
} from './manifests.ts';
import { announce, trimOutbox } from './outbox.ts';
import { addPulls } from './pulls.ts';
import { forgetRemoval, queueRemoval } from './removals.ts';
import { ensureRepository, listRepository } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';
import { ensureTag, lockTag, moveTag, type TagCause } from './tags.ts';
import {
  createUpload,
  dropHeldBytes,
  holdBytes,
  intendStorageKey,
  recordProgress,
  removeUpload,
  takeUpload,
} from './uploads.ts';

type Second<F> = F extends (tx: Transaction, second: infer A) => unknown ? A : never;
type Result<F> = F extends (tx: Transaction, second: never) => Promise<infer R> ? R : never;

/** A function of this folder as a command. */
function plain<F extends (tx: Transaction, args: never) => Promise<unknown>>(work: F) {
  return synced(
    (tx: Transaction, args: Second<F>) => work(tx, args as never) as Promise<Result<F>>,
  );
}

const insertNamespace = statement<{ path: string }>()((q, p) =>
  q.insertInto('namespaces').values({ path: p.path, parent_id: null, created_at: 0 }),
);

const shiftEvents = statement<{ repository: number; at: number }>()((q, p) =>
  q
    .updateTable('tag_events')
    .set({ at: p.at })
    .where('tag_id', 'in', (e) =>
      e.selectFrom('tags').select('id').where('repository_id', '=', p.repository),
    ),
);

const age = statement<{ seconds: number }>()((q, p) =>
  q.updateTable('uploads').set({ updated_at: raw<number>`updated_at - 1000 * ${p.seconds}` }),
);

const ageJobs = statement<{ seconds: number }>()((q, p) =>
  q.updateTable('jobs').set({
    run_at: raw<number>`run_at - 1000 * ${p.seconds}`,
    lease_until: raw<number>`lease_until - 1000 * ${p.seconds}`,
  }),
);

const everyNamespace = statement()((q) =>
  q.selectFrom('namespaces').select(['path', 'parent_id as parent']).orderBy('id'),
);

export interface MoveTagOf {
  readonly repository: number;
  readonly name: Tag;
  readonly to: { readonly manifest: number; readonly blob: number } | undefined;
  readonly cause: TagCause;
}

export const namespaces = everyNamespace;

/** `path` as a namespace, and then, if asked, a failure of the one or the other kind. */
async function writeNamespace(
  tx: Transaction,
  write: { path: string; fail?: 'refusal' | 'mistake' },
): Promise<string> {
  await tx.run(insertNamespace, { path: write.path });
  if (write.fail === 'refusal') {
    const cause = new Error('the cause');
    throw new RegistryError('DENIED', 'This one is refused.', { tags: ['a', 'b'] }, { cause });
  }
  if (write.fail === 'mistake') throw new TypeError('This one is a mistake.');
  return write.path;
}

export const suiteCommands = {
  writeNamespace: synced(writeNamespace),
  writeNamespaceRelaxed: relaxed(writeNamespace),
  ensureRepository: plain((tx, name: RepositoryName) => ensureRepository(tx, name)),
  listRepository: plain(listRepository),
  storeBlob: plain(storeBlob),
  keepPayload: plain(keepPayload),
  ensureBlobRows: plain((tx, digests: readonly Digest[]) => ensureBlobRows(tx, digests)),
  linkBlob: plain(linkBlob),
  unlinkBlob: plain(unlinkBlob),
  heldAsBlobs: plain(async (tx, wanted: Second<typeof heldAsBlobs>) =>
    [...(await heldAsBlobs(tx, wanted))].sort(),
  ),
  heldAsManifests: plain(async (tx, wanted: Second<typeof heldAsManifests>) =>
    [...(await heldAsManifests(tx, wanted))].sort(),
  ),
  storeManifest: plain(storeManifest),
  storeReferences: plain(storeReferences),
  storeReferrer: plain(storeReferrer),
  deleteManifest: plain(deleteManifest),
  tagsThatNeed: plain(tagsThatNeed),
  moveTag: plain(async (tx, move: MoveTagOf) => {
    const { repository, name, to, cause } = move;
    const tag = await ensureTag(tx, { repository, name });
    await moveTag(tx, { tag, to, actor: { ...SYSTEM, name: 'someone' }, cause });
  }),
  lockTag: plain(lockTag),
  shiftEvents: plain(async (tx, shift: { repository: number; at: number }) => {
    await tx.run(shiftEvents, shift);
  }),
  announce: plain(announce),
  trimOutbox: plain(trimOutbox),
  addPulls: plain(addPulls),
  queueRemoval: plain(queueRemoval),
  forgetRemoval: plain((tx, id: number) => forgetRemoval(tx, id)),
  addJob: plain(addJob),
  leaseJob: plain(leaseJob),
  extendLease: plain(extendLease),
  endJob: plain(endJob),
  ageJobs: plain(async (tx, by: { seconds: number }) => {
    await tx.run(ageJobs, by);
  }),
  createUpload: plain(createUpload),
  takeUpload: plain(takeUpload),
  recordProgress: plain(recordProgress),
  intendStorageKey: plain(intendStorageKey),
  removeUpload: plain((tx, id: string) => removeUpload(tx, id)),
  holdBytes: plain(holdBytes),
  dropHeldBytes: plain((tx, id: string) => dropHeldBytes(tx, id)),
  ageUploads: plain(async (tx, by: { seconds: number }) => {
    await tx.run(age, by);
  }),
} satisfies Record<string, Command<never, unknown>>;

export type SuiteCommands = typeof suiteCommands;
