// What commands that speak to a server have in common: which one, as whom, and how they show what they found.
import { type ApiClient, Refusal } from './api-client.ts';
import { type Command, CommandFailure, type Given } from './command.ts';
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
      try {
        await facts.run(given, { api, show, terminal });
      } catch (error) {
        throw withoutPath(error, { given, facts }) ?? error;
      }
      return 0;
    },
  };
}

/** Of the whole registry few may see a list; of their own namespace most. */
function withoutPath(
  error: unknown,
  { given, facts }: { given: Given; facts: Pick<Command, 'name' | 'arguments'> },
): CommandFailure | undefined {
  const takesPath = facts.arguments?.some(({ name, isOptional }) => name === 'PATH' && isOptional);
  if (takesPath !== true || given.optional('PATH') !== undefined) return undefined;
  if (!(error instanceof Refusal) || error.status !== 403) return undefined;
  const how = `Or name a path: entrepot ${facts.name} team`;
  return new CommandFailure(`${error.message.replace(/\.?$/, '.')} ${how}`);
}
