// Runs one program with a time limit and keeps what it says. At the limit its whole process group is
// ended, so that a hanging test takes no daemon of its own with it into the next stage.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

/** Between the request to end and the end without asking: time to stop daemons and remove folders. */
const GRACE_MS = 10_000;

export interface BoundedRun {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitSeconds: number;
  /** Everything said goes to this file. */
  readonly logFile: string;
  /** Ends the run early, as the limit does. */
  readonly signal: AbortSignal;
}

export interface BoundedResult {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
}

export function runBounded(run: BoundedRun): Promise<BoundedResult> {
  const [program, ...args] = run.command;
  if (program === undefined) throw new Error('a command has a program');
  return new Promise((resolve, reject) => {
    const log = createWriteStream(run.logFile);
    // Its own group: also what the tests have started can be ended.
    const child = spawn(program, args, {
      cwd: run.cwd,
      env: run.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    let timedOut = false;
    let lastResort: NodeJS.Timeout | undefined;
    const signalGroup = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // The group has ended by itself.
      }
    };
    const end = (): void => {
      signalGroup('SIGTERM');
      lastResort = setTimeout(() => signalGroup('SIGKILL'), GRACE_MS);
    };
    const limit = setTimeout(() => {
      timedOut = true;
      end();
    }, run.limitSeconds * 1000);
    run.signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    // `exit`, not `close`: a daemon left behind may hold the pipe open for ever.
    child.once('exit', (code) => {
      clearTimeout(limit);
      clearTimeout(lastResort);
      run.signal.removeEventListener('abort', end);
      if (timedOut || run.signal.aborted) signalGroup('SIGKILL');
      setImmediate(() => log.end(() => resolve({ exitCode: code ?? undefined, timedOut })));
    });
  });
}
