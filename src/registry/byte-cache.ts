// Bytes that can never change, by the id of their blob: the least recently used go first.

export class ByteCache {
  readonly #limit: number;
  readonly #entries = new Map<number, Uint8Array>();
  #size = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(id: number): Uint8Array | undefined {
    const bytes = this.#entries.get(id);
    if (bytes === undefined) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, bytes);
    return bytes;
  }

  put(id: number, bytes: Uint8Array): void {
    if (bytes.length > this.#limit / 8 || this.#entries.has(id)) return;
    this.#entries.set(id, bytes);
    this.#size += bytes.length;
    for (const [oldest, old] of this.#entries) {
      if (this.#size <= this.#limit) break;
      this.#entries.delete(oldest);
      this.#size -= old.length;
    }
  }
}
