// From where and when: networks, windows over midnight, and the days on which clocks are set.
import { describe, expect, test } from 'bun:test';
import { type Condition, conditionFailure, type TimeWindow } from './condition.ts';

const HOUR = 60;
const ALL_WEEK = [1, 2, 3, 4, 5, 6, 7];

function holds(condition: Condition, at: { now?: string; from?: string }): boolean {
  const { now = '2026-06-15T12:00:00Z', from = '192.0.2.1' } = at;
  return conditionFailure(condition, { address: () => from, now: Date.parse(now) }) === undefined;
}

function within(window: Partial<TimeWindow>): Condition {
  const whole = { days: ALL_WEEK, from: 0, to: 24 * HOUR, zone: 'UTC' };
  return { windows: [{ ...whole, ...window }] };
}

interface Moments {
  readonly condition: Condition;
  readonly holds: readonly string[];
  readonly not: readonly string[];
}

// 2026-06-15 is a Monday. Paris sets its clocks at 01:00 UTC on 2026-03-29 and 2026-10-25, both Sundays.
const MOMENTS: Readonly<Record<string, Moments>> = {
  'the beginning is in, the end is not': {
    condition: within({ from: 9 * HOUR, to: 17 * HOUR }),
    holds: ['2026-06-15T09:00:00Z', '2026-06-15T16:59:59.999Z'],
    not: ['2026-06-15T08:59:59.999Z', '2026-06-15T17:00:00Z'],
  },
  'a whole day': {
    condition: within({ days: [1] }),
    holds: ['2026-06-15T00:00:00Z', '2026-06-15T23:59:59.999Z'],
    not: ['2026-06-14T23:59:59.999Z', '2026-06-16T00:00:00Z'],
  },
  'from and to alike is never': {
    condition: within({ from: 9 * HOUR, to: 9 * HOUR }),
    holds: [],
    not: ['2026-06-15T09:00:00Z', '2026-06-15T12:00:00Z'],
  },
  'no days is never': {
    condition: within({ days: [] }),
    holds: [],
    not: ['2026-06-15T12:00:00Z'],
  },
  'over midnight, of the day on which it begins': {
    condition: within({ days: [5], from: 22 * HOUR, to: 6 * HOUR }),
    holds: [
      '2026-06-19T22:00:00Z',
      '2026-06-19T23:59:00Z',
      '2026-06-20T00:00:00Z',
      '2026-06-20T05:59:00Z',
    ],
    not: [
      '2026-06-19T05:00:00Z',
      '2026-06-19T21:59:00Z',
      '2026-06-20T06:00:00Z',
      '2026-06-20T23:00:00Z',
    ],
  },
  'over midnight, from Sunday to Monday': {
    condition: within({ days: [7], from: 22 * HOUR, to: 6 * HOUR }),
    holds: ['2026-06-14T23:00:00Z', '2026-06-15T05:00:00Z'],
    not: ['2026-06-15T23:00:00Z', '2026-06-14T05:00:00Z'],
  },
  'the day is that of the zone, ahead of UTC': {
    condition: within({ days: [1], zone: 'Pacific/Auckland' }),
    holds: ['2026-06-14T12:00:00Z', '2026-06-15T11:59:00Z'],
    not: ['2026-06-14T11:59:00Z', '2026-06-15T12:00:00Z'],
  },
  'the day is that of the zone, behind UTC': {
    condition: within({ days: [1], zone: 'America/New_York' }),
    holds: ['2026-06-15T04:00:00Z', '2026-06-16T03:59:00Z'],
    not: ['2026-06-15T03:59:00Z', '2026-06-16T04:00:00Z'],
  },
  'a zone of half an hour': {
    condition: within({ from: 9 * HOUR, to: 10 * HOUR, zone: 'Asia/Kolkata' }),
    holds: ['2026-06-15T03:30:00Z', '2026-06-15T04:29:00Z'],
    not: ['2026-06-15T03:29:00Z', '2026-06-15T04:30:00Z'],
  },
  'nine in Paris is another hour in winter': {
    condition: within({ from: 9 * HOUR, to: 10 * HOUR, zone: 'Europe/Paris' }),
    holds: ['2026-06-15T07:30:00Z', '2026-01-15T08:30:00Z'],
    not: ['2026-06-15T08:30:00Z', '2026-01-15T07:30:00Z'],
  },
  'an hour that clocks leave out': {
    condition: within({ from: 2 * HOUR, to: 3 * HOUR, zone: 'Europe/Paris' }),
    holds: ['2026-03-28T01:30:00Z'],
    not: ['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z'],
  },
  'an hour that clocks show twice': {
    condition: within({ from: 2 * HOUR, to: 3 * HOUR, zone: 'Europe/Paris' }),
    holds: ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    not: ['2026-10-24T23:59:00Z', '2026-10-25T02:00:00Z'],
  },
  'over a midnight before clocks are set': {
    condition: within({ days: [6], from: 22 * HOUR, to: 4 * HOUR, zone: 'Europe/Paris' }),
    holds: ['2026-03-28T21:30:00Z', '2026-03-29T00:30:00Z', '2026-03-29T01:59:00Z'],
    not: ['2026-03-28T20:59:00Z', '2026-03-29T02:00:00Z'],
  },
  'one of several windows is enough': {
    condition: {
      windows: [
        { days: [1], from: 8 * HOUR, to: 9 * HOUR, zone: 'UTC' },
        { days: [2], from: 8 * HOUR, to: 9 * HOUR, zone: 'UTC' },
      ],
    },
    holds: ['2026-06-15T08:30:00Z', '2026-06-16T08:30:00Z'],
    not: ['2026-06-17T08:30:00Z', '2026-06-15T09:30:00Z'],
  },
};

