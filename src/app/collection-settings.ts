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

/** Days: what a policy would have done is worked out over the last thirty. */
export const FEWEST_HISTORY_DAYS = 31;
export const MOST_HISTORY_DAYS = 36_500;

/** Days; 0 = for ever. @throws SettingProblem */
export function parseHistoryDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (days === 0 || (days >= FEWEST_HISTORY_DAYS && days <= MOST_HISTORY_DAYS)) return days;
  throw new SettingProblem(
    `Write a number of days from ${FEWEST_HISTORY_DAYS} to ${MOST_HISTORY_DAYS}, or 0 for ever.`,
  );
}
