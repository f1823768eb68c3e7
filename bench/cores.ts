// Which core serves and which one loads: measured figures mean little when both share one, or when
// the scheduler moves them in the middle of a run. Linux only, by `taskset`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Gives the server one core and this process another; undefined where that cannot be done. */
export function pinCores(): { readonly server: number; readonly load: number } | undefined {
  const status = readFileSync('/proc/self/status', 'latin1');
  const list = status.match(/^Cpus_allowed_list:\s*(.+)$/m)?.[1] ?? '';
  const cores = list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  const [server, load] = cores;
  if (server === undefined || load === undefined || Bun.which('taskset') === null) return undefined;
  execFileSync('taskset', ['-a', '-c', '-p', String(load), String(process.pid)], {
    stdio: 'ignore',
  });
  return { server, load };
}
