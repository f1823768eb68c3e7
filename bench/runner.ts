// Runs one workload over all registries: prepares each, warms each up, then takes the runs in turn,
// A B A B, so that a slow moment of the machine meets both.
import { cpuSeconds, memoryOf, percentile, resetPeakMemory } from './measure.ts';
import type { Registry } from './registries.ts';
import {
  type Meter,
  NotSupported,
  type Row,
  type Run,
  type RunRecord,
  type Scale,
  type Workload,
} from './workload.ts';

export interface RunnerOptions {
  readonly registries: readonly Registry[];
  readonly runs: number;
  readonly scale: Scale;
}

interface Lane {
  readonly registry: Registry;
  readonly run: Run | undefined;
  readonly records: RunRecord[];
  skipped: string | undefined;
  failed: boolean;
}

export async function runWorkload(workload: Workload, options: RunnerOptions): Promise<Row> {
  const lanes: Lane[] = [];
  for (const registry of options.registries) {
    lanes.push(await prepareLane(workload, registry, options.scale));
  }
  const rounds = options.runs + (workload.warmUp === false ? 0 : 1);
  for (let round = 0; round < rounds; round++) {
    for (const lane of lanes) {
      if (lane.run === undefined || lane.skipped !== undefined) continue;
      try {
        const record = await measureRun(lane.registry, lane.run);
        if (round >= rounds - options.runs) lane.records.push(record);
      } catch (error) {
        lane.skipped = `a run failed: ${messageOf(error)}`;
        lane.failed = true;
      }
    }
  }
  const series = lanes.map(({ registry, records, skipped, failed }) => ({
    registry: registry.name,
    isDebian: registry.isDebian,
    runs: skipped === undefined ? records : [],
    skipped,
    failed,
  }));
  return { workload, series };
}

async function prepareLane(workload: Workload, registry: Registry, scale: Scale): Promise<Lane> {
  try {
    const run = await workload.prepare(registry, scale);
    return { registry, run, records: [], skipped: undefined, failed: false };
  } catch (error) {
    const failed = !(error instanceof NotSupported);
    const skipped = failed ? `the preparation failed: ${messageOf(error)}` : messageOf(error);
    return { registry, run: undefined, records: [], skipped, failed };
  }
}

async function measureRun(registry: Registry, run: Run): Promise<RunRecord> {
  let seconds = 0;
  let cpu: number | undefined;
  let loadSeconds = 0;
  const meter: Meter = {
    async timed(work) {
      const pid = registry.pid();
      if (pid !== undefined) resetPeakMemory(pid);
      const before = pid === undefined ? 0 : cpuSeconds(pid);
      const load = process.cpuUsage();
      const start = performance.now();
      const result = await work();
      seconds = (performance.now() - start) / 1000;
      const used = process.cpuUsage(load);
      loadSeconds = (used.user + used.system) / 1e6;
      // A run that restarts the server has a new process, whose time began at zero.
      const now = registry.pid();
      cpu = now === undefined ? undefined : cpuSeconds(now) - (now === pid ? before : 0);
      return { result, seconds };
    },
  };
  const outcome = await run(meter);
  const pid = registry.pid();
  const memory = pid === undefined ? undefined : memoryOf(pid);
  if (memory?.residentBytes === 0) throw new Error(`its process ${pid} is gone`);
  const { latencies } = outcome;
  return {
    figure: outcome.figure,
    units: outcome.units,
    seconds,
    cpuSeconds: cpu,
    loadShare: seconds === 0 ? 0 : loadSeconds / seconds,
    residentBytes: memory?.residentBytes,
    peakBytes: memory?.peakBytes,
    p99Milliseconds:
      latencies === undefined || latencies.length === 0 ? undefined : percentile(latencies, 99),
    notes: outcome.notes ?? {},
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
