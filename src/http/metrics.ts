// What Prometheus scrapes. The hot path only adds to counters made beforehand.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { RequestHistogram } from './request-histogram.ts';

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

/** Values read when somebody asks for the metrics. */
export interface Gauges {
  uploadsOpen(): Promise<number>;
  uploadsReceiving(): number;
  commandsWaiting(): number;
  jobs(): Promise<readonly { kind: string; state: string; count: number }[]>;
}

export class Metrics {
  readonly registry = new Registry();
  // What happens at every request is added up here, and handed to prom-client when somebody asks.
  readonly #requests = new Map<string, number>();
  #bytesReceived = 0;
  #bytesSent = 0;
  readonly #requestTotal = new Counter({
    name: 'entrepot_requests_total',
    help: 'Requests answered, by operation and status.',
    labelNames: ['operation', 'status'],
    registers: [this.registry],
    collect: () => this.#handOverRequests(),
  });
  readonly #requestSeconds = new RequestHistogram({
    name: 'entrepot_request_duration_seconds',
    help: 'From the first byte of a request to its answer being handed to the network.',
    label: 'operation',
    buckets: SECONDS,
  });
  readonly #received = this.#counter(
    'bytes_received_total',
    'Bytes of request bodies taken.',
    () => {
      this.#received.inc(this.#bytesReceived);
      this.#bytesReceived = 0;
    },
  );
  readonly #sent = this.#counter(
    'bytes_sent_total',
    'Bytes of answers promised to clients.',
    () => {
      this.#sent.inc(this.#bytesSent);
      this.#bytesSent = 0;
    },
  );
  readonly #readAgain = this.#counter(
    'upload_bytes_read_again_total',
    'Bytes of uploads read a second time to know their digest.',
  );
  readonly #commitCommands = new Histogram({
    name: 'entrepot_commit_commands',
    help: 'Commands that shared one commit of the database.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.registry],
  });
  readonly #commitSeconds = new Histogram({
    name: 'entrepot_commit_duration_seconds',
    help: 'Time of one commit of the database with its commands, synced or not.',
    labelNames: ['synced'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #readSeconds = new Histogram({
    name: 'entrepot_database_read_duration_seconds',
    help: 'Time of one read of the database; one in sixteen is timed.',
    buckets: READ_SECONDS,
    registers: [this.registry],
  });
  readonly #storageSeconds = new Histogram({
    name: 'entrepot_storage_duration_seconds',
    help: 'Time of one operation of the blob store.',
    labelNames: ['operation', 'fault'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  constructor(version: string) {
    this.#requestSeconds.register(this.registry);
    collectDefaultMetrics({ register: this.registry, prefix: 'entrepot_' });
    const build = new Gauge({
      name: 'entrepot_build_info',
      help: 'Always 1; the version is a label.',
      labelNames: ['version'],
      registers: [this.registry],
    });
    build.set({ version }, 1);
  }

  observeRequest(observation: RequestObservation): void {
    const { operation, status } = observation;
    const key = `${operation} ${status}`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    this.#requestSeconds.observe(operation, observation.seconds);
    this.#bytesReceived += observation.bytesReceived;
    this.#bytesSent += observation.bytesSent;
  }

  observeCommit(commit: { commands: number; synced: boolean; seconds: number }): void {
    this.#commitCommands.observe(commit.commands);
    this.#commitSeconds.labels(String(commit.synced)).observe(commit.seconds);
  }

  observeRead(seconds: number): void {
    this.#readSeconds.observe(seconds);
  }

  observeStorage(operation: {
    operation: string;
    seconds: number;
    fault?: string | undefined;
  }): void {
    this.#storageSeconds
      .labels(operation.operation, operation.fault ?? '')
      .observe(operation.seconds);
  }

  countReadAgain(bytes: number): void {
    this.#readAgain.inc(bytes);
  }

  addGauges(gauges: Gauges): void {
    const registers = [this.registry];
    new Gauge({
      name: 'entrepot_uploads_open',
      help: 'Uploads started and not yet finished, cancelled or expired.',
      registers,
      async collect() {
        const open = await gauges.uploadsOpen().catch(untold);
        if (open === undefined) this.remove();
        else this.set(open);
      },
    });
    new Gauge({
      name: 'entrepot_commands_waiting',
      help: 'Writes that this process has asked of the database and that are not answered yet.',
      registers,
      collect() {
        this.set(gauges.commandsWaiting());
      },
    });
    new Gauge({
      name: 'entrepot_uploads_receiving',
      help: 'Bodies of uploads being received by this process now.',
      registers,
      collect() {
        this.set(gauges.uploadsReceiving());
      },
    });
    new Gauge({
      name: 'entrepot_jobs',
      help: 'Jobs in the queue, by kind and state.',
      labelNames: ['kind', 'state'],
      registers,
      async collect() {
        this.reset();
        const jobs = await gauges.jobs().catch(untold);
        for (const { kind, state, count } of jobs ?? []) this.set({ kind, state }, count);
      },
    });
  }

  #handOverRequests(): void {
    for (const [key, count] of this.#requests) {
      const [operation = '', status = ''] = key.split(' ');
      this.#requestTotal.inc({ operation, status }, count);
    }
    this.#requests.clear();
  }

  #counter(name: string, help: string, collect = () => {}): Counter {
    const registers = [this.registry];
    return new Counter({ name: `entrepot_${name}`, help, registers, collect });
  }
}

/** The database is down: all that is known besides is wanted now more than ever. */
function untold(): undefined {
  return undefined;
}
