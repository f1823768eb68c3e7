// What `entrepot help` says: every command with examples that can be copied. The same texts make
// docs/commands.md.
import { factsOf, SETTING_NAMES, variableOf } from '../app/settings.ts';
import type { Command } from './command.ts';

/** Columns that a flag or the name of a command gets before what is said of it. */
const LEFT = 34;

function settingLines(): string {
  return SETTING_NAMES.map((name) => {
    const { about, standard, isSwitch, noFlag } = factsOf(name);
    const flag = noFlag !== undefined ? '(no flag)' : `--${name}${isSwitch ? '' : ' …'}`;
    const given = standard === undefined ? '' : ` [${standard}]`;
    return `  ${flag.padEnd(24)}${variableOf(name)}\n      ${about}${given}\n`;
  }).join('');
}

function argumentWord({ name, isOptional }: { name: string; isOptional?: true }): string {
  return isOptional === true ? `[${name}]` : name;
}

/** `entrepot user show NAME` */
export function usageOf({ name, arguments: facts = [] }: Command): string {
  return ['entrepot', name, ...facts.map(argumentWord)].join(' ');
}

/** Flags and arguments of a command, with what they are for: for help and the documentation. */
export function partsOf({ arguments: facts = [], flags = {} }: Command): [string, string][] {
  return [
    ...facts.map(({ name, about }): [string, string] => [name, about]),
    ...Object.entries(flags).map(([name, { value, about, isList }]): [string, string] => [
      value === undefined ? `--${name}` : `--${name} ${value}`,
      isList === true ? `${about} May be given several times.` : about,
    ]),
  ];
}

function line(left: string, right: string): string {
  // A long one gets a line of its own.
  if (left.length >= LEFT) return `  ${left}\n  ${' '.repeat(LEFT)}${right}\n`;
  return `  ${left.padEnd(LEFT)}${right}\n`;
}

function commandHelp(command: Command): string {
  const parts = partsOf(command);
  const lines = parts.map(([left, right]) => line(left, right)).join('');
  const settings =
    command.takesSettings === true ? `\nFlags and variables:\n${settingLines()}` : '';
  return (
    `${usageOf(command)}${Object.keys(command.flags ?? {}).length > 0 ? ' [flags]' : ''}\n  ${command.about}\n` +
    `${lines === '' ? '' : `\n${lines}`}` +
    `\nExamples:\n${command.examples.map((example) => `  ${example}\n`).join('')}${settings}`
  );
}

function overview(commands: readonly Command[]): string {
  const local = commands.filter(({ takesSettings }) => takesSettings === true);
  const others = commands.filter(({ takesSettings }) => takesSettings !== true);
  const examples = (command: Command) =>
    command.examples.map((example) => `      ${example}\n`).join('');
  return (
    'Entrepot, a container registry.\n\nUsage: entrepot [command] [flags]\n\n' +
    `On the machine of the server:\n${local.map((one) => line(shortUsage(one), one.about) + examples(one)).join('')}` +
    `\nEverywhere:\n${others.map((one) => line(shortUsage(one), one.about)).join('')}` +
    '\nFlags and examples of a command or a group: entrepot help user create, entrepot help user\n' +
    '\nFlags of commands on the machine of the server, before variables, before the file:\n' +
    `  --config …              ENTREPOT_CONFIG\n      The file of settings [entrepot.yaml in the data directory, if there is one]\n${settingLines()}`
  );
}

function shortUsage(command: Command): string {
  return usageOf(command).slice('entrepot '.length);
}

/** @param about a command, a group of them, or '' for all */
export function helpText(about: string, commands: readonly Command[]): string {
  if (about === '') return overview(commands);
  const found = commands.filter(({ name }) => name === about || name.startsWith(`${about} `));
  return found.map(commandHelp).join('\n');
}
