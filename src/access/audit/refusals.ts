// Refused acts on their way to the audit log. They come in floods, from those who try: so they are written
// together once a second, a bounded number of them, and beyond it they are only counted.
import type { Act } from '../../metadata/audit.ts';
import { addressBlock } from '../sign-in/address-block.ts';
import type { RecordRefusals } from './audit.command.ts';
import { type GatheringParts, RegularWrite } from './regular-write.ts';

/** Refusals of one flush with a row of their own. */
const KEPT = 1_000;
/**
 * Of one address, of IPv6 of one /64: who floods the log must not hide the refusals of others, nor fill the
 * disk alone.
 */
const KEPT_OF_ADDRESS = 50;
/** Names of actions that are counted; the program has fewer. */
const ACTIONS_COUNTED = 100;

interface Waiting {
  readonly act: Act;
  readonly since: number;
}

export class RefusalLog {
  readonly #parts: GatheringParts<RecordRefusals>;
  readonly #regular: RegularWrite;
  #waiting: Waiting[] = [];
  #ofAddress = new Map<string, number>();
  #more = new Map<string, number>();

  constructor(parts: GatheringParts<RecordRefusals>) {
    this.#parts = parts;
    this.#regular = new RegularWrite(() => this.#write(), parts.repeat);
  }

  /** Never throws and never waits: a refusal is answered whatever becomes of its record. */
  recordRefusal(act: Act): void {
    try {
      this.#keep({ act, since: this.#parts.now() });
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  #keep(one: Waiting): void {
    const address = addressBlock(one.act.actor.address);
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    if (this.#waiting.length >= KEPT || ofAddress >= KEPT_OF_ADDRESS) {
      this.#count(one.act.action, 1);
      return;
    }
    this.#ofAddress.set(address, ofAddress + 1);
    this.#waiting.push(one);
  }

  #count(action: string, count: number): void {
    const isKnown = this.#more.has(action) || this.#more.size < ACTIONS_COUNTED;
    const name = isKnown ? action : 'other';
    this.#more.set(name, (this.#more.get(name) ?? 0) + count);
  }

  /** Writes what waits. Never rejects. */
  flush(): Promise<void> {
    return this.#regular.flush();
  }

  async #write(): Promise<void> {
    const [waiting, more] = [this.#waiting, this.#more];
    if (waiting.length === 0 && more.size === 0) return;
    this.#waiting = [];
    this.#ofAddress = new Map();
    this.#more = new Map();
    try {
      const now = this.#parts.now();
      const refusals = waiting.map(({ act, since }) => ({ act, agoMs: now - since }));
      await this.#parts.write({ refusals, more: Object.fromEntries(more) });
    } catch (error) {
      this.#restore(waiting, more);
      this.#parts.failed(error);
    }
  }

  /** The older ones first, as if they had just come before the others. */
  #restore(waiting: readonly Waiting[], more: ReadonlyMap<string, number>): void {
    const later = this.#waiting;
    this.#waiting = [];
    this.#ofAddress = new Map();
    for (const one of [...waiting, ...later]) this.#keep(one);
    for (const [action, count] of more) this.#count(action, count);
  }

  /** Writes the last ones. Call it when no request can come any more and the database is still open. */
  close(): Promise<void> {
    return this.#regular.close();
  }
}
