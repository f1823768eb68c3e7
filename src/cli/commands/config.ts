// `entrepot config …`: the settings of the server on this machine.
import { checkListening } from '../../app/check-listening.ts';
import { type Configuration, ConfigurationError } from '../../app/configuration.ts';
import { fileSchema } from '../../app/settings.ts';
import { showConfiguration } from '../../app/show-configuration.ts';
import type { Command } from '../command.ts';
import { configurationOf } from '../load-configuration.ts';

export const CONFIG_COMMANDS: readonly Command[] = [
  {
    name: 'config check',
    about: 'Says whether the configuration is right, and everything that is wrong with it.',
    examples: ['entrepot config check', 'entrepot config check --config /etc/entrepot.yaml'],
    takesSettings: true,
    async run(given, terminal) {
      refuseOpenListening(configurationOf(given, terminal));
      terminal.print('The configuration is right.\n');
      return 0;
    },
  },
  {
    name: 'config show',
    about: 'Shows every setting in effect and where it comes from. Secrets are hidden.',
    examples: ['entrepot config show', 'ENTREPOT_LISTEN=0.0.0.0:443 entrepot config show'],
    takesSettings: true,
    async run(given, terminal) {
      const configuration = configurationOf(given, terminal);
      terminal.print(showConfiguration(configuration));
      refuseOpenListening(configuration);
      return 0;
    },
  },
  {
    name: 'config schema',
    about: 'Prints the JSON schema of entrepot.yaml, for an editor.',
    examples: ['entrepot config schema > entrepot.schema.json'],
    async run(_given, terminal) {
      terminal.print(fileSchema());
      return 0;
    },
  },
];

function refuseOpenListening(configuration: Configuration): void {
  const refusal = checkListening(configuration);
  if (refusal !== undefined) throw new ConfigurationError([refusal]);
}
