// One run of the collector: walks what waits, the oldest first, in pages, and has each batch removed in a
// transaction of its own, with a pause behind it. Whatever ends it, the next run goes on from the database.
import { waitingBlobs } from '../../metadata/collected-blobs.ts';
import {
  BEGINNING,
  oldestWaiting,
  type Place,
  waitingManifests,
  waitingRights,
} from '../../metadata/collection.ts';
import { isRunOpen } from '../../metadata/collection-runs.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Sql } from '../../metadata/sql.ts';
import { oldestTagItem, oldTagItems } from '../../metadata/trash-items.ts';
import type { Collected } from './collect-manifests.ts';
import type { CollectionCommands } from './collection.command.ts';
import { readWindows, type Windows } from './windows.ts';

export interface CollectionSettings {
  /** Milliseconds that a blob which nothing names stays. */
  readonly graceMs: number;
  /** Rows in a second; 0 = as fast as it goes. */
  readonly rowsPerSecond: number;
}

export interface CollectionParts {
  readonly sql: Sql;
  readonly commands: Commands<CollectionCommands>;
  readonly settings: CollectionSettings;
  /** Milliseconds since 1970. */
  now(): number;
  pause(ms: number): Promise<void>;
}

export interface CollectionTurn {
  /** Called between batches; throws when somebody else has the work. */
  extend(): Promise<void>;
  /** True: end soon, the rest waits for the next run. */
  isStopping(): boolean;
  /** What was released or deleted up to then (ms) goes before its time; 0 = nothing does. */
  readonly early: number;
}

export interface CollectionResult {
  readonly gone: number;
  /** Nothing more is due now. */
  readonly isOver: boolean;
}

/** Rows of one look. */
const PAGE = 200;
/** Of one repository, in one transaction: some milliseconds. */
const BATCH = 50;
/** Looks at a repository in which somebody is always at work. */
const MOST_LOOKS = 5;
/** Times as long as a batch took: the collector has a tenth of the writer at most, whatever its rate. */
const RESTS = 9;
const EXTEND_EVERY_MS = 2_000;
/** Milliseconds between two of them. */
const BETWEEN_LOOKS_MS = 20;

/** Whether there may be something to do: one read. */
export async function isAnythingDue(
  { sql, settings, now }: Pick<CollectionParts, 'sql' | 'settings' | 'now'>,
  windows: Pick<Windows, 'shortest'>,
): Promise<boolean> {
  const oldest = await oldestWaiting(sql);
  const before = now() - windows.shortest;
  if (oldest.blobs !== null) return true;
  if ((oldest.rights ?? Infinity) < now() - settings.graceMs) return true;
  const times = [oldest.released, oldest.trashed, (await oldestTagItem(sql)) ?? null];
  return times.some((time) => time !== null && time < before);
}

export async function collect(
  parts: CollectionParts,
  turn: CollectionTurn,
): Promise<CollectionResult> {
  const run = new Run(parts, turn, await readWindows(parts.sql));
  await run.manifests('released');
  await run.manifests('trashed');
  await run.tagItems();
  await run.rights();
  await run.blobs();
  const isOver = !turn.isStopping() && !run.wasBusy && run.gone === 0;
  if (isOver && (await isRunOpen(parts.sql)))
    await parts.commands.run('endCollectionRun', undefined);
  return { gone: run.gone, isOver };
}

interface Item {
  readonly id: number;
  readonly since: number;
}

class Run {
  readonly #parts: CollectionParts;
  readonly #turn: CollectionTurn;
  readonly #windows: Windows;
  gone = 0;
  #extendedAt = Number.NEGATIVE_INFINITY;
  /** Something is left because somebody was at work there at each look. */
  wasBusy = false;

  constructor(parts: CollectionParts, turn: CollectionTurn, windows: Windows) {
    this.#parts = parts;
    this.#turn = turn;
    this.#windows = windows;
  }

  async manifests(kind: 'released' | 'trashed'): Promise<void> {
    const { sql, commands } = this.#parts;
    const { early } = this.#turn;
    const now = this.#parts.now();
    const before = Math.max(now - this.#windows.shortest, early + 1);
    await this.#walk(
      (place) => waitingManifests(sql, kind, { place, before, limit: PAGE }),
      async (page) => {
        const due = page.filter(({ name, since }) => this.#isDue({ name, since, now }));
        for (const [repository, items] of byRepository(due)) {
          const end = now - this.#windows.at(items[0]?.name ?? '');
          await this.#inBatches(items, (manifests) =>
            commands.run('collectManifests', { repository, manifests, before: end, early }),
          );
        }
      },
    );
  }

