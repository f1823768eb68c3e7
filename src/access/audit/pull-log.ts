// Pulls on their way to the audit log, when the setting asks for them. A pull never waits for its record:
// they are gathered in memory and written together once a second. What there is no room for is counted.
import type { Act } from '../../metadata/audit.ts';
import type { RecordPulls } from './audit.command.ts';
import { type GatheringParts, RegularWrite } from './regular-write.ts';

/** Pulls of one flush with a row of their own: beyond it the rows would hold up those who push. */
const KEPT = 2_000;

export interface Pull extends Pick<Act, 'actor' | 'target'> {
  /** What was given. */
  readonly digest: string;
}

interface Waiting extends Pull {
  readonly since: number;
}

export class PullLog {
  readonly #parts: GatheringParts<RecordPulls>;
  readonly #regular: RegularWrite;
  #waiting: Waiting[] = [];
  #more = 0;

  constructor(parts: GatheringParts<RecordPulls>) {
    this.#parts = parts;
    this.#regular = new RegularWrite(() => this.#write(), parts.repeat);
  }

  record({ actor, target, digest }: Pull): void {
    if (this.#waiting.length >= KEPT) this.#more += 1;
    else this.#waiting.push({ actor, target, digest, since: this.#parts.now() });
  }

  /** Writes what waits. Never rejects. */
  flush(): Promise<void> {
    return this.#regular.flush();
  }

  async #write(): Promise<void> {
    const [waiting, more] = [this.#waiting, this.#more];
    if (waiting.length === 0 && more === 0) return;
    this.#waiting = [];
    this.#more = 0;
    try {
      const now = this.#parts.now();
      const pulls = waiting.map(({ since, ...pull }) => ({ ...pull, agoMs: now - since }));
      await this.#parts.write({ pulls, more });
    } catch (error) {
      const all = [...waiting, ...this.#waiting];
      this.#waiting = all.slice(0, KEPT);
      this.#more += more + all.length - this.#waiting.length;
      this.#parts.failed(error);
    }
  }

  /** Writes the last ones. Call it when no request can come any more and the database is still open. */
  close(): Promise<void> {
    return this.#regular.close();
  }
}
