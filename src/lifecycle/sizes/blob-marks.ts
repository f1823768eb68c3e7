// Which blobs a walk has met, and how: a small number by id, in typed arrays. A million blobs take 18 MB, and
// while it grows once more half of that; objects would take ten times as much.

/** Slots at first; a power of two. */
const FIRST_SLOTS = 1_024;
/** More than this part of the slots are never taken, or looking one up would take long. */
const FULLEST = 0.6;
/** 40 million blobs, 600 MB: a registry of that size has its sizes by `usage_scopes`. */
const MOST_SLOTS = 2 ** 26;

export class BlobMarks {
  /** 0: free. */
  #ids = new Float64Array(FIRST_SLOTS);
  #marks = new Uint8Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns undefined for a blob that was not met. */
  get(id: number): number | undefined {
    const slot = this.#slot(id);
    return this.#ids[slot] === id ? this.#marks[slot] : undefined;
  }

  set(id: number, mark: number): void {
    let slot = this.#slot(id);
    if (this.#ids[slot] !== id) {
      if (this.#size + 1 > this.#ids.length * FULLEST) {
        this.#grow();
        slot = this.#slot(id);
      }
      this.#ids[slot] = id;
      this.#size += 1;
    }
    this.#marks[slot] = mark;
  }

  /** That of the id, or the free one where it belongs. */
  #slot(id: number): number {
    const last = this.#ids.length - 1;
    // Ids come in runs: neighbours must not stand side by side, or runs that meet grow long.
    let slot = Math.imul(id, 0x9e3779b1) & last;
    while (this.#ids[slot] !== 0 && this.#ids[slot] !== id) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const ids = this.#ids;
    const marks = this.#marks;
    if (ids.length === MOST_SLOTS)
      throw new Error('there are too many blobs to walk through at once');
    this.#ids = new Float64Array(ids.length * 2);
    this.#marks = new Uint8Array(ids.length * 2);
    for (let at = 0; at < ids.length; at += 1) {
      const id = ids[at] as number;
      if (id === 0) continue;
      const slot = this.#slot(id);
      this.#ids[slot] = id;
      this.#marks[slot] = marks[at] as number;
    }
  }
}
