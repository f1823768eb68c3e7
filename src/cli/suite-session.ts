// A private registry and an administrator who is signed in to it from the command line.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ADMIN_PASSWORD,
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../test/support/entrepot.ts';
import { type Ran, runCli, type TestTerminalOptions } from './suite-terminal.ts';

export interface CliSession {
  readonly registry: TestRegistry;
  /** Their home directory. */
  readonly home: string;
  /** A line as in a shell, with '…' around what has spaces or signs. */
  cli(line: string, options?: TestTerminalOptions): Promise<Ran>;
  /** As `cli`; what it printed, when it ended well. */
  done(line: string, options?: TestTerminalOptions): Promise<string>;
  /** As `done`, with --json. */
  json<T>(line: string): Promise<T>;
  /** As `cli`, for somebody with that token and no home. */
  as(token: string, line: string, options?: TestTerminalOptions): Promise<Ran>;
  close(): Promise<void>;
}

export async function openCliSession(options: TestRegistryOptions = {}): Promise<CliSession> {
  const home = mkdtempSync(join(tmpdir(), 'entrepot-home-'));
  const registry = await startTestRegistry({ isPrivate: true, ...options });
  const cli: CliSession['cli'] = (line, given = {}) =>
    runCli(wordsOf(line), { ...given, env: { HOME: home, ...given.env } });
  const done: CliSession['done'] = async (line, given) => {
    const { code, out, err } = await cli(line, given);
    if (code !== 0) throw new Error(`"${line}" ended with ${code}: ${err}`);
    return out;
  };
  await done(`login ${registry.url} --user admin --password-stdin`, { input: ADMIN_PASSWORD });
  return {
    registry,
    home,
    cli,
    done,
    json: async (line) => JSON.parse(await done(`${line} --json`)),
    as: (token, line, given = {}) =>
      runCli(wordsOf(line), {
        ...given,
        env: { HOME: '/nowhere', ENTREPOT_SERVER: registry.url, ENTREPOT_TOKEN: token },
      }),
    async close() {
      await registry.stop();
      rmSync(home, { recursive: true });
    },
  };
}

export function wordsOf(line: string): string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
}
