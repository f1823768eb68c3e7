// Splits the arguments of the process into command, arguments and flags, and refuses what is not known.
// Values are not judged here: settings are read by app/configuration.ts, the rest by each command.
import { suggestion } from '../app/nearest-name.ts';
import { factsOf, isSettingName, SETTING_NAMES } from '../app/settings.ts';
import { type Command, type FlagFacts, Given, UsageError } from './command.ts';

export type CommandLine =
  | { readonly kind: 'run'; readonly command: Command; readonly given: Given }
  /** `about`: the words that were asked about, a command or a group of them; '' for all. */
  | { readonly kind: 'help'; readonly about: string };

const SHORT_FLAGS: Readonly<Record<string, string>> = { '-h': '--help', '-V': '--version' };
/** Of every command. */
const HELP_SWITCHES = ['help', 'version'];
const CONFIG_FLAG = 'config';

interface Flag {
  readonly name: string;
  /** Undefined: nothing was written with it. */
  readonly value: string | undefined;
}

interface Split {
  readonly words: string[];
  readonly flags: Flag[];
}

/** @throws UsageError */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
): CommandLine {
  const { words, flags } = split(argv, commands);
  const isAsked = (name: string): boolean => flags.some((flag) => flag.name === name);
  if (words[0] === 'help') return { kind: 'help', about: helpTopic(words.slice(1), commands) };
  if (isAsked('help')) return { kind: 'help', about: helpTopic(words, commands) };
  const asked = isAsked('version') ? ['version'] : words;
  const { command, rest } = commandOf(asked, commands);
  const own = flags.filter(({ name }) => name !== 'version');
  return {
    kind: 'run',
    command,
    given: new Given({ arguments: argumentsOf(command, rest), ...flagsOf(command, own) }),
  };
}

function split(argv: readonly string[], commands: readonly Command[]): Split {
  const words: string[] = [];
  const flags: Flag[] = [];
  const waiting = [...argv];
  for (let given = waiting.shift(); given !== undefined; given = waiting.shift()) {
    if (given === '--') {
      words.push(...waiting.splice(0));
      continue;
    }
    const word = SHORT_FLAGS[given] ?? given;
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    const [flag = '', ...rest] = word.split('=');
    const name = flag.slice(2);
    if (!flag.startsWith('--') || !isFlag(name, commands)) {
      throw new UsageError(`${flag} is not a flag.${suggestion(flag, flagNames(commands))}`);
    }
    if (word.includes('=')) flags.push({ name, value: rest.join('=') });
    else if (isSwitch(name, commands) || waiting[0] === undefined || waiting[0].startsWith('--'))
      flags.push({ name, value: undefined });
    else flags.push({ name, value: waiting.shift() });
  }
  return { words, flags };
}

/** A flag of that name takes a value in all commands that have it, or in none: a test sees to it. */
function factsIn(name: string, commands: readonly Command[]): FlagFacts | undefined {
  const owner = commands.find(({ flags = {} }) => Object.hasOwn(flags, name));
  return owner?.flags?.[name];
}

function isFlag(name: string, commands: readonly Command[]): boolean {
  if (HELP_SWITCHES.includes(name) || name === CONFIG_FLAG || isSettingName(name)) return true;
  return factsIn(name, commands) !== undefined;
}

function isSwitch(name: string, commands: readonly Command[]): boolean {
  if (HELP_SWITCHES.includes(name)) return true;
  const facts = factsIn(name, commands);
  if (facts !== undefined) return facts.value === undefined;
  return isSettingName(name) && factsOf(name).isSwitch === true;
}

function flagNames(commands: readonly Command[]): string[] {
  const settings = SETTING_NAMES.filter((name) => factsOf(name).noFlag === undefined);
  const own = commands.flatMap(({ flags = {} }) => Object.keys(flags));
  const all = new Set([CONFIG_FLAG, ...settings, ...own, ...HELP_SWITCHES]);
  return [...all].map((name) => `--${name}`);
}

