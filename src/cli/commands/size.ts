// `entrepot size` and `entrepot growth`: what tags, repositories and namespaces occupy, and how that grew.
import { showBytes } from '../../lifecycle/quota/amount-text.ts';
import { type Json, type JsonObject, objectOf, part, Refusal } from '../api-client.ts';
import type { Command } from '../command.ts';
import { atRepository, tagOf } from '../image-text.ts';
import { pathOf } from '../path-text.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { type Column, cell, column, shownPath } from '../show.ts';

function bytes(title: string, field: string): Column {
  return { title, of: (row) => bytesText(row[field]) };
}

function bytesText(value: Json | undefined): string {
  return typeof value === 'number' ? showBytes(value) : '';
}

/** Of the part of an answer. */
function within(name: string, columns: readonly Column[]): Column[] {
  return columns.map(({ title, of }) => ({ title, of: (row) => of(objectOf(row[name])) }));
}

const SHARE: readonly Column[] = [
  bytes('Occupies', 'bytes'),
  bytes('Shared', 'shared'),
  bytes('Kept by history', 'keptByHistory'),
];

const WHOLE: readonly Column[] = [
  ...within('live', [
    column('Repositories', 'repositories'),
    column('Tags', 'tags'),
    bytes('Apparent', 'apparent'),
    ...SHARE,
  ]),
  ...within('history', [bytes('Trash and history', 'bytes')]),
  bytes('Deleting frees', 'frees'),
];

const IMAGE: readonly Column[] = [
  bytes('Apparent', 'apparent'),
  ...SHARE,
  bytes('Deleting frees', 'exclusive'),
];

const size = serverCommand({
  name: 'size',
  about: 'Shows what a tag, a repository or a namespace occupies, and what deleting it would free.',
  arguments: [
    {
      name: 'WHAT',
      about: 'A tag (REPO:TAG), a repository or a namespace; / is the whole registry.',
    },
  ],
  flags: { below: { about: 'With all that lies below, where the path is a repository too.' } },
  examples: ['entrepot size team/api:prod', 'entrepot size team/api', 'entrepot size team'],
  async run(given, session) {
    const what = given.argument('WHAT');
    if (/^(?!id:\d+$).*[:@]/.test(what)) return showTag(session, what);
    const found = await sizesOf(session, { what, isBelow: given.isOn('below') });
    session.show.item(found, [
      { title: 'Path', of: ({ repository, path }) => repository ?? shownPath(path) },
      ...WHOLE,
    ]);
    if (isNothing(found)) session.show.done(`Nothing lies at ${what}: is the name right?`);
  },
});

/** A namespace is any beginning of names, also one that nothing has. */
function isNothing({ path, live, history }: JsonObject): boolean {
  if (path === undefined || path === '') return false;
  return objectOf(live).repositories === 0 && objectOf(history).bytes === 0;
}

async function showTag({ api, show, terminal }: Session, what: string): Promise<void> {
  const { repository, reference } = tagOf(what);
  const path = `${atRepository(repository)}/tags/${part(reference)}/sizes`;
  const found = objectOf(await api.get(path));
  const name = ({ repository: of, tag }: JsonObject) => `${cell(of)}:${cell(tag)}`;
  show.item(found, [{ title: 'Tag', of: name }, column('Digest', 'digest'), ...IMAGE]);
  const platforms = found.platforms as readonly JsonObject[];
  if (show.isJson || platforms.length === 0) return;
  terminal.print('\n');
  show.list(platforms, {
    columns: [column('Platform', 'platform'), ...IMAGE, column('Digest', 'digest')],
    none: '',
  });
}

/** A path may be a repository, a namespace, or both: then the repository is meant. */
async function sizesOf(
  { api }: Session,
  { what, isBelow }: { what: string; isBelow: boolean },
): Promise<JsonObject> {
  const path = pathOf(what);
  if (path !== '' && !isBelow) {
    try {
      return objectOf(await api.get(`${atRepository(path)}/sizes`));
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'NOT_FOUND') throw error;
    }
  }
  return objectOf(await api.get('/sizes', { path }));
}

const growth = serverCommand({
  name: 'growth',
  about: 'Shows what a path used, day by day.',
  arguments: [{ name: 'PATH', about: 'A repository, a top namespace or a path with a quota.' }],
  flags: {
    from: {
      value: 'DAY',
      about: 'The first day, such as 2030-01-31; else 30 days before the last.',
    },
    to: { value: 'DAY', about: 'The last day; else today (UTC).' },
  },
  examples: ['entrepot growth team', 'entrepot growth team --from 2030-01-01'],
  async run(given, { api, show }) {
    const query = {
      path: pathOf(given.argument('PATH')),
      from: given.flag('from'),
      to: given.flag('to'),
    };
    show.list(await api.items('/growth', query), {
      columns: [
        column('Day', 'day'),
        bytes('Occupies', 'bytes'),
        bytes('Apparent', 'apparent'),
        column('Blobs', 'blobs'),
        column('Tags', 'tags'),
        column('Repositories', 'repositories'),
      ],
      none: 'Nothing is recorded for those days. It is recorded once a day, for repositories, top namespaces and paths with a quota. What is there now: entrepot size.',
    });
  },
});

export const SIZE_COMMANDS: readonly Command[] = [size, growth];
