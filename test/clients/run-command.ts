// Runs one command of a client to its end, in a clean environment and a bounded time. When it does
// not do what is expected, the error holds all that is needed to understand it: the whole command,
// both outputs, and what the servers behind it logged. Knows no client by name.

export type CommandOptions = Readonly<{
  env: Readonly<Record<string, string>>;
  cwd: string;
  input?: string | Uint8Array;
  timeoutMs?: number;
  /** The last lines of the logs of the servers that the command talks to. */
  logs?: () => string;
}>;

export type CommandOutput = Readonly<{ exitCode: number; stdout: string; stderr: string }>;

/** Longer than any single command takes on a busy machine; a hang ends here and says so. */
const DEFAULT_TIMEOUT_MS = 120_000;

/** Runs the command. @throws when it ends with anything but 0. */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandOutput> {
  const output = await collect(command, options);
  if (output.exitCode !== 0) throw commandError('failed', command, output, options);
  return output;
}

/** Runs a command that must fail. @throws when it succeeds. */
export async function runRefusedCommand(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandOutput> {
  const output = await collect(command, options);
  if (output.exitCode !== 0) return output;
  throw commandError('succeeded, although it must fail', command, output, options);
}

async function collect(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandOutput> {
  const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    env: { ...options.env },
    stdin: options.input === undefined ? 'ignore' : Buffer.from(options.input),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const output = { exitCode, stdout, stderr };
  if (child.signalCode !== null) {
    const fate = `was ended by ${child.signalCode} (its limit is ${timeout / 1000} s)`;
    throw commandError(fate, command, output, options);
  }
  return output;
}

function commandError(
  fate: string,
  command: readonly string[],
  output: CommandOutput,
  options: CommandOptions,
): Error {
  return new Error(
    [
      `A command ${fate}, exit code ${output.exitCode}:`,
      `  ${command.map(quoted).join(' ')}`,
      `  in ${options.cwd}`,
      `--- its standard output\n${output.stdout}`,
      `--- its standard error\n${output.stderr}`,
      `--- the end of the logs\n${options.logs?.() ?? '(none)'}`,
    ].join('\n'),
  );
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
