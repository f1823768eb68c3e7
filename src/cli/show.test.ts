import { expect, test } from 'bun:test';
import { cell, column, table, when } from './show.ts';

test('columns are as wide as they must be, counted in characters', () => {
  const rows = [
    { name: 'é'.repeat(6), tags: ['a', 'b'], isOwner: true, none: null },
    { name: 'x', tags: [], isOwner: false, none: '' },
  ];
  const columns = ['name', 'tags', 'isOwner', 'none'].map((name) => column(name, name));
  expect(table(rows, columns)).toBe(
    [
      'NAME    TAGS  ISOWNER  NONE',
      'éééééé  a, b  yes      -',
      'x       -     no       -',
      '',
    ].join('\n'),
  );
});

test('what could do something to a terminal, or begin another line, is not shown as it is', () => {
  const odd = cell('a\u001b[31mred\n\u202eb\u2028c');
  expect(odd).toBe('a\ufffd[31mred\ufffd\ufffdb\ufffdc');
  expect(cell({ client: '\u0007' })).not.toContain('\u0007');
});

test('times are shown to the minute', () => {
  expect(when('2031-01-31T12:34:56.789Z')).toBe('2031-01-31 12:34Z');
  expect(when(null)).toBeUndefined();
});
