// What Prometheus scrapes, added up in plain numbers while the registry works. The library that tells of
// it is loaded when somebody asks for the first time: most small registries are never asked.
import { Histogram } from './histogram.ts';
import type { Registry } from './prometheus.ts';
import type { Gauges, Tallies } from './tallies.ts';

const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];

/** A read of the embedded database takes microseconds, one of a server some hundred of them. */
const READ_SECONDS = [0.00001, 0.00005, 0.0001, 0.00025, ...SECONDS];

export interface RequestObservation {
  readonly operation: string;
  readonly status: number;
  readonly seconds: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

export class Metrics implements Tallies {
  readonly version: string;
  /** Requests by operation and status, with a space between. */
  readonly requests = new Map<string, number>();
  bytesReceived = 0;
  bytesSent = 0;
  bytesReadAgain = 0;
  bytesFreed = 0;
  historyBytes: number | undefined;
  gauges: Gauges | undefined;
  readonly #requestSeconds = new Histogram({
    name: 'entrepot_request_duration_seconds',
    help: 'From the first byte of a request to its answer being handed to the network.',
    labels: ['operation'],
    buckets: SECONDS,
  });
  readonly #commitCommands = new Histogram({
    name: 'entrepot_commit_commands',
    help: 'Commands that shared one commit of the database.',
    labels: [],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  });
  readonly #commitSeconds = new Histogram({
    name: 'entrepot_commit_duration_seconds',
    help: 'Time of one commit of the database with its commands, synced or not.',
    labels: ['synced'],
    buckets: SECONDS,
  });
  readonly #readSeconds = new Histogram({
    name: 'entrepot_database_read_duration_seconds',
    help: 'Time of one read of the database; one in sixteen is timed.',
    labels: [],
    buckets: READ_SECONDS,
  });
  readonly #storageSeconds = new Histogram({
    name: 'entrepot_storage_duration_seconds',
    help: 'Time of one operation of the blob store.',
    labels: ['operation', 'fault'],
    buckets: SECONDS,
  });
  #registry: Promise<Registry> | undefined;

  constructor(version: string) {
    this.version = version;
  }

  get histograms(): readonly Histogram[] {
    return [
      this.#requestSeconds,
      this.#commitCommands,
      this.#commitSeconds,
      this.#readSeconds,
      this.#storageSeconds,
    ];
  }

  observeRequest(observation: RequestObservation): void {
    const { operation, status } = observation;
    const key = `${operation} ${status}`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
    this.#requestSeconds.observe(observation.seconds, operation);
    this.bytesReceived += observation.bytesReceived;
    this.bytesSent += observation.bytesSent;
  }

  observeCommit(commit: { commands: number; synced: boolean; seconds: number }): void {
    this.#commitCommands.observe(commit.commands);
    this.#commitSeconds.observe(commit.seconds, String(commit.synced));
  }

  observeRead(seconds: number): void {
    this.#readSeconds.observe(seconds);
  }

  observeStorage(operation: {
    operation: string;
    seconds: number;
    fault?: string | undefined;
  }): void {
    const key = `${operation.operation} ${operation.fault ?? ''}`;
    this.#storageSeconds.observe(operation.seconds, key);
  }

  countReadAgain(bytes: number): void {
    this.bytesReadAgain += bytes;
  }

  countFreed(bytes: number): void {
    this.bytesFreed += bytes;
  }

  noteHistory(bytes: number): void {
    this.historyBytes = bytes;
  }

  addGauges(gauges: Gauges): void {
    this.gauges = gauges;
  }

  /** Everything as it is now, for Prometheus. */
  async tell(): Promise<{ contentType: string; text: string }> {
    this.#registry ??= import('./prometheus.ts').then(({ registryOf }) => registryOf(this));
    const registry = await this.#registry;
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}
