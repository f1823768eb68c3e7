import { expect, test } from 'bun:test';
import { CONDITION } from '../access/condition-form.ts';
import { UsageError } from './command.ts';
import { parseWindow, showWindow } from './window-text.ts';

test.each([
  ['Mon-Fri 08:00-18:00 Europe/Paris', [1, 2, 3, 4, 5], 480, 1080],
  ['Sat,Sun 00:00-24:00 UTC', [6, 7], 0, 1440],
  ['Mon,Wed-Fri 22:30-06:00 Europe/Paris', [1, 3, 4, 5], 1350, 360],
  ['Tue 09:00-09:01 America/New_York', [2], 540, 541],
] as [string, number[], number, number][])(
  '%s is understood, and shown as it was written',
  (text, days, from, to) => {
    const window = parseWindow(text);
    expect(window).toMatchObject({ days, from, to });
    expect<unknown>(CONDITION.parse({ windows: [window] })).toEqual({ windows: [window] });
    expect(showWindow(window)).toBe(text);
  },
);

test('days go over the end of the week, in any case, and count once', () => {
  expect(parseWindow('sat-MON,Sun 08:00-09:00 UTC').days).toEqual([1, 6, 7]);
  expect(parseWindow('Sun-Sat  08:00-09:00  UTC').days).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test.each([
  '',
  'Mon-Fri',
  'Mon-Fri 08:00-18:00',
  '08:00-18:00 UTC',
  'Monday 08:00-18:00 UTC',
  'Mon-Wed-Fri 08:00-18:00 UTC',
  'Mon, 08:00-18:00 UTC',
  'Mon 8:00-18:00 UTC',
  'Mon 08:60-18:00 UTC',
  'Mon 08:00-24:01 UTC',
  'Mon 08:00-18:00 UTC more',
  'Mon 08:00-08:00 UTC',
])('"%s" is refused', (text) => {
  expect(() => parseWindow(text)).toThrow(UsageError);
});
