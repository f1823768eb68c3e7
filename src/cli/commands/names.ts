// Names: repositories and namespaces deleted, renamed, copied; old names that still answer.
import { shownBytes } from '../amount-text.ts';
import { type JsonObject, objectOf } from '../api-client.ts';
import { type Command, CommandFailure, type Given, UsageError } from '../command.ts';
import { confirm, YES_FLAG } from '../confirm.ts';
import { atRepository, imageOf, tagOf } from '../image-text.ts';
import { pathOf } from '../path-text.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';
import { REPOSITORY_ARGUMENT } from './repository.ts';

const NAMESPACE = { name: 'NAMESPACE', about: 'Its path, such as team/backend.' } as const;

function contentsOf(preview: JsonObject): string {
  const amount = (field: string, one: string, more: string) => {
    const count = Number(preview[field]);
    return count === 0 ? [] : [`${count} ${count === 1 ? one : more}`];
  };
  const size = typeof preview.bytes === 'number' ? [shownBytes(preview.bytes)] : [];
  return [
    ...amount('repositories', 'repository', 'repositories'),
    ...amount('tags', 'tag', 'tags'),
    ...size,
    ...amount('grants', 'grant', 'grants'),
    ...amount('robots', 'robot', 'robots'),
    ...amount('policies', 'policy', 'policies'),
    ...amount('settings', 'setting', 'settings'),
    ...amount('trustPolicies', 'trust policy', 'trust policies'),
  ].join(', ');
}

async function remove(
  given: Given,
  { api, show, terminal }: Session,
  place: { what: string; at: string; query: Readonly<Record<string, string>> },
): Promise<void> {
  const { what, at, query } = place;
  const preview = objectOf(await api.delete(at, { ...query, dryRun: 'true' }));
  if (preview.inUse !== null && preview.inUse !== undefined) {
    const { lease, holder, repository, until } = objectOf(preview.inUse);
    throw new CommandFailure(
      `Something in ${cell(repository)} is in use: the lease ${cell(lease)} of ${cell(holder)} holds it until ${when(until)}.`,
    );
  }
  const sentence = `${what} goes to the trash: ${contentsOf(preview)}.`;
  if (given.isOn('dry-run')) {
    show.done(`${sentence} Nothing was done.`, preview);
    return;
  }
  await confirm(given, terminal, sentence);
  const deleted = await api.delete(at, query);
  const { trash } = objectOf(deleted);
  const back = `It comes back with: entrepot trash restore ${cell(trash)}`;
  show.done(`${sentence} ${back}`, deleted);
}

const DELETE_FLAGS = { 'dry-run': { about: 'Only say what would go.' }, ...YES_FLAG } as const;

const deleteRepository = serverCommand({
  name: 'repository delete',
  about: 'Deletes a repository: into the trash, with all that it holds.',
  arguments: [REPOSITORY_ARGUMENT],
  flags: DELETE_FLAGS,
  examples: ['entrepot repository delete team/app', 'entrepot repository delete team/app --yes'],
  async run(given, session) {
    const name = given.argument('REPO');
    const place = { what: `The repository ${name}`, at: atRepository(name), query: {} };
    await remove(given, session, place);
  },
});

const deleteNamespace = serverCommand({
  name: 'namespace delete',
  about: 'Deletes all repositories of a namespace: into the trash, with its rights and settings.',
  arguments: [NAMESPACE],
  flags: DELETE_FLAGS,
  examples: ['entrepot namespace delete team/old --dry-run', 'entrepot namespace delete team/old'],
  async run(given, session) {
    const path = given.argument('NAMESPACE');
    const place = { what: `The namespace ${path}`, at: '/namespaces', query: { path } };
    await remove(given, session, place);
  },
});

const RENAME_FLAGS = {
  'keep-old-name': {
    value: 'DAYS',
    about: 'For which the old name answers, with a warning. Else 30; 0: not.',
  },
  'leave-grants': { about: 'Rights granted on the path stay on the old one.' },
  ...DELETE_FLAGS,
  'dry-run': { about: 'Only say what would change, and whose rights.' },
} as const;

async function rename(
  given: Given,
  { api, show, terminal }: Session,
  place: { from: string; at: string; body: JsonObject },
): Promise<void> {
  const { from, at } = place;
  const to = given.argument('NEW-NAME');
  const days = given.flag('keep-old-name');
  if (days !== undefined && !/^\d{1,3}$/.test(days)) {
    throw new UsageError('--keep-old-name takes a number of days, such as 30.');
  }
  const grants = given.isOn('leave-grants') ? 'leave' : 'take';
  const keep = days === undefined ? {} : { keepOldNameFor: Number(days) };
  const body = { ...place.body, to, grants, ...keep };
  const preview = objectOf(await api.post(at, { ...body, dryRun: true }));
  const count = Number(preview.repositories);
  const sentence = `${from} becomes ${to} (${count} ${count === 1 ? 'repository' : 'repositories'}).`;
  const isDry = given.isOn('dry-run');
  if (!show.isJson) showAccess(preview, { show, terminal });
  if (isDry) {
    show.done(`${sentence} Nothing was done.`, preview);
    return;
  }
  await confirm(given, terminal, sentence);
  const renamed = await api.post(at, body);
  const { until } = objectOf(renamed);
  const old = until === null ? '' : ` The old name answers until ${when(until)}.`;
  show.done(`${sentence}${old}`, renamed);
}

