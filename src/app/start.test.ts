// Starts that fail: the process ends, and nothing is lost that is shown only once.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dir, '../cli/main.ts');

let folder: string;
let running: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-start-'));
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
  rmSync(folder, { recursive: true });
});

/** Runs until it ends, or until it has said `until`. @returns all that it said, and its exit code. */
function serve(
  { listen, data = 'data' }: { listen: string; data?: string },
  until?: string,
): Promise<{ said: string; code: number | null }> {
  const args = ['serve', '--listen', listen, '--tls', 'off', '--data', join(folder, data)];
  const child = spawn(process.execPath, ['--no-env-file', MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  running.push(child);
  let said = '';
  return new Promise((resolve) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (until !== undefined && said.includes(until)) child.kill('SIGTERM');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', (code) => resolve({ said, code }));
  });
}

test('a first start that cannot listen leaves the password to the one that can', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const failed = await serve({ listen: `127.0.0.1:${port}` });
  taken.close();
  expect(failed.code).toBe(1);
  expect(failed.said).not.toContain('password');
  const { said } = await serve({ listen: '127.0.0.1:0' }, 'shown this once');
  expect(said).toContain('shown this once');
}, 20_000);

test('with the key of another registry it ends, and says what to do', async () => {
  for (const data of ['data', 'other']) {
    await serve({ listen: '127.0.0.1:0', data }, 'shown this once');
  }
  copyFileSync(join(folder, 'other/seal.key'), join(folder, 'data/seal.key'));
  const { said, code } = await serve({ listen: '127.0.0.1:0' });
  expect(code).toBe(1);
  expect(said).toContain('Put back the one that was there');
}, 20_000);
