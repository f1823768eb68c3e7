import { expect, test } from 'bun:test';
import { parseCommandLine } from './command-line.ts';

const parse = (line: string) => parseCommandLine(line.split(' ').filter((word) => word !== ''));

test('serve is what happens when nothing is asked', () => {
  expect(parse('')).toEqual({ command: 'serve', flags: {}, about: undefined });
});

test('flags with =, with a value after them, and switches', () => {
  expect(parse('serve --listen=[::1]:1 --data /d --insecure-listen --config c.yaml').flags).toEqual(
    {
      listen: '[::1]:1',
      data: '/d',
      'insecure-listen': true,
      config: 'c.yaml',
    },
  );
  expect(parse('--url=https://x/?a=b config show')).toMatchObject({
    command: 'config show',
    flags: { url: 'https://x/?a=b' },
  });
  expect(parse('--insecure-listen serve')).toMatchObject({ command: 'serve' });
});

test('a flag without its value is left for the configuration to refuse', () => {
  expect(parse('--listen --data /d').flags).toEqual({ listen: true, data: '/d' });
});

test('trusted proxies add up, any other flag stands once', () => {
  expect(parse('--trusted-proxies 10.0.0.1 --trusted-proxies ::1').flags).toEqual({
    'trusted-proxies': '10.0.0.1,::1',
  });
  expect(() => parse('--data a --data b')).toThrow('--data is given twice.');
});

test.each([
  ['--lisen x', '--lisen is not a flag. Did you mean "--listen"?'],
  ['-x', '-x is not a flag.'],
  ['servve', '"servve" is not a command. Did you mean "serve"?'],
  ['config chek', '"config chek" is not a command. Did you mean "config check"?'],
  ['config', 'Say what to do with the configuration'],
  ['help servr', '"servr" is not a command. Did you mean "serve"?'],
  ['serve now', '"serve now" is not a command.'],
])('%s is refused', (line, sentence) => {
  expect(() => parse(line)).toThrow(sentence);
});

test('help and version, as words and as flags', () => {
  expect(parse('help')).toMatchObject({ command: 'help', about: undefined });
  expect(parse('help config show')).toMatchObject({ command: 'help', about: 'config show' });
  expect(parse('config show --help')).toMatchObject({ command: 'help', about: 'config show' });
  expect(parse('-h')).toMatchObject({ command: 'help', about: undefined });
  expect(parse('--version')).toMatchObject({ command: 'version' });
});
