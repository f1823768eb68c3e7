// The form of a warning, so that no text can break out of its header.
import { expect, test } from 'bun:test';
import { warningHeader } from './warning.ts';

test('a warning is code 299 without an agent, its text in quotes', () => {
  expect(warningHeader('Page cut; see Link.')).toEqual({ Warning: '299 - "Page cut; see Link."' });
});

test('what would end the quotes or the line is replaced, and the length is bounded', () => {
  const { Warning = '' } = warningHeader(`a"b\\c\r\nX-Evil: 1 é${'x'.repeat(5_000)}`);
  expect(Warning).toStartWith('299 - "a?b?c??X-Evil: 1 ?xxx');
  expect(Warning).toMatch(/^299 - "[\x20-\x7e]{1,500}"$/);
});
