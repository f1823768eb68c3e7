// Brings the sources of settings together: flags before variables before the file before the defaults.
// Refuses names that are not known. Values are still as they were written.
import { dirname, resolve } from 'node:path';
import { type ConfigurationFile, parseConfigurationFile } from './configuration-file.ts';
import { suggestion } from './nearest-name.ts';
import { factsOf, isSettingName, SETTING_NAMES, type SettingName, variableOf } from './settings.ts';

export type Origin = 'flag' | 'variable' | 'default' | ConfigurationFile;

export interface RawSetting {
  readonly value: unknown;
  readonly origin: Origin;
}

export interface ConfigurationSources {
  /** Without the dashes; `true` for a flag without a value. */
  readonly flags: Readonly<Record<string, string | true>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @returns undefined when there is no such file. @throws Error when it cannot be read. */
  readFile(path: string): string | undefined;
  /** What relative paths of flags and variables start from. */
  readonly directory: string;
}

export interface GatheredSettings {
  readonly settings: ReadonlyMap<SettingName, RawSetting>;
  readonly problems: readonly string[];
}

const FILE_NAME = 'entrepot.yaml';
/** Variables of the same prefix that are no settings. */
const CONFIG_VARIABLE = 'ENTREPOT_CONFIG';
/** Of commands that speak to a server. */
const CLIENT_VARIABLES = /^ENTREPOT_(SERVER|TOKEN|ID_TOKEN|ID_TOKEN_FILE)$/;
const TEST_VARIABLES = 'ENTREPOT_TEST_';

/** Where a setting stands, as a person looks for it. */
export function placeOf(
  name: string,
  origin: Origin,
  keys: readonly PropertyKey[] = [name],
): string {
  if (origin === 'flag') return `--${name}`;
  if (origin === 'variable') return variableOf(name);
  if (origin === 'default') return 'default';
  return `${origin.path}, line ${origin.lineOf(keys)}`;
}

function fromFlags(
  flags: ConfigurationSources['flags'],
  into: Map<SettingName, RawSetting>,
): string[] {
  const problems: string[] = [];
  for (const [name, given] of Object.entries(flags)) {
    if (name === 'config') continue;
    if (!isSettingName(name)) {
      const known = SETTING_NAMES.filter((one) => factsOf(one).noFlag === undefined);
      problems.push(
        `--${name} is not a flag.${suggestion(
          `--${name}`,
          known.map((one) => `--${one}`),
        )}`,
      );
      continue;
    }
    const { noFlag, isSwitch } = factsOf(name);
    if (noFlag !== undefined) {
      problems.push(
        `--${name} is not taken as a flag, because ${noFlag}: set ${variableOf(name)}.`,
      );
    } else if (given === true && !isSwitch) {
      problems.push(`--${name} needs a value, such as --${name} ${factsOf(name).example}.`);
    } else {
      into.set(name, { value: given, origin: 'flag' });
    }
  }
  return problems;
}

function fromVariables(
  env: ConfigurationSources['env'],
  into: Map<SettingName, RawSetting>,
): string[] {
  const problems: string[] = [];
  const known = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]));
  for (const [variable, value] of Object.entries(env)) {
    // An empty variable is an unset one: that is how Compose files pass on what is not there.
    if (!variable.startsWith('ENTREPOT_') || value === undefined || value === '') continue;
    if (variable === CONFIG_VARIABLE || variable.startsWith(TEST_VARIABLES)) continue;
    if (CLIENT_VARIABLES.test(variable)) continue;
    const name = known.get(variable);
    if (name === undefined) {
      problems.push(
        `${variable} is not a setting.${suggestion(variable, [...known.keys(), CONFIG_VARIABLE])}`,
      );
    } else if (!into.has(name)) {
      into.set(name, { value, origin: 'variable' });
    }
  }
  return problems;
}

function fromFile(file: ConfigurationFile, into: Map<SettingName, RawSetting>): string[] {
  const problems: string[] = [];
  for (const [key, value] of Object.entries(file.values)) {
    if (!isSettingName(key)) {
      problems.push(
        `${placeOf(key, file)}: "${key}" is not a setting.${suggestion(key, SETTING_NAMES)}`,
      );
    } else if (value !== null && !into.has(key)) {
      into.set(key, { value, origin: file });
    }
  }
  return problems;
}

/** The file that was asked for, or the one in the data directory when there is one. */
function findFile(
  sources: ConfigurationSources,
  named: ReadonlyMap<SettingName, RawSetting>,
): ConfigurationFile | string[] | undefined {
  const { flags, env, directory } = sources;
  const asked = typeof flags.config === 'string' ? flags.config : env[CONFIG_VARIABLE] || undefined;
  if (flags.config === true)
    return ['--config needs a value, such as --config /etc/entrepot.yaml.'];
  const data = String(named.get('data')?.value ?? factsOf('data').standard);
  const path = resolve(directory, asked ?? resolve(directory, data, FILE_NAME));
  let text: string | undefined;
  try {
    text = sources.readFile(path);
  } catch (error) {
    return [`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`];
  }
  if (text === undefined) return asked === undefined ? undefined : [`There is no file ${path}.`];
  const file = parseConfigurationFile(path, text);
  if (!Array.isArray(file) && asked === undefined && file.values.data !== undefined) {
    const place = placeOf('data', file);
    return [
      `${place}: this file was found in the data directory and cannot name another one. Use --config.`,
    ];
  }
  return file;
}

export function gatherSettings(sources: ConfigurationSources): GatheredSettings {
  const settings = new Map<SettingName, RawSetting>();
  const problems = [...fromFlags(sources.flags, settings), ...fromVariables(sources.env, settings)];
  const file = findFile(sources, settings);
  if (Array.isArray(file)) problems.push(...file);
  else if (file !== undefined) problems.push(...fromFile(file, settings));
  for (const name of SETTING_NAMES) {
    const { standard } = factsOf(name);
    if (standard !== undefined && !settings.has(name)) {
      settings.set(name, { value: standard, origin: 'default' });
    }
  }
  return { settings, problems };
}

/** What relative paths in a setting start from: the folder of the file, else where the command runs. */
export function baseOf(origin: Origin | undefined, directory: string): string {
  return typeof origin === 'object' ? dirname(origin.path) : directory;
}
