// Hours of the week as a person writes them: `Mon-Fri 08:00-18:00 Europe/Paris`. Whether there is such a
// time zone is for the server to say.
import type { Json, JsonObject } from './api-client.ts';
import { UsageError } from './command.ts';
import { cell } from './show.ts';

/** ISO: the first is day 1. */
const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const FORM = /^(\S+) +(\d\d):(\d\d)-(\d\d):(\d\d) +(\S+)$/;

export interface WindowText {
  readonly days: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly zone: string;
  readonly [other: string]: Json;
}

/** @throws UsageError */
export function parseWindow(text: string): WindowText {
  const [, days = '', fromHour, fromMinute, toHour, toMinute, zone = ''] = FORM.exec(text) ?? [];
  const from = minuteOf({ hour: fromHour, minute: fromMinute });
  const to = minuteOf({ hour: toHour, minute: toMinute });
  const found = days.split(',').map(daysOf);
  if (from === undefined || to === undefined || found.includes(undefined)) {
    throw new UsageError(
      `"${text}" is no window: write days, hours and time zone, such as 'Mon-Fri 08:00-18:00 Europe/Paris'.`,
    );
  }
  if (from === to) {
    throw new UsageError(`"${text}" has no length. A whole day is 00:00-24:00.`);
  }
  const all = new Set(found.flatMap((some) => some ?? []));
  return { days: [...all].sort((a, b) => a - b), from, to, zone };
}

/** `Tue` or `Sat-Mon`. @returns undefined for what is no day. */
function daysOf(text: string): number[] | undefined {
  const [first = 0, last = first, ...more] = text.split('-').map(dayOf);
  if (first === 0 || last === 0 || more.length > 0) return undefined;
  const count = ((last - first + DAYS.length) % DAYS.length) + 1;
  return Array.from({ length: count }, (_, at) => ((first - 1 + at) % DAYS.length) + 1);
}

/** 0: it is none. */
function dayOf(text: string): number {
  return DAYS.findIndex((day) => day.toLowerCase() === text.toLowerCase()) + 1;
}

function minuteOf(time: {
  hour: string | undefined;
  minute: string | undefined;
}): number | undefined {
  const [hour, minute] = [Number(time.hour), Number(time.minute)];
  const all = hour * 60 + minute;
  return minute < 60 && all <= 24 * 60 ? all : undefined;
}

/** As `parseWindow` takes it. */
export function showWindow({ days, from, to, zone }: JsonObject): string {
  const numbers = Array.isArray(days) ? days.map(Number) : [];
  return `${showDays(numbers)} ${clock(from)}-${clock(to)} ${cell(zone)}`;
}

/** Three and more in a row are a range. */
function showDays(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const name = (day: number | undefined) => DAYS[(day ?? 0) - 1] ?? '?';
  return runs
    .map((run) => (run.length > 2 ? `${name(run[0])}-${name(run.at(-1))}` : run.map(name).join()))
    .join();
}

function clock(minutes: Json | undefined): string {
  const all = Number(minutes);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${two(Math.floor(all / 60))}:${two(all % 60)}`;
}
