// Lengths of time as a person writes them for a command.
import { parseDuration, SettingProblem } from '../app/setting-values.ts';
import { UsageError } from './command.ts';

/** @throws UsageError */
export function durationMs(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    throw new UsageError(error.message);
  }
}

/** The time that long after `now`, as the API takes it. */
export function timeAfter(now: number, text: string): string {
  return new Date(now + durationMs(text)).toISOString();
}
