import { expect, test } from 'bun:test';
import type { Commands } from '../metadata/command.ts';
import type { AllCommands } from './commands.ts';
import { withChangesMarked } from './marked-commands.ts';

function scene(outcome: () => Promise<unknown>) {
  const seen: string[] = [];
  const inner = {
    async run(name: string) {
      try {
        return await outcome();
      } finally {
        seen.push(`${name} answered`);
      }
    },
  } as unknown as Commands<AllCommands>;
  const marked = withChangesMarked(inner, () => void seen.push('marked'));
  // Any arguments: nothing looks at them.
  const run = (name: keyof AllCommands) => marked.run(name, undefined as never);
  return { seen, run };
}

test('after a command of access, and before its caller goes on, verdicts are looked at again', async () => {
  const { seen, run } = scene(async () => 7);
  expect(await run('removeGrant')).toBe(7 as never);
  seen.push('went on');
  expect(seen).toEqual(['removeGrant answered', 'marked', 'went on']);
});

test('one that fails may have been committed', async () => {
  const { seen, run } = scene(() => Promise.reject(new Error('connection lost')));
  await expect(run('disableUser')).rejects.toThrow('connection lost');
  expect(seen).toEqual(['disableUser answered', 'marked']);
});

test('pushes and what only notes that somebody was there mark nothing', async () => {
  const { seen, run } = scene(async () => undefined);
  for (const name of ['putManifest', 'noteTokenUses', 'noteSessionSeen'] as const) await run(name);
  expect(seen).not.toContain('marked');
});