function showAccess(preview: JsonObject, { show, terminal }: Pick<Session, 'show' | 'terminal'>) {
  const changes = Array.isArray(preview.access) ? preview.access.map(objectOf) : [];
  const { before, after } = objectOf(preview.visibility);
  if (before !== after) {
    terminal.printError(`It was ${cell(before)} and becomes ${cell(after)}.\n`);
  }
  if (changes.length === 0) return;
  show.list(changes, {
    columns: [column('Who', 'subject'), column('Gains', 'gains'), column('Loses', 'loses')],
    none: '',
  });
}

const NEW_NAME = { name: 'NEW-NAME', about: 'The new full name.' } as const;

const renameRepository = serverCommand({
  name: 'repository rename',
  about: 'Renames or moves a repository.',
  arguments: [REPOSITORY_ARGUMENT, NEW_NAME],
  flags: RENAME_FLAGS,
  examples: ['entrepot repository rename team/app team/web --keep-old-name 90'],
  async run(given, session) {
    const from = given.argument('REPO');
    await rename(given, session, { from, at: `${atRepository(from)}/rename`, body: {} });
  },
});

const renameNamespace = serverCommand({
  name: 'namespace rename',
  about: 'Renames or moves a namespace with all that lies in it.',
  arguments: [NAMESPACE, NEW_NAME],
  flags: RENAME_FLAGS,
  examples: ['entrepot namespace rename team/backend team/services --dry-run'],
  async run(given, session) {
    const path = given.argument('NAMESPACE');
    await rename(given, session, { from: path, at: '/namespaces/rename', body: { path } });
  },
});

const aliases = serverCommand({
  name: 'alias list',
  about: 'Lists old names that still answer for what lies at a path and below it.',
  arguments: [
    {
      name: 'PATH',
      about: 'A namespace or repository; / is the whole registry.',
      isOptional: true,
    },
  ],
  examples: ['entrepot alias list team'],
  async run(given, { api, show }) {
    const rows = await api.all('/aliases', { path: pathOf(given.optional('PATH') ?? '/') });
    show.list(rows, {
      columns: [
        column('Old name', 'path'),
        column('Name', 'target'),
        { title: 'Until', of: ({ until }) => when(until) },
        column('By', 'by'),
      ],
      none: 'No old name answers there.',
    });
  },
});

const endAlias = serverCommand({
  name: 'alias end',
  about: 'Ends an old name: it answers no more and is free.',
  arguments: [{ name: 'OLD-NAME', about: 'As entrepot alias list shows it.' }],
  examples: ['entrepot alias end team/app'],
  async run(given, { api, show }) {
    const path = given.argument('OLD-NAME');
    await api.delete('/aliases', { path });
    show.done(`The old name ${path} answers no more.`);
  },
});

/** Where a copy goes: `prod/app:1`, or without a tag. */
function targetOf(text: string): { repository: string; tags: readonly string[] | undefined } {
  if (!text.includes(':')) return { repository: text, tags: undefined };
  const { repository, reference } = tagOf(text);
  return { repository, tags: [reference] };
}

const copy = serverCommand({
  name: 'copy',
  about: 'Copies an image to another repository, with its signatures, without moving bytes.',
  arguments: [
    { name: 'IMAGE', about: 'Such as team/app:1 or team/app@sha256:….' },
    { name: 'TARGET', about: 'Such as prod/app:1; without a tag: the one that it has.' },
  ],
  flags: { 'without-referrers': { about: 'Without what refers to it.' } },
  examples: ['entrepot copy team/app:1 prod/app:1', 'entrepot copy team/app:1 prod/app'],
  async run(given, { api, show }) {
    const image = imageOf(given.argument('IMAGE'));
    const { repository, tags } = targetOf(given.argument('TARGET'));
    const body = {
      from: image.repository,
      reference: image.reference,
      withReferrers: !given.isOn('without-referrers'),
      ...(tags !== undefined && { tags }),
    };
    const copied = objectOf(await api.post(`${atRepository(repository)}/copy`, body));
    const tagged = cell(copied.tags);
    const named = tagged === '' ? '' : `, tagged ${tagged}`;
    show.done(`${cell(copied.digest)} is in ${repository}${named}.`, copied);
  },
});

export const NAME_COMMANDS: readonly Command[] = [
  deleteRepository,
  renameRepository,
  deleteNamespace,
  renameNamespace,
  aliases,
  endAlias,
  copy,
];
