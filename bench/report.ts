// How the records are shown: a block for each workload as soon as it is measured, a list of targets
// at the end, and everything as JSON.
import { spreadOf } from './measure.ts';
import {
  cpuPerUnit,
  cpuRatio,
  duration,
  figureRatios,
  isSaturated,
  serverShare,
  short,
} from './targets.ts';
import type { Row, Series } from './workload.ts';

const MEGABYTE = 1e6;

export function blockOf(row: Row, rows: ReadonlyMap<string, Row>): string {
  const { workload, series } = row;
  const width = Math.max(...series.map((each) => each.registry.length));
  const [subject, ...peers] = series;
  const lines = [`${workload.id}  ${workload.title}  [${workload.unit}]`];
  for (const each of series)
    lines.push(`  ${each.registry.padEnd(width)}  ${seriesLine(row, each)}`);
  for (const peer of peers) {
    if (subject !== undefined) lines.push(...ratioLine(row, subject, peer));
  }
  for (const target of workload.targets) {
    const { met, text } = target.judge(row, rows);
    lines.push(`  ${met === undefined ? 'not judged' : met ? 'MET' : 'MISSED'}: ${text}`);
  }
  return lines.join('\n');
}

function seriesLine(row: Row, series: Series): string {
  if (series.skipped !== undefined) return `not run: ${series.skipped}`;
  const figure = spreadOf(series.runs.map((run) => run.figure));
  const parts = [`${short(figure.median)} (${short(figure.min)}–${short(figure.max)})`];
  const p99 = defined(series.runs.map((run) => run.p99Milliseconds));
  if (p99.length > 0) parts.push(`p99 ${short(spreadOf(p99).median)} ms`);
  const cpu = cpuPerUnit(series);
  if (cpu !== undefined) parts.push(`CPU ${duration(cpu)}/${row.workload.work}`);
  const resident = defined(series.runs.map((run) => run.residentBytes));
  const peak = defined(series.runs.map((run) => run.peakBytes));
  if (resident.length > 0 && peak.length > 0) {
    const now = Math.round(spreadOf(resident).median / MEGABYTE);
    parts.push(`RSS ${now} MB, peak ${Math.round(Math.max(...peak) / MEGABYTE)} MB`);
  }
  const server = serverShare(series);
  if (server !== undefined) parts.push(`server ${Math.round(server * 100)} %`);
  const share = spreadOf(series.runs.map((run) => run.loadShare)).median;
  parts.push(`load ${Math.round(share * 100)} %${isSaturated(series) ? ' SATURATED' : ''}`);
  for (const name of Object.keys(series.runs[0]?.notes ?? {})) {
    const values = series.runs.map((run) => run.notes[name] ?? Number.NaN);
    parts.push(`${name} ${short(spreadOf(values).median)}`);
  }
  return parts.join('  ');
}

function ratioLine(row: Row, subject: Series, peer: Series): string[] {
  const ratios = figureRatios(row, subject, peer);
  if (ratios.length === 0) return [];
  const { median, min, max } = spreadOf(ratios);
  const cpu = cpuRatio(subject, peer);
  const byCpu = cpu === undefined ? '' : `, ${short(cpu)}× by CPU`;
  return [
    `  ${subject.registry} : ${peer.registry}  ${short(median)}× (${short(min)}–${short(max)})${byCpu}`,
  ];
}

export function summaryOf(rows: ReadonlyMap<string, Row>): string {
  const verdicts = [...rows.values()].flatMap((row) =>
    row.workload.targets.map((target) => ({ row, verdict: target.judge(row, rows) })),
  );
  const count = (met: boolean | undefined) =>
    verdicts.filter(({ verdict }) => verdict.met === met).length;
  const missed = verdicts
    .filter(({ verdict }) => verdict.met === false)
    .map(({ row, verdict }) => `  ${row.workload.id}: ${verdict.text}`);
  return [
    `Targets: ${count(true)} met, ${count(false)} missed, ${count(undefined)} not judged.`,
    ...missed,
  ].join('\n');
}

export function jsonOf(
  rows: ReadonlyMap<string, Row>,
  setting: Readonly<Record<string, unknown>>,
): string {
  const workloads = [...rows.values()].map((row) => ({
    id: row.workload.id,
    title: row.workload.title,
    unit: row.workload.unit,
    better: row.workload.better,
    work: row.workload.work,
    series: row.series.map((series) => ({
      ...series,
      cpuSecondsPerUnit: cpuPerUnit(series),
      serverShare: serverShare(series),
      saturated: isSaturated(series),
    })),
    targets: row.workload.targets.map((target) => ({
      target: target.text,
      ...target.judge(row, rows),
    })),
  }));
  return `${JSON.stringify({ ...setting, workloads }, undefined, 2)}\n`;
}

function defined(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}
