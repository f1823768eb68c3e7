// What has been added up of the registry's work, for whoever tells of it.
import type { UpkeepFigures } from '../metadata/upkeep-figures.ts';
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
  /** `failures`: most in a row of one of them. */
  jobs(): Promise<
    readonly { kind: string; state: string; count: number; failures?: number | undefined }[]
  >;
  upkeep?(): Promise<UpkeepFigures>;
  /** Of the blobs; undefined where that has no meaning. */
  disk?(): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | undefined>;
  /** Bytes that history and trash take, as they were last worked out; undefined: not yet. */
  historyBytes?(): number | undefined;
}
