// What commands that speak to a server have in common: which one, as whom, and how they show what they found.
import type { ApiClient } from './api-client.ts';
import type { Command, Given } from './command.ts';
import { signedInClient } from './known-servers.ts';
import { Show } from './show.ts';
import type { Terminal } from './terminal.ts';

export const SERVER_FLAG = {
  server: {
    value: 'URL',
    about: 'The server. Else ENTREPOT_SERVER, else the one of the last login.',
  },
} as const;

const JSON_FLAG = { json: { about: 'Print JSON.' } } as const;

export interface Session {
  readonly api: ApiClient;
  readonly show: Show;
  readonly terminal: Terminal;
}

export function serverCommand(
  facts: Omit<Command, 'run' | 'takesSettings'> & {
    run(given: Given, session: Session): Promise<void>;
  },
): Command {
  return {
    ...facts,
    flags: { ...facts.flags, ...JSON_FLAG, ...SERVER_FLAG },
    async run(given, terminal) {
      const show = new Show(terminal, { isJson: given.isOn('json') });
      const api = signedInClient(given, terminal);
      await facts.run(given, { api, show, terminal });
      return 0;
    },
  };
}
