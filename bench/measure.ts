// What is read from the operating system about a process, and the statistics over it. Linux only:
// CPU time and memory come from /proc. Knows nothing of registries or workloads.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;

export interface Memory {
  readonly residentBytes: number;
  /** The highest since the start of the process, or since `resetPeakMemory`. */
  readonly peakBytes: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** CPU seconds, user and system, of a process with all its threads and its living descendants. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const member of processTree(pid)) {
    const fields = statFields(member);
    ticks += Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Memory of a process and its living descendants. */
export function memoryOf(pid: number): Memory {
  let residentBytes = 0;
  let peakBytes = 0;
  for (const member of processTree(pid)) {
    const status = readOrEmpty(`/proc/${member}/status`);
    residentBytes += kilobytes(status, 'VmRSS') * 1024;
    peakBytes += kilobytes(status, 'VmHWM') * 1024;
  }
  return { residentBytes, peakBytes };
}

/** Makes the peak count from now on. A process of somebody else keeps its old peak. */
export function resetPeakMemory(pid: number): void {
  for (const member of processTree(pid)) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, '5');
    } catch {
      // Not ours to reset: the peak then covers the whole life of the process.
    }
  }
}

/** The process and its living descendants, by the parent that each names. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (let index = 0; index < tree.length; index++) {
    tree.push(...(children.get(tree[index] ?? 0) ?? []));
  }
  return tree;
}

/** The fields of /proc/<pid>/stat after the name, which may hold spaces: [state, parent, …]. */
function statFields(pid: number): string[] | undefined {
  const line = readOrEmpty(`/proc/${pid}/stat`);
  return line === '' ? undefined : line.slice(line.lastIndexOf(')') + 2).split(' ');
}

function kilobytes(status: string, name: string): number {
  return Number(status.match(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm'))?.[1] ?? 0);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // The process ended while we looked.
  }
}

/** @throws Error for an empty list: there is no figure to show. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: percentile(values, 0), max: percentile(values, 100) };
}

/** The middle value; of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = sortedOrThrow(values);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest value that at least `percent` of all values do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = sortedOrThrow(values);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** How many times better each subject's run was than the peer's run beside it. */
export function pairRatios(options: {
  readonly subject: readonly number[];
  readonly peer: readonly number[];
  readonly better: 'higher' | 'lower';
}): number[] {
  const pairs = Math.min(options.subject.length, options.peer.length);
  return Array.from({ length: pairs }, (_, index) => {
    const subject = options.subject[index] ?? Number.NaN;
    const peer = options.peer[index] ?? Number.NaN;
    return options.better === 'higher' ? subject / peer : peer / subject;
  });
}

function sortedOrThrow(values: readonly number[]): number[] {
  if (values.length === 0) throw new Error('no values were measured');
  return [...values].sort((a, b) => a - b);
}
