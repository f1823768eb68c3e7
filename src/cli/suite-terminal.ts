// A terminal for tests: what commands print is kept, what they ask is answered from a list.
import { ALL_COMMANDS } from './all-commands.ts';
import { runCommandLine } from './run-command-line.ts';
import type { Terminal } from './terminal.ts';

export interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface TestTerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string;
  /** A person sits there, and answers; with a function: by what they have been shown. */
  readonly answers?: readonly (string | ((shown: string) => string))[];
  readonly fetch?: Terminal['fetch'];
  /** Called instead of waiting. */
  readonly sleep?: (ms: number) => Promise<void>;
  readonly interrupted?: AbortSignal;
  readonly directory?: string;
}

/** Runs a command in this process. */
export async function runCli(
  argv: readonly string[],
  options: TestTerminalOptions = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const answers = [...(options.answers ?? [])];
  const terminal: Terminal = {
    print(text) {
      out += text;
    },
    drained: () => Promise.resolve(),
    printError(text) {
      err += text;
    },
    isOutputSeen: false,
    isErrorSeen: false,
    canAsk: options.answers !== undefined,
    env: options.env ?? {},
    directory: options.directory ?? '/nowhere',
    hostname: 'build-7',
    async ask(question) {
      err += `${question}\n`;
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nobody answers "${question}"`);
      return typeof answer === 'string' ? answer : answer(err);
    },
    readInput: async () => options.input ?? '',
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    now: Date.now,
    sleep: options.sleep ?? (() => Promise.resolve()),
    interrupted: options.interrupted ?? new AbortController().signal,
    onSignal: () => {},
    exit: () => {},
  };
  const code = await runCommandLine(argv, { commands: ALL_COMMANDS, terminal });
  return { code, out, err };
}
