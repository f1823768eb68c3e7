// A server that tests start and stop: its output is kept, its end is noticed, and it is ended by
// its own process id. Knows nothing of what the server does.

export type BackgroundProcess = Readonly<{
  pid: number;
  /** The last lines of what it wrote. */
  log(): string;
  /** The first match in its output. @throws when it ends, or when the time is over, before. */
  waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
  /** Asks until the answer is true. @throws like waitForOutput. */
  waitUntil(ready: () => Promise<boolean>, timeoutMs: number): Promise<void>;
  /** Asks it to end, and ends it by force after ten seconds. */
  stop(): Promise<void>;
}>;

export type BackgroundOptions = Readonly<{
  cwd: string;
  env: Readonly<Record<string, string>>;
}>;

/** The log kept in memory: enough for an error message, whatever a server prints. */
const KEPT_CHARACTERS = 256 * 1024;
const SHOWN_LINES = 60;
const STOP_LIMIT_MS = 10_000;
/** Between two questions to a server that starts: a pause, not a time that anything relies on. */
const ASK_AGAIN_MS = 50;

export function startBackgroundProcess(
  command: readonly string[],
  options: BackgroundOptions,
): BackgroundProcess {
  const child = Bun.spawn([...endingWithUs(), ...command], {
    cwd: options.cwd,
    env: { ...options.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const kept = { text: '', wake: Promise.withResolvers<void>() };
  // Ended means: gone, and all that it wrote is read.
  const outputs = [keepOutput(child.stdout, kept), keepOutput(child.stderr, kept)];
  const state = { ended: false };
  const ended = Promise.all([child.exited, ...outputs]).then(() => {
    state.ended = true;
  });
  const title = command.slice(0, 3).join(' ');
  const log = () => kept.text.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  const failed = (what: string) => new Error(`${title} ${what}. It wrote:\n${log()}`);

  return {
    pid: child.pid,
    log,
    async waitForOutput(pattern, timeoutMs) {
      const late = AbortSignal.timeout(timeoutMs);
      for (;;) {
        const match = kept.text.match(pattern);
        if (match) return match;
        if (state.ended) throw failed(`ended with ${child.exitCode}`);
        if (late.aborted) throw failed(`did not print ${pattern} within ${timeoutMs} ms`);
        await Promise.race([kept.wake.promise, ended, aborted(late)]);
      }
    },
    async waitUntil(ready, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (!(await ready())) {
        if (state.ended) throw failed(`ended with ${child.exitCode}`);
        if (performance.now() > deadline) throw failed(`was not ready within ${timeoutMs} ms`);
        await Bun.sleep(ASK_AGAIN_MS);
      }
    },
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await child.exited;
      clearTimeout(force);
    },
  };
}

/** Where the system can do it, a server also ends when the tests are killed before they stop it. */
function endingWithUs(): readonly string[] {
  const setpriv = Bun.which('setpriv');
  return setpriv === null ? [] : [setpriv, '--pdeathsig', 'TERM'];
}

type Kept = { text: string; wake: PromiseWithResolvers<void> };

async function keepOutput(stream: ReadableStream<Uint8Array>, kept: Kept): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    kept.text = (kept.text + decoder.decode(chunk, { stream: true })).slice(-KEPT_CHARACTERS);
    kept.wake.resolve();
    kept.wake = Promise.withResolvers<void>();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
