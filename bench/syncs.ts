// Counts how often a process asks the disk to make something durable, by strace. It slows the
// process down, so it is never on while something else is measured.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CALLS = 'fsync,fdatasync,syncfs,sync_file_range,msync';
const ATTACH_LIMIT_MS = 10_000;

/** Why syncs cannot be counted here, or undefined. */
export function whyNoSyncs(): string | undefined {
  return Bun.which('strace') === null ? 'strace is not installed' : undefined;
}

/** The syncs of a process, all its threads included, while `work` runs. */
export async function countSyncs(pid: number, work: () => Promise<unknown>): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-syncs-'));
  const output = join(directory, 'calls');
  const args = ['-f', '-qq', '-e', `trace=${CALLS}`, '-o', output, '-p', String(pid)];
  const tracer = spawn('strace', args, { stdio: 'ignore' });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  tracer.once('exit', () => resolve());
  const kill = () => tracer.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await untilTraced(pid, () => tracer.exitCode !== null);
    await work();
    tracer.kill('SIGINT');
    await ended;
    return callsIn(readFileSync(output, 'latin1'));
  } finally {
    tracer.kill('SIGKILL');
    process.off('exit', kill);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The calls of a trace. A call that was interrupted stands on two lines, and counts once. */
export function callsIn(trace: string): number {
  const call = new RegExp(`^\\d+ +(?:${CALLS.replaceAll(',', '|')})\\(`);
  return trace.split('\n').filter((line) => call.test(line)).length;
}

async function untilTraced(pid: number, gone: () => boolean): Promise<void> {
  const deadline = performance.now() + ATTACH_LIMIT_MS;
  while (performance.now() < deadline && !gone()) {
    const threads = readdirSync(`/proc/${pid}/task`);
    const traced = threads.every((thread) =>
      /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')),
    );
    if (traced) return;
    await Bun.sleep(5);
  }
  throw new Error('strace cannot attach to the server');
}
