// How rates and shares of a disk are read, and shown again in a form that is read alike.
import { describe, expect, test } from 'bun:test';
import { SettingProblem } from './setting-values.ts';
import { formatRate, parsePercent, parseRate } from './storage-settings.ts';

describe('a rate', () => {
  test.each([
    ['8MiB', 8_388_608],
    ['64KiB', 65_536],
    ['1GiB', 1_073_741_824],
    ['100MB', 100_000_000],
    ['off', 0],
    ['0', 0],
  ])('%s', (text, rate) => {
    expect(parseRate(text)).toBe(rate);
    expect(parseRate(formatRate(rate))).toBe(rate);
  });

  test.each(['', '8', '8 MiB', '1KiB', '63KiB', '-8MiB', '8mib', '1.5MiB', 'fast'])(
    '%j is refused',
    (text) => {
      expect(() => parseRate(text)).toThrow(SettingProblem);
    },
  );
});

describe('a share of the disk', () => {
  test.each([
    ['5', 5],
    ['5%', 5],
    ['2.5 %', 2.5],
    ['0', 0],
    ['off', 0],
    ['50', 50],
  ])('%s', (text, percent) => {
    expect(parsePercent(text)).toBe(percent);
  });

  test.each(['', '51', '100', '-1', '5GB', '%'])('%j is refused', (text) => {
    expect(() => parsePercent(text)).toThrow(SettingProblem);
  });
});
