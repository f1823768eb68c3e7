// What a workload is, and what one run of it leaves behind. The files under workloads/ implement
// this, main.ts runs them, report.ts and targets.ts read the records.
import type { Registry } from './registries.ts';

export interface Workload {
  /** As in the list of targets, with its variant: `B6/16`. */
  readonly id: string;
  readonly title: string;
  /** Of the figure: `/s`, `ms`, `MB/s`, `MB`, … */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What CPU time is counted by: `request`, `GiB`, `image`, … */
  readonly work: string;
  readonly targets: readonly Target[];
  /** Takes minutes or many gigabytes: only with --full. */
  readonly heavy?: boolean;
  /** False: the first run counts too, since nothing warms up. */
  readonly warmUp?: boolean;
  /** Pushes what the runs need. @throws NotSupported */
  prepare(registry: Registry, scale: Scale): Promise<Run>;
}

export interface Scale {
  /** How long one run of a rate lasts. */
  readonly milliseconds: number;
  /** Small amounts, to see that everything works: the figures mean nothing. */
  readonly quick: boolean;
}

export type Run = (meter: Meter) => Promise<Outcome>;

export interface Outcome {
  readonly figure: number;
  /** How much work was done in the timed part, for the CPU time of one unit. */
  readonly units: number;
  /** Milliseconds of each unit, for the 99th percentile. */
  readonly latencies?: readonly number[];
  /** Other figures worth reading, by name and unit. */
  readonly notes?: Readonly<Record<string, number>>;
}

export interface Meter {
  /** CPU time and seconds are those spent in here. Called once in a run. */
  timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }>;
}

/** The registry cannot do what the workload asks. Its message says what. */
export class NotSupported extends Error {}

export interface RunRecord {
  readonly figure: number;
  readonly units: number;
  readonly seconds: number;
  readonly cpuSeconds: number | undefined;
  /** Share of its core that the load itself used, 0 to 1. */
  readonly loadShare: number;
  readonly residentBytes: number | undefined;
  readonly peakBytes: number | undefined;
  readonly p99Milliseconds: number | undefined;
  readonly notes: Readonly<Record<string, number>>;
}

export interface Series {
  readonly registry: string;
  readonly isDebian: boolean;
  readonly runs: readonly RunRecord[];
  /** Why there are no runs. */
  readonly skipped: string | undefined;
  /** The reason is an error, not something that the registry does not offer. */
  readonly failed: boolean;
}

/** One workload over all registries; the first series is the subject, the others its peers. */
export interface Row {
  readonly workload: Workload;
  readonly series: readonly Series[];
}

export interface Target {
  readonly text: string;
  judge(row: Row, rows: ReadonlyMap<string, Row>): Verdict;
}

export interface Verdict {
  /** Undefined: it could not be judged; `text` says why. */
  readonly met: boolean | undefined;
  readonly text: string;
}
