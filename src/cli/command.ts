// What a command of the command line is: its arguments, flags, help and run, all in one value. Knows no
// command.
import type { Terminal } from './terminal.ts';

export interface ArgumentFacts {
  /** As help shows it, in capitals. */
  readonly name: string;
  readonly about: string;
  readonly isOptional?: true;
}

export interface FlagFacts {
  readonly about: string;
  /** What stands for its value in help. Absent: a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly isList?: true;
}

export interface Command {
  /** The words that call it: `user create`. */
  readonly name: string;
  readonly about: string;
  readonly arguments?: readonly ArgumentFacts[];
  /** By name, without the dashes. */
  readonly flags?: Readonly<Record<string, FlagFacts>>;
  readonly examples: readonly string[];
  /** It reads the configuration of the server, and so takes the flags of all settings. */
  readonly takesSettings?: true;
  /** @returns the exit code; undefined while it goes on (a server). */
  run(given: Given, terminal: Terminal): Promise<number | undefined>;
}

/** Wrong use of the command: a sentence, and exit code 2. */
export class UsageError extends Error {}

/** It could not be done: a sentence that says what to do, and exit code 1. */
export class CommandFailure extends Error {}

/** What was given for the arguments and flags of one command. */
export class Given {
  readonly #arguments: Readonly<Record<string, string>>;
  readonly #flags: Readonly<Record<string, readonly string[]>>;
  /** Flags of settings, and `config`: `true` for one without a value. */
  readonly settings: Readonly<Record<string, string | true>>;

  constructor(given: {
    arguments?: Readonly<Record<string, string>>;
    /** A switch has one empty value. */
    flags?: Readonly<Record<string, readonly string[]>>;
    settings?: Readonly<Record<string, string | true>>;
  }) {
    this.#arguments = given.arguments ?? {};
    this.#flags = given.flags ?? {};
    this.settings = given.settings ?? {};
  }

  /** One that must be given, which the parser has seen to. */
  argument(name: string): string {
    const value = this.#arguments[name];
    if (value === undefined) throw new Error(`the argument ${name} is not one of this command`);
    return value;
  }

  optional(name: string): string | undefined {
    return this.#arguments[name];
  }

  flag(name: string): string | undefined {
    return this.#flags[name]?.[0];
  }

  /** @throws UsageError when it is not there. */
  needed(name: string): string {
    const value = this.flag(name);
    if (value === undefined) throw new UsageError(`--${name} is needed.`);
    return value;
  }

  list(name: string): readonly string[] {
    return this.#flags[name] ?? [];
  }

  isOn(name: string): boolean {
    return this.#flags[name] !== undefined;
  }

  /** One of some words. @throws UsageError */
  choice<const T extends readonly string[]>(name: string, words: T): T[number] | undefined {
    const value = this.flag(name);
    if (value === undefined || words.includes(value)) return value;
    throw new UsageError(`--${name} is one of ${words.join(', ')}, not "${value}".`);
  }

  /** A whole number of at least one. @throws UsageError */
  count(name: string): number | undefined {
    const value = this.flag(name);
    if (value === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
    throw new UsageError(`--${name} is a whole number such as 20, not "${value}".`);
  }
}
