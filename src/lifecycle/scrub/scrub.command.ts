// The scrubber's transactions. Each looks again at what was read before it.
import { type Actor, recordAct, SYSTEM } from '../../metadata/audit.ts';
import { type Command, relaxed, synced } from '../../metadata/command.ts';
import type { ImagesHit } from '../../metadata/images-hit.ts';
import { forgetOrphans, giveUpOrphan, noteOrphans, type Orphan } from '../../metadata/orphans.ts';
import { announce } from '../../metadata/outbox.ts';
import { findRepository } from '../../metadata/repositories.ts';
import {
  beginPass,
  endPass,
  type FoundDamage,
  noteOrphansLooked,
  notePass,
  noteQuarantine,
  storeDamage,
} from '../../metadata/scrub.ts';
import { addScrubRun, changeScrubRun } from '../../metadata/scrub-runs.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';

export function scrubCommands() {
  return {
    beginScrub: synced(beginScrub),
    noteScrub: relaxed(noteScrub),
    endScrub: synced(endScrub),
    recordDamage: synced(recordDamage),
    noteQuarantine: synced((tx: Transaction, note: Parameters<typeof noteQuarantine>[1]) =>
      noteQuarantine(tx, note),
    ),
    noteOrphans: synced((tx: Transaction, orphans: readonly Orphan[]) => noteOrphans(tx, orphans)),
    forgetOrphans: synced((tx: Transaction, keys: readonly string[]) => forgetOrphans(tx, keys)),
    giveUpOrphans: synced(giveUpOrphans),
    noteOrphansLooked: synced((tx: Transaction, _: object) => noteOrphansLooked(tx)),
  } satisfies Record<string, Command<never, unknown>>;
}

export type ScrubCommands = ReturnType<typeof scrubCommands>;

/** @returns false when a pass is under way already. */
async function beginScrub(tx: Transaction, { actor }: { actor: Actor }): Promise<boolean> {
  const startedAt = await beginPass(tx);
  if (startedAt === undefined) return false;
  await addScrubRun(tx, { startedAt, detail: '{}' });
  // What the registry does by itself each week is told by its history of runs.
  if (actor.principal !== SYSTEM.principal) {
    await recordAct(tx, { actor, action: 'scrub.start', target: 'the stored bytes' });
  }
  return true;
}

interface PassProgress {
  readonly startedAt: number;
  /** Blobs up to this id were read. */
  readonly next: number;
  readonly bytes: number;
  /** JSON, for the history. */
  readonly detail: string;
}

/** @returns false when somebody else reads, or another pass has begun. */
async function noteScrub(tx: Transaction, progress: PassProgress): Promise<boolean> {
  const { startedAt, detail } = progress;
  if (!(await notePass(tx, progress))) return false;
  await changeScrubRun(tx, { startedAt, endedAt: null, detail });
  return true;
}

async function endScrub(
  tx: Transaction,
  { startedAt, detail }: { startedAt: number; detail: string },
): Promise<void> {
  if (!(await endPass(tx, startedAt))) return;
  await changeScrubRun(tx, { startedAt, endedAt: await tx.now(), detail });
}

export interface RecordDamage extends FoundDamage {
  readonly digest: Digest;
  readonly hit: ImagesHit;
  readonly actor: Actor;
}

/** @returns `absent` or `whole`; undefined when the blob has changed since it was read. */
async function recordDamage(
  tx: Transaction,
  { digest, hit, actor, ...found }: RecordDamage,
): Promise<'absent' | 'whole' | undefined> {
  const state = await storeDamage(tx, found);
  if (state === undefined) return undefined;
  const { kind, storageKey, quarantine } = found;
  await recordAct(tx, {
    actor,
    action: 'blob.damage',
    target: digest,
    outcome: 'failed',
    detail: { kind, state, storageKey, quarantine, images: hit.images, isMore: hit.isMore },
  });
  await announceDamage(tx, { digest, hit, damage: kind, state, actor });
  return state;
}

/** Once for each repository whose images need the bytes. */
async function announceDamage(
  tx: Transaction,
  found: Pick<RecordDamage, 'digest' | 'hit' | 'actor'> & {
    readonly damage: FoundDamage['kind'];
    readonly state: 'absent' | 'whole';
  },
): Promise<void> {
  const { digest, hit, damage, state, actor } = found;
  for (const [name, images] of Map.groupBy(hit.images, ({ repository }) => repository)) {
    const repository = await findRepository(tx, name as RepositoryName);
    if (repository === undefined) continue;
    await announce(tx, {
      kind: 'damage',
      repository,
      actor: actor.name,
      digest,
      damage,
      state,
      images: images.map((image) => ({ digest: image.digest, tags: image.tags })),
    });
  }
}

/** Keys named in one event of the audit log. */
const KEYS_SHOWN = 20;

/** @returns how many go, and their bytes. */
async function giveUpOrphans(
  tx: Transaction,
  { orphans, seenBefore }: { orphans: readonly Orphan[]; seenBefore: number },
): Promise<{ count: number; bytes: number }> {
  const gone: Orphan[] = [];
  for (const orphan of orphans) {
    if (await giveUpOrphan(tx, { key: orphan.key, seenBefore })) gone.push(orphan);
  }
  const bytes = gone.reduce((sum, { size }) => sum + size, 0);
  if (gone.length === 0) return { count: 0, bytes };
  await recordAct(tx, {
    actor: SYSTEM,
    action: 'orphan.remove',
    target: `${gone.length} files that nothing names`,
    detail: { count: gone.length, bytes, keys: gone.slice(0, KEYS_SHOWN).map(({ key }) => key) },
  });
  return { count: gone.length, bytes };
}
