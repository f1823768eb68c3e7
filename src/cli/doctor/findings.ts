// What the doctor tells while it works: what it looks at, what it found, what that means, what to do.
import { cell } from '../show.ts';
import type { Terminal } from '../terminal.ts';

/** Milliseconds between two lines of progress. */
const PROGRESS_EVERY_MS = 5_000;
/** Findings of one kind that are told one by one. */
const SHOWN = 20;

export class Findings {
  readonly #terminal: Terminal;
  #toldAt: number;
  /** Something is lost or wrong: the exit code is 1. */
  damages = 0;
  /** Something to look after; nothing is lost. */
  hints = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#toldAt = terminal.now();
  }

  looking(what: string): void {
    this.#toldAt = this.#terminal.now();
    this.#terminal.print(`${what}\n`);
  }

  /** For work that takes long: now and then a line on standard error. */
  progress(text: () => string): void {
    if (this.#terminal.now() - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = this.#terminal.now();
    this.#terminal.printError(`  … ${text()}\n`);
  }

  good(sentence: string): void {
    this.#terminal.print(`  Good: ${sentence}\n`);
  }

  hint(sentence: string): void {
    this.hints += 1;
    this.#terminal.print(`  Note: ${cell(sentence)}\n`);
  }

  damage(sentence: string): void {
    this.damages += 1;
    this.#terminal.print(`  DAMAGE: ${cell(sentence)}\n`);
  }

  /** What to do about what was just told. */
  advice(sentence: string): void {
    this.#terminal.print(`  What to do: ${sentence}\n`);
  }
}

/** Tells the first of many things one by one, and of the rest how many they are. */
export class FewShown {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @returns whether this one is told. */
  next(): boolean {
    this.#count += 1;
    return this.#count <= SHOWN;
  }

  get left(): number {
    return Math.max(0, this.#count - SHOWN);
  }
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