describe.each(Object.entries(MOMENTS))('%s', (_, moments) => {
  test('holds when it should and at no other time', () => {
    const { condition } = moments;
    expect(moments.holds.filter((now) => !holds(condition, { now }))).toEqual([]);
    expect(moments.not.filter((now) => holds(condition, { now }))).toEqual([]);
  });
});

test('nothing asked for holds always', () => {
  for (const condition of [{}, { networks: [] }, { windows: [] }]) {
    expect(holds(condition, { from: 'not an address' })).toBe(true);
  }
});

test('network and window must both hold', () => {
  const condition = { ...within({ from: 9 * HOUR, to: 17 * HOUR }), networks: ['10.0.0.0/8'] };
  expect(holds(condition, { from: '10.1.2.3' })).toBe(true);
  expect(holds(condition, { from: '::ffff:10.1.2.3' })).toBe(true);
  expect(holds(condition, { from: '192.0.2.1' })).toBe(false);
  expect(holds(condition, { from: '' })).toBe(false);
  expect(holds(condition, { from: '10.1.2.3', now: '2026-06-15T20:00:00Z' })).toBe(false);
});

test('two conditions that are alike but for their networks are not taken for each other', () => {
  const office = { networks: ['10.0.0.0/8'] };
  const home = { networks: ['198.51.100.0/24'] };
  for (const _ of [1, 2]) {
    expect(holds(office, { from: '10.1.2.3' })).toBe(true);
    expect(holds(home, { from: '10.1.2.3' })).toBe(false);
  }
});

test('says what would have to hold', () => {
  const why = (condition: Condition) =>
    conditionFailure(condition, {
      address: () => '192.0.2.1',
      now: Date.parse('2026-06-15T20:05:00Z'),
    });
  expect(why({ networks: ['10.0.0.0/8', '::1'] })).toBe(
    'only from 10.0.0.0/8, ::1, and this is 192.0.2.1',
  );
  expect(why(within({ days: [1, 2], from: 9 * HOUR, to: 17 * HOUR + 5, zone: 'UTC' }))).toBe(
    'only within Mon Tue 09:00 to 17:05 (UTC)',
  );
});
