// What is known of those who ask and of the paths they ask about: read from the database, remembered as
// long as nothing changed there. Every change that a verdict can depend on raises the one `revision`, in
// its own transaction. A node compares it before it answers, unless it did so within FRESH_MS; changes of
// its own it sees at once. So a right that was taken away is gone on every node within a second
// (docs/decisions/0014-standing.md).

import {
  type PathRow,
  type RightRow,
  readAccessState,
  readOpenGrants,
  readPath,
} from '../metadata/access-facts.ts';
import { type Alias, livingAliases } from '../metadata/aliases.ts';
import type { Sql } from '../metadata/sql.ts';
import type { PathFacts, Right, Standing } from './decide.ts';
import { Kept } from './kept.ts';
import { aliasAmong, type OldName } from './old-names.ts';
import { credentialKey, principalKey } from './principal.ts';
import {
  EndedError,
  type Identity,
  type KnownStanding,
  NOBODY,
  readStanding,
  rightOf,
} from './read-standing.ts';
import type { OpenRights } from './visible.ts';

export { EndedError, type Identity };

export interface StandingOptions {
  readonly sql: Sql;
  now(): number;
  /** How long what was read counts while the database cannot be asked, in milliseconds. */
  readonly awayMs: number;
  /** Told when something changed: what else was remembered of access must be looked at again. */
  forget(): void;
}

/** Milliseconds for which the revision is not asked for again. */
const FRESH_MS = 400;
const STANDINGS_KEPT = 10_000;
const PATHS_KEPT = 20_000;

interface KnownPath {
  readonly facts: PathFacts;
  readonly isAnythingBelow: boolean;
}

/** A comparison of the revision that has not been answered yet. */
interface Check {
  readonly asked: number;
  /** Changes made on this node when it began. */
  readonly changes: number;
  readonly done: Promise<void>;
}

const ROOT_ABOVE: PathFacts = {
  visibility: 'private',
  visibilityFrom: '',
  creation: 'push',
  forAnyone: [],
  forSignedIn: [],
};

export class Standings {
  readonly #options: StandingOptions;
  readonly #standings = new Kept<string, KnownStanding>(STANDINGS_KEPT);
  /** The same for the very object that a verified bearer token carries: no key need be written for it. */
  #ofIdentity = new WeakMap<Identity, KnownStanding>();
  readonly #paths = new Kept<string, KnownPath>(PATHS_KEPT);
  /** Undefined: they must be read first. */
  #aliases: ReadonlyMap<string, Alias> | undefined;
  #revision = -1;
  /** When it was compared last, and when that was tried in vain. */
  #checkedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Changes made on this node, and how many of them the last comparison saw. */
  #changes = 0;
  #seenChanges = 0;
  #checking: Check | undefined;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** Call after a change made on this node was answered: the next request sees it. */
  changed(): void {
    this.#changes += 1;
  }

