// Splits the arguments of the command into command and flags, and refuses what is not known. Values are
// not judged here: settings are read by app/configuration.ts.
import { suggestion } from '../app/nearest-name.ts';
import { factsOf, isSettingName, SETTING_NAMES } from '../app/settings.ts';

export const COMMANDS = [
  'serve',
  'config check',
  'config show',
  'config schema',
  'version',
  'help',
] as const;
export type CommandName = (typeof COMMANDS)[number];

export interface CommandLine {
  readonly command: CommandName;
  /** Flags of settings, and `config`. */
  readonly flags: Readonly<Record<string, string | true>>;
  /** For `help`: the command that was asked about. */
  readonly about: CommandName | undefined;
}

/** Wrong use of the command: a sentence, and exit code 2. */
export class UsageError extends Error {}

const OTHER_SWITCHES = ['help', 'version'];
const SHORT_FLAGS: Readonly<Record<string, string>> = { '-h': '--help', '-V': '--version' };

function flagNames(): string[] {
  const settings = SETTING_NAMES.filter((name) => factsOf(name).noFlag === undefined);
  return ['config', ...settings, ...OTHER_SWITCHES].map((name) => `--${name}`);
}

function isSwitch(name: string): boolean {
  return OTHER_SWITCHES.includes(name) || (isSettingName(name) && factsOf(name).isSwitch === true);
}

interface Split {
  readonly words: string[];
  readonly flags: Record<string, string | true>;
}

function addFlag(flags: Split['flags'], name: string, value: string | true): void {
  const before = flags[name];
  if (before === undefined) flags[name] = value;
  else if (name === 'trusted-proxies') flags[name] = `${before},${value}`;
  else throw new UsageError(`--${name} is given twice.`);
}

function split(argv: readonly string[]): Split {
  const words: string[] = [];
  const flags: Split['flags'] = {};
  const waiting = [...argv];
  for (let given = waiting.shift(); given !== undefined; given = waiting.shift()) {
    const word = SHORT_FLAGS[given] ?? given;
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    const [flag = '', ...rest] = word.split('=');
    const name = flag.slice(2);
    const isKnown = flagNames().includes(flag) || (flag.startsWith('--') && isSettingName(name));
    if (!isKnown) throw new UsageError(`${flag} is not a flag.${suggestion(flag, flagNames())}`);
    if (word.includes('=')) addFlag(flags, name, rest.join('='));
    else if (isSwitch(name) || waiting[0] === undefined || waiting[0].startsWith('--'))
      addFlag(flags, name, true);
    else addFlag(flags, name, waiting.shift() ?? true);
  }
  return { words, flags };
}

function commandOf(words: readonly string[]): CommandName | undefined {
  const asked = words.join(' ');
  if (asked === '') return undefined;
  const found = COMMANDS.find((command) => command === asked);
  if (found !== undefined) return found;
  if (asked === 'config') {
    throw new UsageError(
      'Say what to do with the configuration: config check, config show or config schema.',
    );
  }
  throw new UsageError(`"${asked}" is not a command.${suggestion(asked, COMMANDS)}`);
}

/** @throws UsageError */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { words, flags: all } = split(argv);
  const { help, version, ...flags } = all;
  if (words[0] === 'help') return { command: 'help', flags: {}, about: commandOf(words.slice(1)) };
  const command = commandOf(words);
  if (help !== undefined) return { command: 'help', flags: {}, about: command };
  if (version !== undefined) return { command: 'version', flags: {}, about: undefined };
  return { command: command ?? 'serve', flags, about: undefined };
}
