// What `entrepot help` says: every command with examples that can be copied.
import { factsOf, SETTING_NAMES, variableOf } from '../app/settings.ts';
import type { CommandName } from './command-line.ts';

interface CommandHelp {
  readonly about: string;
  readonly examples: readonly string[];
  /** It reads the configuration, and so takes the flags of all settings. */
  readonly takesSettings: boolean;
}

const HELP: Readonly<Record<CommandName, CommandHelp>> = {
  serve: {
    about: 'Runs the registry until Ctrl-C. The default command.',
    examples: [
      'entrepot serve',
      'entrepot serve --data /var/lib/entrepot --listen 127.0.0.1:5001',
      'entrepot serve --tls auto --listen 0.0.0.0:5000',
      'ENTREPOT_LOG=debug entrepot serve --config /etc/entrepot.yaml',
    ],
    takesSettings: true,
  },
  'config check': {
    about: 'Says whether the configuration is right, and everything that is wrong with it.',
    examples: ['entrepot config check', 'entrepot config check --config /etc/entrepot.yaml'],
    takesSettings: true,
  },
  'config show': {
    about: 'Shows every setting in effect and where it comes from. Secrets are hidden.',
    examples: ['entrepot config show', 'ENTREPOT_LISTEN=0.0.0.0:443 entrepot config show'],
    takesSettings: true,
  },
  'config schema': {
    about: 'Prints the JSON schema of entrepot.yaml, for an editor.',
    examples: ['entrepot config schema > entrepot.schema.json'],
    takesSettings: false,
  },
  version: {
    about: 'Prints the version.',
    examples: ['entrepot version'],
    takesSettings: false,
  },
  help: {
    about: 'Explains a command.',
    examples: ['entrepot help', 'entrepot help serve', 'entrepot config show --help'],
    takesSettings: false,
  },
};

function settingLines(): string {
  return SETTING_NAMES.map((name) => {
    const { about, standard, isSwitch, noFlag } = factsOf(name);
    const flag = noFlag !== undefined ? '(no flag)' : `--${name}${isSwitch ? '' : ' …'}`;
    const given = standard === undefined ? '' : ` [${standard}]`;
    return `  ${flag.padEnd(24)}${variableOf(name)}\n      ${about}${given}\n`;
  }).join('');
}

/** @param command undefined: of all commands */
export function helpText(command: CommandName | undefined): string {
  if (command === undefined) {
    const names = Object.keys(HELP) as CommandName[];
    const commands = names.map(
      (name) =>
        `  ${name.padEnd(16)}${HELP[name].about}\n${HELP[name].examples.map((example) => `      ${example}\n`).join('')}`,
    );
    return (
      'Entrepot, a container registry.\n\nUsage: entrepot [command] [flags]\n\nCommands:\n' +
      `${commands.join('')}\nFlags of serve and config, before variables, before the file:\n` +
      `  --config …              ENTREPOT_CONFIG\n      The file of settings [entrepot.yaml in the data directory, if there is one]\n${settingLines()}`
    );
  }
  const { about, examples, takesSettings } = HELP[command];
  const settings = takesSettings ? `\nFlags and variables:\n${settingLines()}` : '';
  return `entrepot ${command}\n  ${about}\n\nExamples:\n${examples.map((example) => `  ${example}\n`).join('')}${settings}`;
}