  /** Whether `refresh` must be awaited before anything remembered may be used. */
  isStale(): boolean {
    const asked = Math.max(this.#checkedAt, this.#failedAt);
    return this.#seenChanges !== this.#changes || !this.#isWithin(FRESH_MS, asked);
  }

  /** A clock that was set back must not make what is remembered young. */
  #isWithin(ms: number, time: number): boolean {
    return Math.abs(this.#options.now() - time) < ms;
  }

  /** @throws what the database throws, once it has been away for longer than `awayMs`. */
  async refresh(): Promise<void> {
    if (!this.isStale()) return;
    const running = this.#checking;
    if (running !== undefined) {
      const isOurs = running.changes === this.#changes && this.#isWithin(FRESH_MS, running.asked);
      if (isOurs) return running.done;
      // It may have been answered before the last change; whatever is running after it began after us.
      await running.done.catch(() => undefined);
    }
    this.#checking ??= this.#beginCheck();
    await this.#checking.done;
  }

  #beginCheck(): Check {
    // Both before the read: what changes while it runs must be seen by the next one.
    const asked = this.#options.now();
    const changes = this.#changes;
    const done = this.#check({ asked, changes }).finally(() => {
      this.#checking = undefined;
    });
    return { asked, changes, done };
  }

  async #check({ asked, changes }: Omit<Check, 'done'>): Promise<void> {
    const { sql, awayMs } = this.#options;
    try {
      const { revision } = await readAccessState(sql);
      if (revision !== this.#revision) {
        this.#standings.clear();
        this.#ofIdentity = new WeakMap();
        this.#paths.clear();
        this.#aliases = undefined;
        this.#revision = revision;
        this.#options.forget();
      }
      this.#checkedAt = asked;
    } catch (error) {
      if (!(Math.abs(asked - this.#checkedAt) <= awayMs)) throw error;
      // Not asked again for a moment, but for no longer than what was read counts.
      this.#failedAt = Math.min(asked, this.#checkedAt + awayMs - FRESH_MS);
    }
    this.#seenChanges = changes;
  }

  /** @returns undefined when it must be read first, see `read`. */
  known(identity: Identity): Standing | undefined {
    if (identity.principal.kind === 'anonymous') return NOBODY;
    const known = this.#ofIdentity.get(identity) ?? this.#byKey(identity);
    // At its end it is read again: it may have been given more time.
    if (known === undefined || this.#isOver(known)) return undefined;
    return known.standing;
  }

  #byKey(identity: Identity): KnownStanding | undefined {
    const known = this.#standings.get(keyOf(identity));
    if (known !== undefined) this.#ofIdentity.set(identity, known);
    return known;
  }

  /** @throws EndedError when the principal or the credential no longer counts. */
  async read(identity: Identity): Promise<Standing> {
    const revision = this.#revision;
    const made = await readStanding(this.#options.sql, identity);
    // Read in between, it may be of the revision after the one it would be remembered for.
    if (revision === this.#revision) this.#standings.set(keyOf(identity), made);
    if (this.#isOver(made)) throw new EndedError('This credential has expired.');
    return made.standing;
  }

  #isOver({ expiresAt }: KnownStanding): boolean {
    return expiresAt !== undefined && expiresAt <= this.#options.now();
  }

  /** @returns undefined when it must be read first, see `readPath`. */
  knownPath(path: string): PathFacts | undefined {
    for (let at = path; ; at = above(at)) {
      // Where nothing stands below, what stands above holds: names that are asked for need no memory.
      const known = this.#paths.get(at);
      if (known !== undefined) {
        return at === path || !known.isAnythingBelow ? known.facts : undefined;
      }
      if (at === '') return undefined;
    }
  }

  async readPath(path: string): Promise<PathFacts> {
    // One revision for the whole walk: what was read above before a change must not be remembered below it.
    return (await this.#pathFrom(path, this.#revision)).facts;
  }

  /** Whether `oldName` can be asked without reading anything first. */
  get areOldNamesKnown(): boolean {
    return this.#aliases !== undefined;
  }

  async readOldNames(): Promise<void> {
    const revision = this.#revision;
    const { sql, now } = this.#options;
    const found = await livingAliases(sql, now());
    if (revision !== this.#revision) return this.readOldNames();
    this.#aliases = new Map(found.map((alias) => [alias.path, alias]));
  }

  /** What a path is called now, when it is an old name that still answers or lies below one. */
  oldName(path: string): OldName | undefined {
    if (this.#aliases === undefined || this.#aliases.size === 0) return undefined;
    return aliasAmong(this.#aliases, { path, now: this.#options.now() });
  }

  /** Grants to anyone and to any signed-in user, wherever they stand: for lists. */
  async readOpenRights(): Promise<OpenRights> {
    const { forAnyone, forSignedIn } = await readOpenGrants(this.#options.sql);
    return { forAnyone: forAnyone.map(rightOf), forSignedIn: forSignedIn.map(rightOf) };
  }

  /** From the root down, and no further than anything stands. */
  async #pathFrom(path: string, revision: number): Promise<KnownPath> {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    const top =
      path === ''
        ? { facts: ROOT_ABOVE, isAnythingBelow: true }
        : await this.#pathFrom(above(path), revision);
    if (!top.isAnythingBelow) return top;
    const row = await readPath(this.#options.sql, path);
    const made = { facts: factsAt(path, row, top.facts), isAnythingBelow: row.isAnythingBelow };
    if (revision === this.#revision) this.#paths.set(path, made);
    return made;
  }
}

/** The path that a path lies in: '' for one part. */
function above(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function keyOf({ principal, credential, epoch }: Identity): string {
  return `${principalKey(principal)} ${credentialKey(credential)} ${epoch}`;
}

function factsAt(path: string, row: PathRow, above: PathFacts): PathFacts {
  const isOwn = row.visibility !== undefined;
  return {
    visibility: row.visibility ?? above.visibility,
    visibilityFrom: isOwn ? path : above.visibilityFrom,
    creation: row.creation ?? above.creation,
    forAnyone: joined(above.forAnyone, row.forAnyone),
    forSignedIn: joined(above.forSignedIn, row.forSignedIn),
  };
}

function joined(above: readonly Right[], rows: readonly RightRow[]): readonly Right[] {
  return rows.length === 0 ? above : [...above, ...rows.map(rightOf)];
}
