// The real program as a process of its own, whose every word is kept.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dir, '../../src/cli/main.ts');
/** Milliseconds that a start may take on a busy machine. */
const START_MS = 60_000;

export class ListeningProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  /** Standard output and standard error, as they came. */
  said = '';
  #heard: (() => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('close', () => resolve());
    });
    const hear = (chunk: Buffer) => {
      this.said += chunk.toString('utf8');
      this.#heard?.();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
  }

  static start(directory: string, settings: Readonly<Record<string, string>>): ListeningProgram {
    return new ListeningProgram(
      spawn(process.execPath, ['--no-env-file', PROGRAM, 'serve'], {
        cwd: directory,
        env: {
          PATH: process.env.PATH,
          HOME: directory,
          ENTREPOT_DATA: directory,
          ENTREPOT_LISTEN: '127.0.0.1:0',
          ...settings,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** The first group of the first match in what it said. @throws Error when it ends without saying so. */
  async hears(pattern: RegExp): Promise<string> {
    const timeout = setTimeout(() => this.#child.kill('SIGKILL'), START_MS);
    const found = await Promise.race([
      new Promise<string>((resolve) => {
        this.#heard = () => {
          const [, text] = pattern.exec(this.said) ?? [];
          if (text !== undefined) resolve(text);
        };
        this.#heard();
      }),
      this.#ended.then(() => undefined),
    ]);
    clearTimeout(timeout);
    if (found === undefined) throw new Error(`the program ended: ${this.said}`);
    return found;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
