// `entrepot serve`
import { checkListening } from '../../app/check-listening.ts';
import { type Configuration, ConfigurationError } from '../../app/configuration.ts';
import { programVersion } from '../../app/version.ts';
import type { Command } from '../command.ts';
import { configurationOf } from '../load-configuration.ts';
import { serve } from '../serve.ts';
import type { Terminal } from '../terminal.ts';

export const serveCommand: Command = {
  name: 'serve',
  about: 'Runs the registry until Ctrl-C. The default command.',
  examples: [
    'entrepot serve',
    'entrepot serve --data /var/lib/entrepot --listen 127.0.0.1:5001',
    'entrepot serve --tls auto --listen 0.0.0.0:5000',
    'ENTREPOT_LOG=debug entrepot serve --config /etc/entrepot.yaml',
  ],
  takesSettings: true,
  run(given, terminal) {
    const configuration = configurationOf(given, terminal);
    const refusal = checkListening(configuration);
    if (refusal !== undefined) throw new ConfigurationError([refusal]);
    return startAndServe(configuration, terminal);
  },
};

async function startAndServe(
  configuration: Configuration,
  terminal: Terminal,
): Promise<number | undefined> {
  // Only here, so that the other commands need not load the server.
  const { startServer } = await import('../../app/start.ts');
  return serve(configuration, {
    version: programVersion(),
    start: (given) =>
      startServer(given, {
        failed(error) {
          const why = error.message;
          terminal.printError(`Ending, because nothing can be written any more: ${why}\n`);
          terminal.exit(1);
        },
      }),
    print: terminal.print,
    printError: terminal.printError,
    isTerminal: terminal.isOutputSeen,
    onSignal: terminal.onSignal,
    exit: terminal.exit,
  });
}
