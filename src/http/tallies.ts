// What has been added up of the registry's work, for whoever tells of it.
import type { Histogram } from './histogram.ts';

export interface Tallies {
  readonly version: string;
  /** Requests by operation and status, with a space between. */
  readonly requests: ReadonlyMap<string, number>;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly bytesReadAgain: number;
  readonly bytesFreed: number;
  readonly histograms: readonly Histogram[];
  readonly gauges: Gauges | undefined;
}

/** Values read when somebody asks for the metrics. */
export interface Gauges {
  uploadsOpen(): Promise<number>;
  uploadsReceiving(): number;
  commandsWaiting(): number;
  /** Bytes that nothing needs any more and that still lie in the blob store. */
  removalsWaiting?(): Promise<{ readonly count: number; readonly bytes: number }>;
  jobs(): Promise<readonly { kind: string; state: string; count: number }[]>;
}
