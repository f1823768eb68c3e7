// Lengths of time as they stand in policies and in the labels of images: `12h`, `30d`, `2w`.

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const UNITS_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 7 * 24 * HOUR_MS,
  y: 365 * 24 * HOUR_MS,
};

/** A hundred years; keeps every sum of times a safe whole number. */
const LONGEST_MS = 100 * 365 * 24 * HOUR_MS;

/** @returns undefined when it is no duration, is zero, or is longer than a hundred years. */
export function durationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,10})([smhdwy])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  return milliseconds > 0 && milliseconds <= LONGEST_MS ? milliseconds : undefined;
}
