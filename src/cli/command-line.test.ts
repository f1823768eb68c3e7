import { expect, test } from 'bun:test';
import { isSettingName } from '../app/settings.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import type { Command } from './command.ts';
import { parseCommandLine } from './command-line.ts';

const run = async () => 0;
const COMMANDS: readonly Command[] = [
  { name: 'serve', about: '', examples: [], takesSettings: true, run },
  { name: 'config check', about: '', examples: [], takesSettings: true, run },
  { name: 'config show', about: '', examples: [], takesSettings: true, run },
  { name: 'version', about: '', examples: [], run },
  { name: 'help', about: '', examples: [], run },
  {
    name: 'grant add',
    about: '',
    arguments: [{ name: 'ROLE', about: 'What it allows.' }],
    flags: {
      to: { about: '', value: 'WHOM' },
      tags: { about: '', value: 'PATTERN', isList: true },
      json: { about: '' },
    },
    examples: [],
    run,
  },
  {
    name: 'grant list',
    about: '',
    arguments: [{ name: 'PATH', about: 'Where.', isOptional: true }],
    flags: { json: { about: '' } },
    examples: [],
    run,
  },
];

const words = (line: string) => line.split(' ').filter((word) => word !== '');
const parse = (line: string) => parseCommandLine(words(line), COMMANDS);

function given(line: string) {
  const parsed = parse(line);
  if (parsed.kind !== 'run') throw new Error('help');
  return { name: parsed.command.name, given: parsed.given, settings: parsed.given.settings };
}

test('serve is what happens when nothing is asked', () => {
  expect(given('')).toMatchObject({ name: 'serve', settings: {} });
});

test('settings with =, with a value after them, and switches, before the command or after', () => {
  const line = 'serve --listen=[::1]:1 --data /d --insecure-listen --config c.yaml';
  expect(given(line).settings).toEqual({
    listen: '[::1]:1',
    data: '/d',
    'insecure-listen': true,
    config: 'c.yaml',
  });
  expect(given('--url=https://x/?a=b config show')).toMatchObject({
    name: 'config show',
    settings: { url: 'https://x/?a=b' },
  });
  expect(given('--insecure-listen serve').name).toBe('serve');
});

test('a setting without its value is left for the configuration to refuse', () => {
  expect(given('--listen --data /d').settings).toEqual({ listen: true, data: '/d' });
});

test('trusted proxies add up, any other setting stands once', () => {
  expect(given('--trusted-proxies 10.0.0.1 --trusted-proxies ::1').settings).toEqual({
    'trusted-proxies': '10.0.0.1,::1',
  });
  expect(() => parse('--data a --data b')).toThrow('--data is given twice.');
});

test('arguments, flags of a command, lists and switches', () => {
  const { name, given: got } = given('grant add writer --to user:alice --tags !a --tags b --json');
  expect(name).toBe('grant add');
  expect(got.argument('ROLE')).toBe('writer');
  expect(got.needed('to')).toBe('user:alice');
  expect(got.list('tags')).toEqual(['!a', 'b']);
  expect(got.isOn('json')).toBe(true);
  expect(given('grant list').given.optional('PATH')).toBeUndefined();
  expect(given('--json grant list team').given.optional('PATH')).toBe('team');
  expect(given('grant list -- --strange').given.optional('PATH')).toBe('--strange');
});

test.each([
  ['--lisen x', '--lisen is not a flag. Did you mean "--listen"?'],
  ['-x', '-x is not a flag.'],
  ['servve', '"servve" is not a command. Did you mean "serve"?'],
  ['config chek', '"config chek" is not a command. Did you mean "config check"?'],
  ['config', 'Say which: config check, config show.'],
  ['grant ad writer', '"grant ad" is not a command. Did you mean "grant add"?'],
  ['help servr', '"servr" is not a command. Did you mean "serve"?'],
  ['serve now', '"now" is one too many: serve takes no arguments.'],
  ['grant add', 'ROLE is missing: What it allows.'],
  ['grant add a b', '"b" is one too many: grant add takes ROLE.'],
  ['grant add a --to', '--to needs a value: --to WHOM.'],
  ['grant add a --to=', '--to needs a value: --to WHOM.'],
  ['grant add a --to b --to c', '--to is given twice.'],
  ['grant add a --json=yes', '--json takes no value.'],
  ['grant list --to b', '--to is not a flag of grant list.'],
  ['grant list --data /d', '--data is not a flag of grant list.'],
  ['serve --json', '--json is not a flag of serve.'],
])('%s is refused', (line, sentence) => {
  expect(() => parse(line)).toThrow(sentence);
});

test('help and version, as words and as flags', () => {
  expect(parse('help')).toEqual({ kind: 'help', about: '' });
  expect(parse('help config show')).toEqual({ kind: 'help', about: 'config show' });
  expect(parse('help config')).toEqual({ kind: 'help', about: 'config' });
  expect(parse('config show --help')).toEqual({ kind: 'help', about: 'config show' });
  expect(parse('grant add writer --help')).toEqual({ kind: 'help', about: 'grant add' });
  expect(parse('-h')).toEqual({ kind: 'help', about: '' });
  expect(given('--version').name).toBe('version');
});

test('of all commands, a flag takes a value everywhere or nowhere', () => {
  const kinds = new Map<string, boolean>();
  for (const { name, flags = {}, takesSettings } of ALL_COMMANDS) {
    for (const [flag, { value }] of Object.entries(flags)) {
      const known = kinds.get(flag) ?? value !== undefined;
      expect({ name, flag, takesValue: value !== undefined }).toEqual({
        name,
        flag,
        takesValue: known,
      });
      kinds.set(flag, known);
      // A setting of that name would be taken for it.
      expect({ name, flag, isBoth: takesSettings === true && isSettingName(flag) }).toMatchObject({
        isBoth: false,
      });
    }
  }
});

test('of all commands, an argument that may be left out comes last', () => {
  for (const { name, arguments: facts = [] } of ALL_COMMANDS) {
    const first = facts.findIndex(({ isOptional }) => isOptional === true);
    const rest = first < 0 ? [] : facts.slice(first);
    expect({ name, late: rest.filter(({ isOptional }) => isOptional !== true) }).toEqual({
      name,
      late: [],
    });
  }
});

test('every example can be parsed, and is of its command', () => {
  for (const command of ALL_COMMANDS) {
    expect({ name: command.name, examples: command.examples.length > 0 }).toMatchObject({
      examples: true,
    });
    for (const example of command.examples) {
      const called = calledIn(example).map((one) => parseCommandLine(one, ALL_COMMANDS));
      const names = called.map((one) => (one.kind === 'help' ? 'help' : one.command.name));
      expect({ example, names }).toMatchObject({
        names: expect.arrayContaining([command.name]),
      });
    }
  }
});

/** The calls of `entrepot` in a line of a shell: without quotes, variables before it, pipes and redirections. */
function calledIn(line: string): string[][] {
  return line.split(' | ').flatMap((part) => {
    const [bare = ''] = part.split(/ [<>] /);
    const at = bare.search(/(^| )entrepot /);
    if (at < 0) return [];
    const text = bare.slice(at).trim().slice('entrepot'.length);
    const found = text.match(/'[^']*'|\S+/g) ?? [];
    return [found.map((word) => word.replaceAll("'", ''))];
  });
}
