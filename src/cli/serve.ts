// `entrepot serve`: starts the server, says where it is, and stops it when asked.
import { hostname } from 'node:os';
import type { Configuration } from '../app/configuration.ts';
import { greetPerson, greetProgram } from './greeting.ts';
import { explainStartProblem } from './start-problem.ts';
import { createStopHandler } from './stop-signals.ts';

export interface RunningServer {
  readonly url: string;
  readonly firstPassword: string | undefined;
  stop(): Promise<void>;
}

export interface ServeHost {
  readonly version: string;
  start(configuration: Configuration): Promise<RunningServer>;
  print(text: string): void;
  printError(text: string): void;
  readonly isTerminal: boolean;
  onSignal(handler: () => void): void;
  exit(code: number): void;
}

/** @returns the exit code when it did not start; undefined while it serves. */
export async function serve(
  configuration: Configuration,
  host: ServeHost,
): Promise<number | undefined> {
  const { format } = configuration.log;
  const isForPerson = format === 'text' || (format === 'auto' && host.isTerminal);
  let server: RunningServer;
  try {
    server = await host.start(configuration);
  } catch (error) {
    host.printError(`${explainStartProblem(error, configuration)}\n`);
    return 1;
  }
  host.onSignal(
    createStopHandler({
      stop: () => server.stop(),
      // For a program the server's own log says the same.
      say: (line) => isForPerson && host.print(`${line}\n`),
      exit: host.exit,
      now: () => performance.now(),
    }),
  );
  const isHeard = isForPerson || ['trace', 'debug', 'info'].includes(configuration.log.level);
  // The password is nowhere else: it is shown whatever the level of the log.
  if (!isHeard && server.firstPassword === undefined) return undefined;
  const { url, firstPassword } = server;
  const started = { url, version: host.version, hostname: hostname(), firstPassword };
  host.print(
    isForPerson
      ? greetPerson(configuration, started)
      : greetProgram(configuration, started, Date.now()),
  );
  return undefined;
}
