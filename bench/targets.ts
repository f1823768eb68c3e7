// The bars that a workload can set, each judged from the records of its row. A ratio is always the
// median over pairs of runs that stood side by side.
import { median, pairRatios } from './measure.ts';
import type { Row, RunRecord, Series, Target, Verdict } from './workload.ts';

/** Above this share of its core the load itself may be what limits the rate. */
const SATURATED = 0.95;
const MEGABYTE = 1e6;

/** The figure is so many times better than the best peer's. `debian`: the bar when it is the only peer. */
export function timesBetter(bar: number, debian?: number): Target {
  return {
    text: `≥ ${bar}×${debian === undefined ? '' : ` (${debian}× docker-registry)`}`,
    judge(row) {
      const [subject, peer] = subjectAndBestPeer(row);
      if (subject === undefined || peer === undefined) return notJudged(row);
      const asked = debian !== undefined && onlyDebian(row) ? debian : bar;
      const saturated = isSaturated(subject);
      const ratio = saturated ? cpuRatio(subject, peer) : figureRatio(row, subject, peer);
      if (ratio === undefined) return notJudged(row);
      const by = saturated ? ' by CPU, since the load was saturated' : '';
      return {
        met: ratio >= asked,
        text: `${times(ratio)} of ${peer.registry}${by}, asked ≥ ${asked}×`,
      };
    },
  };
}

/** CPU time of one unit, against the best peer's. */
export function cpuAtMost(bar: number): Target {
  return {
    text: `CPU ≤ ${bar}×`,
    judge(row) {
      const subject = row.series[0];
      const peers = row.series.slice(1).filter((each) => cpuPerUnit(each) !== undefined);
      const peer = best(peers, (each) => -(cpuPerUnit(each) ?? Number.NaN));
      const ratio = subject && peer ? cpuRatio(subject, peer) : undefined;
      if (peer === undefined || ratio === undefined) return notJudged(row);
      const share = 1 / ratio;
      return {
        met: share <= bar,
        text: `CPU ${share.toFixed(2)}× of ${peer.registry}, asked ≤ ${bar}×`,
      };
    },
  };
}

/** The figure, in its own unit, whatever the peers do. */
export function figureAtMost(bar: number): Target {
  return {
    text: `≤ ${bar}`,
    judge(row) {
      const subject = row.series[0];
      if (subject === undefined || subject.runs.length === 0) return notJudged(row);
      const figure = figureOf(subject);
      const unit = row.workload.unit;
      return { met: figure <= bar, text: `${short(figure)} ${unit}, asked ≤ ${bar} ${unit}` };
    },
  };
}

/** The highest memory of any run stays below. */
export function peakBelow(megabytes: number): Target {
  return {
    text: `peak < ${megabytes} MB`,
    judge(row) {
      const peak = row.series[0] && peakOf(row.series[0]);
      if (peak === undefined) return notJudged(row);
      const text = `peak ${Math.round(peak / MEGABYTE)} MB, asked < ${megabytes} MB`;
      return { met: peak < megabytes * MEGABYTE, text };
    },
  };
}

/** The peak memory is at most so many times that of the best peer. */
export function peakRatioAtMost(bar: number): Target {
  return {
    text: `peak ≤ ${bar}×`,
    judge(row) {
      const subject = row.series[0] && peakOf(row.series[0]);
      const peers = row.series.slice(1).filter((each) => peakOf(each) !== undefined);
      const peer = best(peers, (each) => -(peakOf(each) ?? Number.NaN));
      const other = peer && peakOf(peer);
      if (subject === undefined || peer === undefined || other === undefined) return notJudged(row);
      const ratio = subject / other;
      return {
        met: ratio <= bar,
        text: `peak ${ratio.toFixed(2)}× of ${peer.registry}, asked ≤ ${bar}×`,
      };
    },
  };
}

