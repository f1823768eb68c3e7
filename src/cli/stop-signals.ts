// Ctrl-C and SIGTERM: the first drains, a second ends at once. Knows no server, only how to stop it.

/**
 * One press of Ctrl-C reaches this process up to three times: from the terminal, from npm and from the
 * launcher. What comes within this time of the first is the same press.
 */
const SAME_PRESS_MS = 400;

export interface StopActions {
  /** Lets requests in progress end; resolves when all is closed. */
  stop(): Promise<void>;
  say(line: string): void;
  exit(code: number): void;
  /** Milliseconds of a clock that only runs forward. */
  now(): number;
}

/** A handler for every signal that means: stop. */
export function createStopHandler({ stop, say, exit, now }: StopActions): () => void {
  let firstAt: number | undefined;
  return () => {
    if (firstAt === undefined) {
      firstAt = now();
      say('Stopping when the requests in progress have ended. Ctrl-C again ends at once.');
      stop().then(
        () => exit(0),
        (error: unknown) => {
          say(`Stopping failed: ${error instanceof Error ? error.message : String(error)}`);
          exit(1);
        },
      );
    } else if (now() - firstAt >= SAME_PRESS_MS) {
      exit(130);
    }
  };
}
