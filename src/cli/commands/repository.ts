// `entrepot repository show`: one repository.
import { type Json, objectOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { atRepository } from '../image-text.ts';
import { serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';

export const REPOSITORY_ARGUMENT = {
  name: 'REPO',
  about: 'A repository: its name, or its id as id:12.',
} as const;

const show = serverCommand({
  name: 'repository show',
  about: 'Shows a repository and how much it holds.',
  arguments: [REPOSITORY_ARGUMENT],
  examples: ['entrepot repository show team/api', 'entrepot repository show id:12'],
  async run(given, session) {
    const found = await session.api.get(atRepository(given.argument('REPO')));
    session.show.item(objectOf(found), [
      column('Id', 'id'),
      column('Name', 'name'),
      column('Visibility', 'visibility'),
      { title: 'Made', of: ({ createdAt }) => when(createdAt) },
      { title: 'Tags', of: ({ tags }) => showCount(tags) },
      { title: 'Manifests', of: ({ manifests }) => showCount(manifests) },
    ]);
  },
});

function showCount(value: Json | undefined): string {
  const { count, isMore } = objectOf(value);
  return isMore === true ? `more than ${cell(count)}` : cell(count);
}

export const REPOSITORY_COMMANDS: readonly Command[] = [show];
