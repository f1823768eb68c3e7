// Deleting, disabling and enabling something that has an owner: the same three addresses for each kind.
import type { z } from '@hono/zod-openapi';
import type { AccessCommands } from '../../access/commands.ts';
import type { ApiCall } from './api-call.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

type Noun = 'User' | 'Robot' | 'TrustPolicy';

interface StateChanges<P extends z.ZodObject> {
  readonly noun: Noun;
  readonly tag: string;
  /** Of the one thing, with its name or number in it. */
  readonly path: string;
  readonly params: P;
  readonly may: string;
  readonly summaries: {
    readonly delete: string;
    readonly disable: string;
    readonly enable: string;
  };
  /** The one that is meant, for who may change it. @throws RegistryError */
  find(call: ApiCall, params: z.output<P>): Promise<{ readonly id: number }>;
}

export function stateChanges<P extends z.ZodObject>(kind: StateChanges<P>): Endpoint[] {
  const { noun, tag, path, params, may, summaries, find } = kind;
  const change = (
    command: `${'delete' | 'disable' | 'enable'}${Noun}` & keyof AccessCommands,
    words: { method: 'post' | 'delete'; path: string; summary: string },
  ) =>
    endpoint({
      ...words,
      tag,
      may,
      params,
      async handle(call, input) {
        const { id } = await find(call, input.params);
        await call.parts.commands.run(command, { id, actor: call.actor });
      },
    });
  return [
    change(`delete${noun}`, { method: 'delete', path, summary: summaries.delete }),
    change(`disable${noun}`, {
      method: 'post',
      path: `${path}/disable`,
      summary: summaries.disable,
    }),
    change(`enable${noun}`, { method: 'post', path: `${path}/enable`, summary: summaries.enable }),
  ];
}
