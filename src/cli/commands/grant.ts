// `entrepot grant …`: who has which role where.
import { isAtOrBelow } from '../../access/pattern.ts';
import { type JsonObject, objectOf, part } from '../api-client.ts';
import type { Command, Given } from '../command.ts';
import { CONDITION_FLAGS, conditionOf, showCondition } from '../condition-text.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, shownPath } from '../show.ts';
import { parseSubject, SUBJECT_EXAMPLES, showSubject } from '../subject-text.ts';

const COLUMNS: readonly Column[] = [
  column('Id', 'id'),
  { title: 'Who', of: ({ subject }) => showSubject(subject) },
  column('Role', 'role'),
  { title: 'On', of: ({ path }) => shownPath(path) },
  column('Tags', 'tags'),
  { title: 'Only', of: ({ condition }) => showCondition(condition) },
  column('By', 'createdBy'),
];

const list = serverCommand({
  name: 'grant list',
  about: 'Lists the grants on a path and below it, or those of somebody.',
  flags: {
    on: { value: 'PATH', about: 'A namespace or repository. Without it: everywhere.' },
    to: { value: 'WHOM', about: `Only those of ${SUBJECT_EXAMPLES}.` },
  },
  examples: ['entrepot grant list --on team/backend', 'entrepot grant list --to user:alice'],
  async run(given, { api, show }) {
    const to = given.flag('to');
    const on = pathOf(given.flag('on') ?? '');
    const rows =
      to === undefined
        ? await api.all('/grants', { path: on, below: true })
        : await api.all('/grants', { subject: showSubject(parseSubject(to)) });
    const shown = to === undefined ? rows : rows.filter(({ path }) => isAtOrBelow(cell(path), on));
    show.list(shown, { columns: COLUMNS, none: 'Nothing is granted there.' });
  },
});

const add = serverCommand({
  name: 'grant add',
  about: 'Gives somebody a role on a namespace or repository and all below it.',
  arguments: [
    {
      name: 'ROLE',
      about: 'reader, writer, maintainer, owner, administrator, or one that was made here.',
    },
  ],
  flags: {
    to: { value: 'WHOM', about: `To ${SUBJECT_EXAMPLES}.` },
    on: {
      value: 'PATH',
      about: 'A namespace or repository, which need not exist yet; / is the whole registry.',
    },
    tags: {
      value: 'PATTERN',
      about: 'Only for such tags: prod-*, and with a leading ! for what is not meant.',
      isList: true,
    },
    ...CONDITION_FLAGS,
  },
  examples: [
    'entrepot grant add writer --to user:alice --on team/backend',
    "entrepot grant add writer --to team:acme/core --on acme --tags '!prod-*'",
    'entrepot grant add reader --to robot:team/backend:ci --on team/backend --from 10.0.0.0/8',
    "entrepot grant add writer --to user:alice --on team/prod --window 'Mon-Fri 08:00-18:00 Europe/Paris'",
    'entrepot grant add reader --to anyone --on acme/open',
    'entrepot grant add administrator --to user:bob --on /',
  ],
  async run(given, { api, show }) {
    const subject = parseSubject(given.needed('to'));
    const made = objectOf(await api.post('/grants', { subject, ...contentOf(given) }));
    const what = `${showSubject(subject)} is ${cell(made.role)} on ${shownPath(made.path)}`;
    show.done(`${what} now, by grant ${cell(made.id)}.`, made);
  },
});

function contentOf(given: Given): JsonObject {
  const tags = given.list('tags');
  return {
    role: given.argument('ROLE'),
    path: pathOf(given.needed('on')),
    ...(tags.length > 0 && { tags }),
    ...conditionOf(given),
  };
}

const remove = serverCommand({
  name: 'grant remove',
  about: 'Takes a grant away. What was signed in with it ends within a second.',
  arguments: [{ name: 'ID', about: 'The number of the grant, as grant list shows it.' }],
  examples: ['entrepot grant remove 12'],
  async run(given, { api, show }) {
    const id = given.argument('ID');
    await api.delete(`/grants/${part(id)}`);
    show.done(`Grant ${id} is taken away.`);
  },
});

export const GRANT_COMMANDS: readonly Command[] = [list, add, remove];
