// The real program as a process of its own, which can be killed at any instant and started again on
// the same data. Knows its command line, and no protocol.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ADMIN_PASSWORD } from './signed-in.ts';

const PROGRAM = join(import.meta.dir, '../../src/cli/main.ts');

export interface ServerData {
  readonly directory: string;
  /** Undefined: SQLite in the directory. */
  readonly postgres?: string;
  /** Undefined: the bytes are in the directory too. */
  readonly blobs?: string;
  /** Percent; undefined: pushes are taken until nothing fits any more. */
  readonly minFreeDisk?: number;
  /** What no manifest names goes after a few seconds, and what a tag left too. Undefined: as usual. */
  readonly isCollecting?: boolean;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly url: string;

  private constructor(child: ChildProcess, ended: Promise<void>, url: string) {
    this.#child = child;
    this.#ended = ended;
    this.url = url;
  }

  /** Resolves when it listens. @throws Error with what it said when it ends instead. */
  static async start(data: ServerData): Promise<ServerProcess> {
    const child = spawn(process.execPath, ['--no-env-file', PROGRAM, 'serve'], {
      cwd: data.directory,
      env: {
        PATH: process.env.PATH,
        HOME: data.directory,
        ENTREPOT_DATA: data.directory,
        ENTREPOT_LISTEN: '127.0.0.1:0',
        ENTREPOT_LOG: 'info,format=json,access=off',
        ENTREPOT_ADMIN_PASSWORD: ADMIN_PASSWORD,
        ENTREPOT_MIN_FREE_DISK: String(data.minFreeDisk ?? 0),
        ...(data.isCollecting === true && { ENTREPOT_COLLECTION_GRACE: '5s' }),
        ...(data.postgres !== undefined && { ENTREPOT_DATABASE: data.postgres }),
        ...(data.blobs !== undefined && { ENTREPOT_BLOBS: `file:${data.blobs}` }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
    });
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      const hear = (chunk: Buffer) => {
        said = `${said}${chunk}`.slice(-20_000);
        const found = /"url":"([^"]+)"/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      void ended.then(() => reject(new Error(`the server ended: ${said}`)));
    });
    return new ServerProcess(child, ended, url);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Asks it to end, and waits. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
