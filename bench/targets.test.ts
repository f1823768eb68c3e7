import { expect, test } from 'bun:test';
import {
  against,
  cpuAtMost,
  figureAtMost,
  peakBelow,
  peakRatioAtMost,
  short,
  timesBetter,
} from './targets.ts';
import type { Row, RunRecord, Series, Target } from './workload.ts';

function series(registry: string, figures: readonly number[], other?: Partial<RunRecord>): Series {
  const runs = figures.map((figure) => ({
    figure,
    units: 100,
    seconds: 1,
    cpuSeconds: 1,
    loadShare: 0.5,
    residentBytes: 1e6,
    peakBytes: 2e6,
    p99Milliseconds: undefined,
    notes: {},
    ...other,
  }));
  const isDebian = registry === 'docker-registry';
  return { registry, isDebian, runs, skipped: undefined, failed: false };
}

function row(all: readonly Series[], better: 'higher' | 'lower' = 'higher'): Row {
  const workload = { id: 'T', title: 't', unit: '/s', better, work: 'request', targets: [] };
  return {
    workload: { ...workload, prepare: () => Promise.reject(new Error('unused')) },
    series: all,
  };
}

function met(target: Target, each: Row, rows: ReadonlyMap<string, Row> = new Map()) {
  return target.judge(each, rows).met;
}

test('the subject is held against the best of its peers', () => {
  const all = row([series('mine', [100]), series('slow', [1]), series('fast', [50])]);
  expect(met(timesBetter(2), all)).toBe(true);
  expect(met(timesBetter(3), all)).toBe(false);
  expect(timesBetter(3).judge(all, new Map()).text).toContain('of fast');
});

test('where less is better, the best peer is the one with the least', () => {
  const all = row([series('mine', [1]), series('slow', [100]), series('fast', [4])], 'lower');
  expect(met(timesBetter(4), all)).toBe(true);
  expect(met(timesBetter(5), all)).toBe(false);
});

test('beside docker-registry alone its own bar counts; beside others the general one', () => {
  const alone = row([series('mine', [100]), series('docker-registry', [10])]);
  expect(met(timesBetter(2, 20), alone)).toBe(false);
  const beside = row([...alone.series, series('other', [9])]);
  expect(met(timesBetter(2, 20), beside)).toBe(true);
});

test('the ratio is the median over pairs of runs, not the ratio of medians', () => {
  const all = row([series('mine', [10, 100, 60]), series('peer', [5, 25, 30])]);
  expect(met(timesBetter(2), all)).toBe(true);
  expect(met(timesBetter(2.01), all)).toBe(false);
});

test('a saturated load makes CPU per unit the figure that is compared', () => {
  const subject = series('mine', [20], { loadShare: 0.99, cpuSeconds: 0.1 });
  const verdict = timesBetter(8).judge(row([subject, series('peer', [10])]), new Map());
  expect(verdict.met).toBe(true);
  expect(verdict.text).toContain('by CPU');
});

test('CPU counts by unit of work', () => {
  const subject = series('mine', [1], { cpuSeconds: 2, units: 1000 });
  const all = row([subject, series('peer', [1], { cpuSeconds: 1, units: 100 })]);
  expect(met(cpuAtMost(0.2), all)).toBe(true);
  expect(met(cpuAtMost(0.19), all)).toBe(false);
});

test('what cannot be divided gives no ratio', () => {
  const nothing = row([series('mine', [0]), series('peer', [0])], 'lower');
  expect(met(timesBetter(1), nothing)).toBeUndefined();
  const quick = row([series('mine', [1]), series('peer', [1], { cpuSeconds: 0 })]);
  expect(met(cpuAtMost(1), quick)).toBeUndefined();
});

test('absolute bars need no peer', () => {
  expect(met(figureAtMost(5), row([series('mine', [5])]))).toBe(true);
  expect(met(figureAtMost(5), row([series('mine', [6])]))).toBe(false);
  expect(met(peakBelow(2), row([series('mine', [6])]))).toBe(false);
  expect(met(peakBelow(3), row([series('mine', [6])]))).toBe(true);
});

test('memory is held against the best peer', () => {
  const large = series('large', [1], { peakBytes: 9e6 });
  expect(met(peakRatioAtMost(1), row([series('mine', [1]), large]))).toBe(true);
  expect(met(peakRatioAtMost(1), row([large, series('peer', [1])]))).toBe(false);
});

test('a figure can be held against one of another workload', () => {
  const rows = new Map([['O', row([series('mine', [10])])]]);
  expect(met(against('O', { atLeast: 0.8 }), row([series('mine', [8])]), rows)).toBe(true);
  expect(met(against('O', { atLeast: 0.8 }), row([series('mine', [7])]), rows)).toBe(false);
  expect(met(against('O', { atMost: 2 }), row([series('mine', [21])]), rows)).toBe(false);
  expect(met(against('O', { atMost: 2 }), row([series('mine', [20])]))).toBeUndefined();
});

test('what was not measured is not judged, and says why', () => {
  const skipped = { ...series('peer', []), skipped: 'it has no such thing' };
  const verdict = timesBetter(2).judge(row([series('mine', [1]), skipped]), new Map());
  expect(verdict).toEqual({ met: undefined, text: 'it has no such thing' });
  for (const target of [timesBetter(2), cpuAtMost(1), peakRatioAtMost(1)]) {
    expect(met(target, row([series('mine', [1])]))).toBeUndefined();
  }
  const none = row([{ ...skipped, registry: 'mine' }, series('peer', [1])]);
  for (const target of [timesBetter(2), cpuAtMost(1), figureAtMost(1), peakBelow(1)]) {
    expect(met(target, none)).toBeUndefined();
  }
});

test('figures are short, and never in exponents', () => {
  expect([0, 0.01234, 1.239, 56.78, 123456.7].map(short)).toEqual([
    '0',
    '0.012',
    '1.24',
    '56.8',
    '123,457',
  ]);
});
