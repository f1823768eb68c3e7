// Time that passes when a test says so.
import type { Timer } from './request-body.ts';

interface Alarm {
  readonly at: number;
  readonly action: () => void;
}

export class ManualTimer implements Timer {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    const alarm = { at: this.#now + ms, action };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Actions that wait for their time. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets `ms` pass, and runs what falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#alarms].filter((a) => a.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#alarms.delete(due);
      this.#now = due.at;
      due.action();
    }
    this.#now = end;
  }
}