/** The subject's own figure against its figure in another workload, both in the same unit. */
export function against(
  id: string,
  bound: { readonly atLeast: number } | { readonly atMost: number },
): Target {
  const sign = 'atLeast' in bound ? '≥' : '≤';
  const bar = 'atLeast' in bound ? bound.atLeast : bound.atMost;
  return {
    text: `${sign} ${bar}× of its own ${id}`,
    judge(row, rows) {
      const subject = row.series[0];
      const other = rows.get(id)?.series[0];
      if (subject === undefined || subject.runs.length === 0) return notJudged(row);
      if (other === undefined || other.runs.length === 0) {
        return { met: undefined, text: `${id} was not run` };
      }
      const ratio = figureOf(subject) / figureOf(other);
      return {
        met: 'atLeast' in bound ? ratio >= bar : ratio <= bar,
        text: `${times(ratio)} of its own ${id}, asked ${sign} ${bar}×`,
      };
    },
  };
}

export function isSaturated(series: Series): boolean {
  return series.runs.length > 0 && median(series.runs.map((run) => run.loadShare)) > SATURATED;
}

/** The share of one core that the server used, the median of the runs. */
export function serverShare(series: Series): number | undefined {
  const shares = series.runs.flatMap(({ cpuSeconds, seconds }) =>
    cpuSeconds === undefined || seconds === 0 ? [] : [cpuSeconds / seconds],
  );
  return shares.length === 0 ? undefined : median(shares);
}

export function figureOf(series: Series): number {
  return median(series.runs.map((run) => run.figure));
}

/** Seconds of CPU for one unit of work, the median of the runs. */
export function cpuPerUnit(series: Series): number | undefined {
  const values = series.runs.flatMap(({ cpuSeconds, units }) =>
    cpuSeconds === undefined || units === 0 ? [] : [cpuSeconds / units],
  );
  return values.length === 0 ? undefined : median(values);
}

/** How many times less CPU the subject needs for a unit. */
export function cpuRatio(subject: Series, peer: Series): number | undefined {
  const own = cpuPerUnit(subject);
  const other = cpuPerUnit(peer);
  // Less than a tick of the clock is no time that could be compared.
  return own === undefined || other === undefined || own * other === 0 ? undefined : other / own;
}

export function figureRatios(row: Row, subject: Series, peer: Series): number[] {
  const figures = (runs: readonly RunRecord[]) => runs.map((run) => run.figure);
  const ratios = pairRatios({
    subject: figures(subject.runs),
    peer: figures(peer.runs),
    better: row.workload.better,
  });
  // Two counts of zero have no ratio.
  return ratios.filter(Number.isFinite);
}

function figureRatio(row: Row, subject: Series, peer: Series): number | undefined {
  const ratios = figureRatios(row, subject, peer);
  return ratios.length === 0 ? undefined : median(ratios);
}

function peakOf(series: Series): number | undefined {
  const peaks = series.runs.flatMap((run) => (run.peakBytes === undefined ? [] : [run.peakBytes]));
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

function subjectAndBestPeer(row: Row): [Series | undefined, Series | undefined] {
  const [subject, ...peers] = row.series;
  const sign = row.workload.better === 'higher' ? 1 : -1;
  const measured = peers.filter((peer) => peer.runs.length > 0);
  const ready = subject !== undefined && subject.runs.length > 0;
  return [ready ? subject : undefined, best(measured, (peer) => sign * figureOf(peer))];
}

function onlyDebian(row: Row): boolean {
  return row.series.slice(1).every((peer) => peer.isDebian || peer.runs.length === 0);
}

function best(all: readonly Series[], score: (series: Series) => number): Series | undefined {
  return [...all].sort((a, b) => score(b) - score(a))[0];
}

function notJudged(row: Row): Verdict {
  const [subject, ...peers] = row.series;
  if (subject?.skipped !== undefined) return { met: undefined, text: subject.skipped };
  const reasons = peers.flatMap((peer) => peer.skipped ?? []);
  return { met: undefined, text: reasons[0] ?? 'there is nothing to compare with' };
}

function times(ratio: number): string {
  return `${short(ratio)}×`;
}

/** A number with three significant digits at most, without an exponent. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

export function duration(seconds: number): string {
  if (seconds >= 1) return `${short(seconds)} s`;
  return seconds >= 0.001 ? `${short(seconds * 1000)} ms` : `${short(seconds * 1e6)} µs`;
}