  /** Tags in the trash: the time of each is over with that of what it pointed at. */
  async tagItems(): Promise<void> {
    const { sql, commands } = this.#parts;
    const now = this.#parts.now();
    const before = now - this.#windows.shortest;
    await this.#walk(
      ({ since, after }) => oldTagItems(sql, { since, after, before, limit: PAGE }),
      async (page) => {
        const due = page.filter(({ name, since }) => since < now - this.#windows.at(name));
        await this.#inBatches(due, (items) => commands.run('collectTagItems', { items }));
      },
    );
  }

  async rights(): Promise<void> {
    const { sql, commands, settings } = this.#parts;
    const { graceMs } = settings;
    const now = this.#parts.now();
    const unheldBefore = now - graceMs;
    await this.#walk(
      (place) => waitingRights(sql, { place, before: unheldBefore, limit: PAGE }),
      async (page) => {
        for (const [repository, items] of byRepository(page)) {
          const windowMs = this.#windows.at(items[0]?.name ?? '');
          const deletedBefore = Math.max(now - windowMs, this.#turn.early + 1);
          const limits = { unheldBefore, deletedBefore, graceMs, windowMs };
          await this.#inBatches(items, (blobs) =>
            commands.run('collectRights', { repository, blobs, ...limits }),
          );
        }
      },
    );
  }

  async blobs(): Promise<void> {
    const { sql, commands } = this.#parts;
    await this.#walk(
      (place) => waitingBlobs(sql, { place, limit: PAGE }),
      (page) => this.#inBatches(page, (blobs) => commands.run('collectBlobs', { blobs })),
    );
  }

  #isDue({ name, since, now }: { name: string; since: number; now: number }): boolean {
    return since < now - this.#windows.at(name) || since <= this.#turn.early;
  }

  async #walk<T extends Item & { readonly repository?: number }>(
    read: (place: Place) => Promise<readonly T[]>,
    take: (page: readonly T[]) => Promise<void>,
  ): Promise<void> {
    let place = BEGINNING;
    while (!this.#turn.isStopping()) {
      const page = await read(place);
      const last = page.at(-1);
      if (last === undefined) return;
      await take(page);
      if (page.length < PAGE) return;
      const { since, id, repository = 0 } = last;
      place = { since, after: id, repository };
    }
  }

  async #inBatches(
    items: readonly Item[],
    remove: (ids: readonly number[]) => Promise<Collected>,
  ): Promise<void> {
    const { now } = this.#parts;
    for (let from = 0; from < items.length && !this.#turn.isStopping(); from += BATCH) {
      const ids = items.slice(from, from + BATCH).map(({ id }) => id);
      const began = now();
      const { gone, isBusy } = await this.#patiently(() => remove(ids));
      this.gone += gone;
      this.wasBusy ||= isBusy;
      const ended = now();
      if (ended - this.#extendedAt > EXTEND_EVERY_MS) {
        this.#extendedAt = ended;
        await this.#turn.extend();
      }
      await this.#rest({ rows: ids.length, tookMs: ended - began });
    }
  }

  /** Whoever is slow because pushes are there, or because the disk is, rests the longer. */
  async #rest({ rows, tookMs }: { rows: number; tookMs: number }): Promise<void> {
    const { settings, pause } = this.#parts;
    const { rowsPerSecond } = settings;
    if (rowsPerSecond === 0) return;
    await pause(Math.max((1000 * rows) / rowsPerSecond, RESTS * Math.max(0, tookMs)));
  }

  /** Pushes come first: between two of them there is room for a batch. */
  async #patiently(remove: () => Promise<Collected>): Promise<Collected> {
    for (let looks = 1; ; looks += 1) {
      const result = await remove();
      if (!result.isBusy || looks === MOST_LOOKS) return result;
      await this.#parts.pause(BETWEEN_LOOKS_MS);
    }
  }
}

function byRepository<T extends { readonly repository: number }>(
  items: readonly T[],
): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.repository);
    if (group === undefined) groups.set(item.repository, [item]);
    else group.push(item);
  }
  return groups;
}
