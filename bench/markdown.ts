// The table for docs/performance.md, written from the records of a run and from nothing else.
import { spreadOf } from './measure.ts';
import { cpuPerUnit, cpuRatio, duration, figureRatios, isSaturated, short } from './targets.ts';
import type { Row, Series } from './workload.ts';

export function markdownOf(rows: ReadonlyMap<string, Row>, setting: string): string {
  const names = [...rows.values()][0]?.series.map((series) => series.registry) ?? [];
  const ratios = names.slice(1).map((name) => `against ${name}`);
  const header = ['#', 'workload', ...names, ...ratios, 'targets'];
  const lines = [...rows.values()].map((row) => [
    row.workload.id,
    row.workload.title,
    ...row.series.map((series) => seriesCell(row, series)),
    ...row.series.slice(1).map((peer) => ratioCell(row, peer)),
    targetsCell(row, rows),
  ]);
  const table = [header, header.map(() => '---'), ...lines];
  const text = table.map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');
  return `${setting}\n\n${text}\n`;
}

function seriesCell(row: Row, series: Series): string {
  if (series.skipped !== undefined) return `not run: ${series.skipped}`;
  const { median, min, max } = spreadOf(series.runs.map((run) => run.figure));
  const cpu = cpuPerUnit(series);
  const parts = [`${short(median)} ${row.workload.unit} (${short(min)}–${short(max)})`];
  if (cpu !== undefined && cpu > 0) parts.push(`CPU ${duration(cpu)}/${row.workload.work}`);
  const peaks = series.runs.map((run) => run.peakBytes ?? Number.NaN);
  if (!peaks.some(Number.isNaN)) parts.push(`peak ${Math.round(Math.max(...peaks) / 1e6)} MB`);
  if (isSaturated(series)) parts.push('load saturated');
  return parts.join(', ');
}

function ratioCell(row: Row, peer: Series): string {
  const [subject] = row.series;
  const ratios = subject === undefined ? [] : figureRatios(row, subject, peer);
  if (subject === undefined || ratios.length === 0) return '–';
  const { median, min, max } = spreadOf(ratios);
  const cpu = cpuRatio(subject, peer);
  const byCpu = cpu === undefined ? '' : `, ${short(cpu)}× by CPU`;
  return `${short(median)}× (${short(min)}–${short(max)})${byCpu}`;
}

function targetsCell(row: Row, rows: ReadonlyMap<string, Row>): string {
  return row.workload.targets
    .map((target) => {
      const { met, text } = target.judge(row, rows);
      return `${met === undefined ? 'not judged' : met ? 'met' : '**missed**'}: ${text}`;
    })
    .join('; ');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
