// A small disk of one's own, that can be full and can be made read-only. Needs Linux and root.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly directory: string;
  remount(mode: 'ro' | 'rw'): void;
  remove(): void;
}

function run(command: string, args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? undefined : `${command}: ${error?.message ?? stderr}`;
}

export function mountSmallDisk(megabytes: number): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-disk-'));
  const problem = run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
  if (problem !== undefined) {
    rmSync(directory, { recursive: true });
    throw new Error(problem);
  }
  return {
    directory,
    remount(mode) {
      const refused = run('mount', ['-o', `remount,${mode}`, directory]);
      if (refused !== undefined) throw new Error(refused);
    },
    remove() {
      // Lazily, so that a process that was not stopped does not keep the folder for ever.
      run('umount', ['-l', directory]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Why no small disk can be had here, or undefined. */
export function smallDiskMissing(): string | undefined {
  if (process.platform !== 'linux') return 'tmpfs is of Linux';
  if (process.getuid?.() !== 0) return 'only root may mount a small disk';
  try {
    mountSmallDisk(1).remove();
    return undefined;
  } catch {
    return 'this machine does not let root mount a small disk';
  }
}
