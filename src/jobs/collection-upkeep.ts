// Garbage collection in the background: a run every half a minute while something is due, each a short one.
import {
  type CollectionParts,
  type CollectionSettings,
  collect,
  isAnythingDue,
} from '../lifecycle/collection/collect.ts';
import { COLLECT_NOW_JOB } from '../lifecycle/collection/collection.command.ts';
import type { CollectionReports } from '../lifecycle/collection/collection-reports.ts';
import { readWindows, type Windows } from '../lifecycle/collection/windows.ts';
import type { Reports } from '../metadata/report.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface CollectionUpkeepParts extends Omit<CollectionParts, 'pause' | 'settings'> {
  readonly reports: Reports<CollectionReports>;
  readonly settings: CollectionSettings & {
    /** Percent of the disk that history and trash may take; 0 = no limit. */
    readonly trashShare: number;
  };
  sleep(ms: number): Promise<void>;
  /** Of the disk of the blobs; undefined where that has no meaning. */
  space(): Promise<{ readonly totalBytes: number } | undefined>;
  warn(message: string): void;
  /** Told how many bytes history and trash take, whenever that was worked out. */
  noteHistory(bytes: number): void;
}

const EVERY_MS = 30_000;
/** A run holds up the other work of its node no longer than that. */
const LONGEST_RUN_MS = 15_000;
/** After a run that found nothing to remove: what it saw has its time still to come. */
const REST_MS = 5 * 60_000;
/** Policies are read again after that. */
const WINDOWS_AGE_MS = 60_000;
/** How much history and trash take is worked out so often. */
const SHARE_EVERY_MS = 60 * 60_000;

export function collectionJobs(parts: CollectionUpkeepParts): JobKind[] {
  const collector = new Collector(parts);
  return [
    {
      kind: 'collect',
      everyMs: EVERY_MS,
      isWanted: () => collector.isWanted(),
      run: (context) => collector.run(context),
    },
    { kind: COLLECT_NOW_JOB, everyMs: undefined, run: (context) => collector.run(context) },
  ];
}

class Collector {
  readonly #parts: CollectionUpkeepParts;
  #windows: (Windows & { readonly readAt: number }) | undefined;
  #restsUntil = 0;
  #nextShare = 0;
  #early = 0;
  /** The last run may have left something; also whether another process has. */
  #isUnfinished = true;

  constructor(parts: CollectionUpkeepParts) {
    this.#parts = parts;
  }

  async isWanted(): Promise<boolean> {
    const { sql, now } = this.#parts;
    if (this.#isUnfinished || this.#isShareDue()) return true;
    if (now() < this.#restsUntil) return false;
    if (this.#windows === undefined || this.#windows.readAt + WINDOWS_AGE_MS < now()) {
      this.#windows = { ...(await readWindows(sql)), readAt: now() };
    }
    return isAnythingDue(this.#parts, this.#windows);
  }

  #isShareDue(): boolean {
    return this.#parts.settings.trashShare > 0 && this.#parts.now() >= this.#nextShare;
  }

  /** What was let go of or deleted up to then goes before its time; 0 = nothing does. */
  async #cutOff(): Promise<number> {
    const { settings, reports, space, warn, noteHistory } = this.#parts;
    if (settings.trashShare === 0) return 0;
    const totalBytes = (await space())?.totalBytes;
    if (totalBytes === undefined) return 0;
    const limitBytes = Math.floor((totalBytes * settings.trashShare) / 100);
    const { historyBytes, until } = await reports.run('collectionCutOff', { limitBytes });
    noteHistory(historyBytes);
    if (until > 0) {
      const [has, may] = [historyBytes, limitBytes].map((bytes) => Math.ceil(bytes / 1024 ** 2));
      const instant = new Date(until).toISOString();
      warn(
        `history and trash take ${has} MiB and may take ${may}: what was let go of or deleted up to ${instant} goes before its time`,
      );
    }
    return until;
  }

  async run(context: JobContext): Promise<void> {
    const { now, sleep } = this.#parts;
    if (this.#isShareDue()) {
      this.#nextShare = now() + SHARE_EVERY_MS;
      this.#early = await this.#cutOff();
    }
    const end = now() + LONGEST_RUN_MS;
    const isStopping = () => context.isStopping() || now() >= end;
    const turn = { extend: () => context.extend(), isStopping, early: this.#early };
    // A node whose clock is ahead would take away what is in its time of grace.
    const ahead = now() - (await this.#parts.commands.run('tellTime', null));
    const parts = { ...this.#parts, pause: sleep, now: () => now() - ahead };
    for (;;) {
      const { gone, isOver } = await collect(parts, turn);
      this.#isUnfinished = !isOver;
      if (isOver) this.#restsUntil = now() + REST_MS;
      if (isOver || gone === 0 || isStopping()) return;
    }
  }
}
