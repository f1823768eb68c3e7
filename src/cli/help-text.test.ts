import { expect, test } from 'bun:test';
import { ALL_COMMANDS } from './all-commands.ts';
import { helpText } from './help-text.ts';

test('the overview names every command', () => {
  const text = helpText('', ALL_COMMANDS);
  for (const { name, about } of ALL_COMMANDS) {
    expect(text).toContain(`\n  ${name}`);
    expect(text).toContain(about);
  }
});

test('the help of a command has its arguments, flags and examples, and that of a group all of them', () => {
  for (const { name, about, arguments: facts = [], flags = {}, examples } of ALL_COMMANDS) {
    const [group = ''] = name.split(' ');
    for (const text of [helpText(name, ALL_COMMANDS), helpText(group, ALL_COMMANDS)]) {
      const parts = [about, ...facts.map((fact) => fact.about), ...examples];
      for (const part of parts) expect(text).toContain(part);
      for (const flag of Object.keys(flags)) expect(text).toContain(`--${flag}`);
    }
  }
});

test('names are unique, and none is the beginning of another with arguments', () => {
  const names = ALL_COMMANDS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, arguments: facts = [] } of ALL_COMMANDS) {
    if (facts.length === 0) continue;
    // Else its argument could be taken for the word of the longer command.
    expect(names.filter((other) => other.startsWith(`${name} `))).toEqual([]);
  }
});
