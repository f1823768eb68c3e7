// The metrics in the words of Prometheus, by prom-client; with what that tells of the process itself, from
// the moment at which it is loaded.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Histogram } from './histogram.ts';
import type { Gauges, Tallies } from './tallies.ts';
import { addUpkeepGauges } from './upkeep-metrics.ts';

export type { Registry };

export function registryOf(tallies: Tallies): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({
    name: 'entrepot_requests_total',
    help: 'Requests answered, by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
    collect() {
      this.reset();
      for (const [key, count] of tallies.requests) {
        const [operation = '', status = ''] = key.split(' ');
        this.inc({ operation, status }, count);
      }
    },
  });
  const addTotal = (name: string, help: string, total: () => number) =>
    new Counter({
      name: `entrepot_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(total());
      },
    });
  addTotal('bytes_received_total', 'Bytes of request bodies taken.', () => tallies.bytesReceived);
  addTotal('bytes_sent_total', 'Bytes of answers promised to clients.', () => tallies.bytesSent);
  addTotal(
    'upload_bytes_read_again_total',
    'Bytes of uploads read a second time to know their digest.',
    () => tallies.bytesReadAgain,
  );
  addTotal(
    'collection_freed_bytes_total',
    'Bytes that garbage collection has removed from the blob store.',
    () => tallies.bytesFreed,
  );
  for (const histogram of tallies.histograms) addHistogram(registry, histogram);
  collectDefaultMetrics({ register: registry, prefix: 'entrepot_' });
  const build = new Gauge({
    name: 'entrepot_build_info',
    help: 'Always 1; the version is a label.',
    labelNames: ['version'],
    registers,
  });
  build.set({ version: tallies.version }, 1);
  if (tallies.gauges !== undefined) addGauges(registry, tallies.gauges);
  return registry;
}

function addHistogram(registry: Registry, histogram: Histogram): void {
  const { name, help } = histogram.options;
  const facts = { name, help, type: 'histogram', aggregator: 'sum' };
  const metric = {
    ...facts,
    get: async () => ({ ...facts, values: histogram.values() }),
    reset: () => {},
  };
  // The registry asks a metric for no more than this; its types speak of its own four classes.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
}

function addGauges(registry: Registry, gauges: Gauges): void {
  const registers = [registry];
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
    name: 'entrepot_removals_waiting_bytes',
    help: 'Bytes that nothing needs any more and that still lie in the blob store.',
    registers,
    async collect() {
      const removals = await gauges.removalsWaiting?.().catch(untold);
      if (removals === undefined) this.remove();
      else this.set(removals.bytes);
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
  addJobFailures(registry, () => gauges.jobs());
  addUpkeepGauges(registry, gauges);
}

function addJobFailures(registry: Registry, jobs: Gauges['jobs']): void {
  new Gauge({
    name: 'entrepot_job_failures',
    help: 'How often jobs of a kind have failed in a row; 0: the last run was well.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      this.reset();
      const most = new Map<string, number>();
      for (const { kind, failures = 0 } of (await jobs().catch(untold)) ?? []) {
        most.set(kind, Math.max(failures, most.get(kind) ?? 0));
      }
      for (const [kind, failures] of most) this.set({ kind }, failures);
    },
  });
}

/** The database is down: all that is known besides is wanted now more than ever. */
function untold(): undefined {
  return undefined;
}
