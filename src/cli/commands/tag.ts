// `entrepot tag …`: the tags of a repository, and what each of them was.
import { showBytes } from '../../lifecycle/quota/amount-text.ts';
import { type Json, objectOf } from '../api-client.ts';
import type { Command, Given } from '../command.ts';
import { atRepository, shortDigest, tagOf } from '../image-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';
import { REPOSITORY_ARGUMENT } from './repository.ts';

/** Of the server. */
const LONGEST_PAGE = 200;

const LIST_FLAGS = {
  limit: { value: 'COUNT', about: 'At most so many.' },
  full: { about: 'Whole digests.' },
} as const;

function pages(given: Given): { limit: number; most: number | undefined } {
  const most = given.count('limit');
  return { limit: Math.min(most ?? LONGEST_PAGE, LONGEST_PAGE), most };
}

function digest(title: string, field: string, given: Given): Column {
  if (given.isOn('full')) return column(title, field);
  return { title, of: (row) => shortDigest(row[field]) };
}

const list = serverCommand({
  name: 'tag list',
  about: 'Lists the tags of a repository, with what they are and when they moved last.',
  arguments: [REPOSITORY_ARGUMENT],
  flags: { prefix: { value: 'TEXT', about: 'Only those that begin with it.' }, ...LIST_FLAGS },
  examples: ['entrepot tag list team/api', 'entrepot tag list team/api --prefix v1. --json'],
  async run(given, { api, show }) {
    const { limit, most } = pages(given);
    const query = { limit, prefix: given.flag('prefix') };
    const path = `${atRepository(given.argument('REPO'))}/tags`;
    show.list(await api.all(path, query, most), {
      columns: [
        column('Tag', 'name'),
        digest('Digest', 'digest', given),
        { title: 'Size', of: ({ size }) => (typeof size === 'number' ? showBytes(size) : '') },
        { title: 'Moved', of: ({ movedAt }) => when(movedAt) },
        column('By', 'movedBy'),
        { title: 'Pulled', of: ({ pulledAt }) => when(pulledAt) },
        column('Pulls', 'pulls'),
      ],
      none: 'There are no such tags that you may see.',
    });
  },
});

const history = serverCommand({
  name: 'tag history',
  about: 'Shows every move of a tag, newest first, and whether what it was is still there.',
  arguments: [{ name: 'REPO:TAG', about: 'A tag; one that was deleted, too.' }],
  flags: LIST_FLAGS,
  examples: ['entrepot tag history team/api:prod', 'entrepot tag history team/api:prod --limit 5'],
  async run(given, { api, show }) {
    const { limit, most } = pages(given);
    const { repository, reference } = tagOf(given.argument('REPO:TAG'));
    const path = `${atRepository(repository)}/tags/${reference}/history`;
    show.list(await api.all(path, { limit }, most), {
      columns: [
        column('Move', 'sequence'),
        { title: 'When', of: ({ at }) => when(at) },
        digest('From', 'from', given),
        digest('To', 'to', given),
        { title: 'Left', of: ({ remains }) => showRemains(remains) },
        column('Why', 'cause'),
        column('By', 'actor'),
        { title: 'With', of: ({ credential }) => cell(credential) },
      ],
      none: 'It never moved.',
    });
  },
});

function showRemains(remains: Json | undefined): string {
  if (remains === null || remains === undefined) return '';
  const { state, until } = objectOf(remains);
  const end = when(until);
  return end === undefined ? cell(state) : `${cell(state)} until ${end}`;
}

export const TAG_COMMANDS: readonly Command[] = [list, history];