/** The command with the most words at the beginning; what follows are its arguments. */
function commandOf(
  words: readonly string[],
  commands: readonly Command[],
): { command: Command; rest: readonly string[] } {
  const asked = words.length === 0 ? ['serve'] : words;
  for (let length = asked.length; length > 0; length -= 1) {
    const name = asked.slice(0, length).join(' ');
    const command = commands.find((one) => one.name === name);
    if (command !== undefined) return { command, rest: asked.slice(length) };
  }
  throw unknownCommand(asked, commands);
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): UsageError {
  const names = commands.map(({ name }) => name);
  for (let length = words.length; length > 0; length -= 1) {
    const group = words.slice(0, length).join(' ');
    const members = names.filter((name) => name.startsWith(`${group} `));
    if (members.length === 0) continue;
    if (length === words.length) return new UsageError(`Say which: ${members.join(', ')}.`);
    const deepest = Math.max(...members.map((name) => name.split(' ').length));
    const asked = words.slice(0, deepest).join(' ');
    return new UsageError(`"${asked}" is not a command.${suggestion(asked, members)}`);
  }
  const asked = words.slice(0, 2).join(' ');
  const near = suggestion(asked, names) || suggestion(words[0] ?? '', names);
  return new UsageError(`"${asked}" is not a command.${near}`);
}

function helpTopic(words: readonly string[], commands: readonly Command[]): string {
  if (words.length === 0) return '';
  const name = words.join(' ');
  if (commands.some((one) => one.name.startsWith(`${name} `))) return name;
  // What follows are its arguments, for somebody who adds --help to what they have written.
  return commandOf(words, commands).command.name;
}

function argumentsOf(command: Command, words: readonly string[]): Record<string, string> {
  const { arguments: facts = [], name } = command;
  const extra = words[facts.length];
  if (extra !== undefined) {
    const takes = facts.length === 0 ? 'no arguments' : facts.map((one) => one.name).join(' ');
    throw new UsageError(`"${extra}" is one too many: ${name} takes ${takes}.`);
  }
  const missing = facts.slice(words.length).find(({ isOptional }) => isOptional !== true);
  if (missing !== undefined) {
    throw new UsageError(`${missing.name} is missing: ${missing.about}`);
  }
  return Object.fromEntries(words.map((word, index) => [facts[index]?.name ?? '', word]));
}

function flagsOf(
  command: Command,
  flags: readonly Flag[],
): { flags: Record<string, string[]>; settings: Record<string, string | true> } {
  const own: Record<string, string[]> = {};
  const settings: Record<string, string | true> = {};
  for (const flag of flags) {
    const facts = command.flags?.[flag.name];
    if (facts !== undefined) addOwn(own, flag, facts);
    else if (command.takesSettings === true && isOfSettings(flag.name)) addSetting(settings, flag);
    else throw new UsageError(`--${flag.name} is not a flag of ${command.name}.`);
  }
  return { flags: own, settings };
}

function addOwn(
  own: Record<string, string[]>,
  { name, value }: Flag,
  { value: shown, isList }: FlagFacts,
): void {
  if (shown === undefined && value !== undefined) {
    throw new UsageError(`--${name} takes no value.`);
  }
  if (shown !== undefined && (value === undefined || value === '')) {
    throw new UsageError(`--${name} needs a value: --${name} ${shown}.`);
  }
  const before = own[name] ?? [];
  if (before.length > 0 && isList !== true) throw new UsageError(`--${name} is given twice.`);
  own[name] = [...before, value ?? ''];
}

function isOfSettings(name: string): boolean {
  return name === CONFIG_FLAG || isSettingName(name);
}

/** Settings that are lists add up. One without a value is left for the configuration to refuse. */
function addSetting(settings: Record<string, string | true>, { name, value }: Flag): void {
  const before = settings[name];
  if (before === undefined) settings[name] = value ?? true;
  else if (name === 'trusted-proxies') settings[name] = `${before},${value}`;
  else throw new UsageError(`--${name} is given twice.`);
}
