// What people write as conditions, and what is refused.
import { expect, test } from 'bun:test';
import { parseCondition } from './condition-form.ts';

const window = { days: [1, 5], from: 480, to: 1080, zone: 'Europe/Paris' };

test('networks and windows are taken as they are', () => {
  const condition = { networks: ['10.0.0.0/8', '2001:db8::1'], windows: [window] };
  expect(parseCondition(condition)).toEqual(condition);
});

test.each([[undefined], [null], [{}], [{ networks: [], windows: [] }]])(
  '%j asks for nothing',
  (value) => expect(parseCondition(value)).toBeUndefined(),
);

test.each([
  [{ networks: ['10.0.0.0/33'] }, /networks.0/],
  [{ networks: Array.from({ length: 51 }, () => '10.0.0.1') }, /networks/],
  [{ windows: [{ ...window, zone: 'Mars/Olympus' }] }, /windows.0.zone/],
  [{ windows: [{ ...window, days: [8] }] }, /windows.0.days.0/],
  [{ windows: [{ ...window, to: 1441 }] }, /windows.0.to/],
  [{ networks: [], until: 3 }, /The condition/],
  ['10.0.0.0/8', /The condition/],
])('%j is refused', (value, expected) => {
  expect(() => parseCondition(value)).toThrow(expected);
});
