// What a command may know of the process it runs in: where it writes and reads, the environment, time.
// Tests hand in one of their own. Knows no command.

export interface Terminal {
  /** To standard output: what was asked for, and nothing else. */
  print(text: string): void;
  /** Resolves when what was printed is not waiting in memory, for output of any length. */
  drained(): Promise<void>;
  /** To standard error: problems, questions, progress. */
  printError(text: string): void;
  /** A person looks at standard output. */
  readonly isOutputSeen: boolean;
  /** A person looks at standard error. */
  readonly isErrorSeen: boolean;
  /** A person sits at standard input and can be asked. */
  readonly canAsk: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Of this machine. */
  readonly hostname: string;
  /** One line. `isSecret`: what is typed is not shown. */
  ask(question: string, options?: { isSecret?: boolean }): Promise<string>;
  /** All of standard input. */
  readInput(): Promise<string>;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves earlier when the person wants the command to end. */
  sleep(ms: number): Promise<void>;
  /** Aborted by Ctrl-C, for commands that would go on for ever. */
  readonly interrupted: AbortSignal;
  /** For servers. */
  onSignal(handler: () => void): void;
  exit(code: number): void;
}
