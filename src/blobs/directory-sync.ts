// One sync of a directory for all that wait for it. A sync covers the names that were there when it
// began; so whoever comes while one runs waits for the next. Knows no files: the sync is handed in.

interface DirectoryTurn {
  running: Promise<void>;
  /** Has not begun: whoever comes may join it. */
  next: Promise<void> | undefined;
}

export class DirectorySync {
  readonly #syncOnce: (directory: string) => Promise<void>;
  readonly #turns = new Map<string, DirectoryTurn>();

  constructor(syncOnce: (directory: string) => Promise<void>) {
    this.#syncOnce = syncOnce;
  }

  /** Resolves when a sync of `directory` that began after this call has ended; rejects when it failed. */
  sync(directory: string): Promise<void> {
    const turn = this.#turns.get(directory);
    if (turn === undefined) return this.#begin(directory);
    turn.next ??= turn.running.then(
      () => this.#begin(directory),
      // The failure belongs to those that waited for it. Ours may go well.
      () => this.#begin(directory),
    );
    return turn.next;
  }

  #begin(directory: string): Promise<void> {
    const turn: DirectoryTurn = { running: Promise.resolve(), next: undefined };
    this.#turns.set(directory, turn);
    turn.running = this.#syncOnce(directory).finally(() => {
      if (turn.next === undefined) this.#turns.delete(directory);
    });
    return turn.running;
  }
}
