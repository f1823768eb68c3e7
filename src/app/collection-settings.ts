// The values of the settings of garbage collection, read from text.
import { SettingProblem } from './setting-values.ts';

/** More is no limit. */
export const MOST_ROWS_A_SECOND = 1_000_000;

export function parseRowRate(text: string): number {
  const rows = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (rows <= MOST_ROWS_A_SECOND) return rows;
  throw new SettingProblem(`"${text}" is no number of rows a second: write one such as 500, or 0.`);
}

export function parseShare(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (percent <= 100) return percent;
  throw new SettingProblem(`"${text}" is no percentage: write a number from 0 to 100, such as 20.`);
}
