// Answers that a command needs besides its arguments: typed by a person, or lines of standard input in the
// order of the questions. For what must not be an argument, which every user of the machine could read.
import { CommandFailure, type Given, UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

export const ANSWERS_FLAG = 'password-stdin';

export interface Question {
  /** In the middle of a sentence: `password`. */
  readonly what: string;
  /** What a person is asked; else `what`. */
  readonly question?: string;
  readonly isSecret?: boolean;
}

export class Answers {
  readonly #terminal: Terminal;
  /** Undefined: a person is asked. */
  readonly #lines: string[] | undefined;

  private constructor(terminal: Terminal, lines?: string[]) {
    this.#terminal = terminal;
    this.#lines = lines;
  }

  /** @throws UsageError when there is nobody to be asked. */
  static async of(given: Given, terminal: Terminal): Promise<Answers> {
    if (given.isOn(ANSWERS_FLAG)) {
      return new Answers(terminal, (await terminal.readInput()).split(/\r?\n/));
    }
    if (terminal.canAsk) return new Answers(terminal);
    throw new UsageError(`Nobody is here to be asked: use --${ANSWERS_FLAG}.`);
  }

  /** Of somebody who sits there, for what cannot be known before. @throws UsageError */
  static ofPerson(terminal: Terminal): Answers {
    if (terminal.canAsk) return new Answers(terminal);
    throw new UsageError('Nobody is here to be asked: run it in a terminal.');
  }

  get isTyped(): boolean {
    return this.#lines === undefined;
  }

  /** @throws CommandFailure when there is none. */
  async to({ what, question, isSecret = false }: Question): Promise<string> {
    const shown = question ?? `${what[0]?.toUpperCase()}${what.slice(1)}`;
    const given =
      this.#lines === undefined
        ? await this.#terminal.ask(`${shown}: `, { isSecret })
        : this.#lines.shift();
    if (given !== undefined && given !== '') return given;
    const place = this.isTyped ? 'There was' : 'Standard input holds';
    throw new CommandFailure(`${place} no ${what}.`);
  }
}
