// `entrepot path …` and `entrepot repository …`: settings that hang on a path, and what lies there.
import { objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, shownPath } from '../show.ts';

const PATH = {
  name: 'PATH',
  about: 'A namespace or repository; / is the whole registry.',
} as const;

const EFFECTIVE: readonly Column[] = [
  { title: 'Path', of: ({ path }) => shownPath(path) },
  { title: 'Visibility', of: ({ visibility }) => showEffective(visibility) },
  { title: 'Creation', of: ({ creation }) => showEffective(creation) },
];

function showEffective(setting: Parameters<typeof objectOf>[0]): string {
  const { value, from } = objectOf(setting);
  const where =
    from === null ? 'from the start' : `set on ${from === '' ? 'the root' : cell(from)}`;
  return `${cell(value)} (${where})`;
}

const list = serverCommand({
  name: 'path list',
  about: 'Lists the paths with settings of their own, at a path and below it.',
  arguments: [{ ...PATH, isOptional: true }],
  examples: ['entrepot path list', 'entrepot path list team'],
  async run(given, { api, show }) {
    const path = pathOf(given.optional('PATH') ?? '');
    const top = objectOf(await api.get('/paths', { path }));
    const own = {
      path,
      visibility: ownValue(top.visibility, path),
      creation: ownValue(top.creation, path),
    };
    const below = await api.all('/paths/below', { path });
    const isSet = own.visibility !== null || own.creation !== null;
    show.list(isSet ? [own, ...below] : below, {
      columns: [
        { title: 'Path', of: (row) => shownPath(row.path) },
        column('Visibility', 'visibility'),
        column('Creation', 'creation'),
      ],
      none: 'Nothing is set there: see entrepot path show.',
    });
  },
});

function ownValue(setting: Parameters<typeof objectOf>[0], path: string) {
  const { value = null, from } = objectOf(setting);
  return from === path ? value : null;
}

const show = serverCommand({
  name: 'path show',
  about: 'Shows what holds at a path, and where it is set.',
  arguments: [PATH],
  examples: ['entrepot path show team/backend'],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    session.show.item(objectOf(await session.api.get('/paths', { path })), EFFECTIVE);
  },
});

const ABOVE = 'inherit';

const set = serverCommand({
  name: 'path set',
  about: 'Sets what holds at a path and below it.',
  arguments: [PATH],
  flags: {
    visibility: {
      value: 'WHO',
      about: `Who may pull: private (whom it is granted), internal (whoever signs in), public (anyone), or ${ABOVE}.`,
    },
    creation: {
      value: 'HOW',
      about: `push (pushing makes a repository), explicit (it must be made first), or ${ABOVE}.`,
    },
  },
  examples: [
    'entrepot path set acme/open --visibility public',
    'entrepot path set acme --creation explicit',
    'entrepot path set acme/open --visibility inherit',
  ],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    const visibility = setting(given, 'visibility', ['private', 'internal', 'public', ABOVE]);
    const creation = setting(given, 'creation', ['push', 'explicit', ABOVE]);
    const body = {
      ...(visibility !== undefined && { visibility }),
      ...(creation !== undefined && { creation }),
    };
    if (Object.keys(body).length === 0) throw new UsageError('Say what to set.');
    session.show.item(objectOf(await session.api.patch('/paths', body, { path })), EFFECTIVE);
  },
});

function setting(given: Given, name: string, words: readonly string[]): string | null | undefined {
  const value = given.choice(name, words);
  return value === ABOVE ? null : value;
}

const repositories = serverCommand({
  name: 'repository list',
  about: 'Lists the repositories that you may see.',
  flags: { limit: { value: 'COUNT', about: 'At most so many.' } },
  examples: ['entrepot repository list', 'entrepot repository list --limit 20 --json'],
  async run(given, session) {
    const rows = await session.api.all('/repositories', {}, given.count('limit'));
    session.show.list(rows, {
      columns: [column('Name', 'name')],
      none: 'There are no repositories that you may see.',
    });
  },
});

const create = serverCommand({
  name: 'repository create',
  about: 'Makes an empty repository, where pushing does not make one.',
  arguments: [{ name: 'NAME', about: 'Its full name.' }],
  examples: ['entrepot repository create acme/app'],
  async run(given, session) {
    const name = given.argument('NAME');
    const made = await session.api.post('/repositories', { name });
    session.show.done(`The repository ${name} is made.`, made);
  },
});

export const PATH_COMMANDS: readonly Command[] = [list, show, set, repositories, create];
