// What must be there, as far as the answers tell. Requests overlap and answers get lost, so each thing
// has a list of operations with a beginning and an end, and the model says what may be true after them.
import type { Digest } from '../../src/oci/digest.ts';

/** `open`: no answer yet. `done`: answered with success. `refused`: answered, no effect. `doubtful`: never answered, or with a fault. */
export type Outcome = 'open' | 'done' | 'refused' | 'doubtful';

export interface Operation {
  readonly begun: number;
  /** Milliseconds of the world until which its success is a promise, whatever holds the thing. */
  readonly lastsUntil: number;
  ended: number;
  outcome: Outcome;
}

export interface TagOperation extends Operation {
  /**
   * `put`: the tag points there. `may-put`: there or where it was. `drop`: it is gone. `drop-of`: gone if it
   * pointed there.
   */
  readonly effect:
    | { readonly kind: 'put' | 'may-put' | 'drop-of'; readonly digest: Digest }
    | { readonly kind: 'drop' };
}

class Presence {
  readonly adds: Operation[] = [];
  readonly removes: Operation[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Somebody was told that it is there, and neither time nor anybody may have taken it away since. */
  get isCertain(): boolean {
    const now = this.#now();
    return this.adds.some(
      (add) =>
        add.outcome === 'done' &&
        now < add.lastsUntil &&
        this.removes.every((remove) => remove.outcome === 'refused' || remove.ended < add.begun),
    );
  }

  /** Somebody may have asked for it to go. */
  get mayBeDeleted(): boolean {
    return this.removes.some((remove) => remove.outcome !== 'refused');
  }

  /** Nobody ever put it there, or somebody was told that it is gone and nobody may have put it back. */
  get isCertainlyAbsent(): boolean {
    const adds = this.adds.filter((add) => add.outcome !== 'refused');
    if (adds.length === 0) return true;
    return this.removes.some(
      (remove) => remove.outcome === 'done' && adds.every((add) => add.ended < remove.begun),
    );
  }
}

class TagValue {
  readonly operations: TagOperation[] = [];

  /** What the tag may point at now; undefined = nothing. */
  candidates(): Set<Digest | undefined> {
    const effective = this.operations.filter((o) => o.outcome !== 'refused');
    const done = effective.filter((o) => o.outcome === 'done');
    const found = new Set<Digest | undefined>();
    if (!done.some((o) => o.effect.kind === 'put')) found.add(undefined);
    for (const operation of effective) {
      const value = digestAfter(operation);
      const later = done.filter((o) => o.begun > operation.ended);
      if (!later.some((o) => overrides(o, value))) found.add(value);
    }
    return found;
  }
}

function digestAfter({ effect }: TagOperation): Digest | undefined {
  return effect.kind === 'put' || effect.kind === 'may-put' ? effect.digest : undefined;
}

function overrides(later: TagOperation, value: Digest | undefined): boolean {
  const { effect } = later;
  if (effect.kind === 'put') return effect.digest !== value;
  if (effect.kind === 'may-put') return false;
  if (value === undefined) return false;
  return effect.kind === 'drop' || effect.digest === value;
}

export class Model {
  readonly #now: () => number;
  #time = 0;
  readonly #blobs = new Map<string, Presence>();
  readonly #manifests = new Map<string, Presence>();
  readonly #tags = new Map<string, TagValue>();

  /** `now`: the world's time, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  blob(repository: string, digest: Digest): Presence {
    return found(this.#blobs, `${repository} ${digest}`, () => new Presence(this.#now));
  }

  manifest(repository: string, digest: Digest): Presence {
    return found(this.#manifests, `${repository} ${digest}`, () => new Presence(this.#now));
  }

  tag(repository: string, name: string): TagValue {
    return found(this.#tags, `${repository} ${name}`, () => new TagValue());
  }

  blobs(): Iterable<[string, Presence]> {
    return this.#blobs;
  }

  manifests(): Iterable<[string, Presence]> {
    return this.#manifests;
  }

  tags(): Iterable<[string, TagValue]> {
    return this.#tags;
  }

  /** `lastsMs`: for so long success is a promise; for ever where nothing is collected. */
  begin(list: Operation[], lastsMs = Infinity): Operation {
    const lastsUntil = this.#now() + lastsMs;
    const operation: Operation = {
      begun: ++this.#time,
      lastsUntil,
      ended: Infinity,
      outcome: 'open',
    };
    list.push(operation);
    return operation;
  }

  beginTag(tag: TagValue, effect: TagOperation['effect']): Operation {
    const operation = {
      begun: ++this.#time,
      lastsUntil: Infinity,
      ended: Infinity,
      outcome: 'open' as const,
      effect,
    };
    tag.operations.push(operation);
    return operation;
  }

  /** From now on the operation has no further effect. */
  end(operations: readonly Operation[], outcome: Outcome): void {
    this.#time += 1;
    for (const operation of operations) {
      operation.ended = this.#time;
      operation.outcome = outcome;
    }
  }
}

function found<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
