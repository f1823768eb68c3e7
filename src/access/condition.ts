// Conditions on a grant or a token: from where, and when.
import { type AddressSet, addressSet } from './address-set.ts';

/** As it stands in the database (JSON) and in the API. */
export interface Condition {
  /** Addresses and blocks, such as `10.0.0.0/8`; empty = from anywhere. */
  readonly networks?: readonly string[];
  /** Any of these; empty = at any time. */
  readonly windows?: readonly TimeWindow[];
}

/** Hours of the week in which it holds. `from` later than `to` goes over midnight. */
export interface TimeWindow {
  /** ISO: 1 = Monday … 7 = Sunday; the day on which the window begins. */
  readonly days: readonly number[];
  /** Minutes after midnight, 0 to 1440. */
  readonly from: number;
  readonly to: number;
  /** IANA name, such as `Europe/Paris`. */
  readonly zone: string;
}

/** The circumstances of a request. The address is looked up only when something depends on it. */
export interface Circumstances {
  address(): string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const sets = new WeakMap<Condition, AddressSet>();

/** @returns undefined when it holds, else why not, for the holder of the grant or token. */
export function conditionFailure(
  condition: Condition | undefined,
  { address, now }: Circumstances,
): string | undefined {
  if (condition === undefined) return undefined;
  const { networks, windows } = condition;
  if (networks !== undefined && networks.length > 0) {
    const set = setOf(condition, networks);
    const from = address();
    if (!set(from)) return `only from ${networks.join(', ')}, and this is ${from}`;
  }
  if (windows === undefined || windows.length === 0) return undefined;
  if (windows.some((window) => isWithin(window, now))) return undefined;
  return `only within ${windows.map(showWindow).join(' or ')}`;
}

function setOf(condition: Condition, networks: readonly string[]): AddressSet {
  const known = sets.get(condition);
  if (known !== undefined) return known;
  const made = addressSet(networks);
  sets.set(condition, made);
  return made;
}

export const DAY_MINUTES = 24 * 60;
const formats = new Map<string, Intl.DateTimeFormat>();

function isWithin(window: TimeWindow, now: number): boolean {
  const { day, minute } = localTime(window.zone, now);
  const { days, from, to } = window;
  if (from <= to) return days.includes(day) && minute >= from && minute < to;
  const yesterday = day === 1 ? 7 : day - 1;
  return (days.includes(day) && minute >= from) || (days.includes(yesterday) && minute < to);
}

const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function localTime(zone: string, now: number): { day: number; minute: number } {
  let format = formats.get(zone);
  if (format === undefined) {
    const options = {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    } as const;
    format = new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23' });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return { day: DAYS.indexOf(parts.get('weekday') ?? '') + 1, minute: minute % DAY_MINUTES };
}

function showWindow({ days, from, to, zone }: TimeWindow): string {
  const names = days.map((day) => DAYS[day - 1] ?? '?').join(' ');
  return `${names} ${clock(from)} to ${clock(to)} (${zone})`;
}

function clock(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  return `${String(hours).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** As it stands in the database: keys in one order, so that two that say the same are the same text. */
export function storedCondition(condition: Condition | undefined): string | null {
  const { networks = [], windows = [] } = condition ?? {};
  if (networks.length === 0 && windows.length === 0) return null;
  return JSON.stringify({
    ...(networks.length > 0 && { networks }),
    ...(windows.length > 0 && {
      windows: windows.map(({ days, from, to, zone }) => ({ days, from, to, zone })),
    }),
  });
}
