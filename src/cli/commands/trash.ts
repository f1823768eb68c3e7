// `entrepot trash …`: what was deleted, given back or taken away for good.

import { shownBytes } from '../amount-text.ts';
import { type ApiClient, type JsonObject, objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { confirm, YES_FLAG } from '../confirm.ts';
import { neededInstant } from '../past-text.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';

const ITEM = { name: 'ITEM', about: 'Its number: see entrepot trash list.' } as const;

function whatOf({ path, tag, digest }: JsonObject): string {
  if (typeof tag === 'string') return `${cell(path)}:${tag}`;
  return typeof digest === 'string' ? `${cell(path)}@${digest}` : cell(path);
}

function bytesOf({ bytes }: JsonObject): string | undefined {
  return typeof bytes === 'number' ? shownBytes(bytes) : undefined;
}

const COLUMNS: readonly Column[] = [
  column('Item', 'id'),
  column('Kind', 'kind'),
  { title: 'What', of: whatOf },
  { title: 'Deleted', of: ({ deletedAt }) => when(deletedAt) },
  column('By', 'deletedBy'),
  column('Why', 'cause'),
  { title: 'Until', of: ({ until }) => when(until) },
  { title: 'Frees', of: bytesOf },
];

const KINDS = ['tag', 'manifest', 'blob', 'repository', 'namespace'] as const;

const FILTER_FLAGS = {
  kind: { value: 'KIND', about: 'tag, manifest, blob, repository or namespace.' },
  since: { value: 'TIME', about: "Deleted since then, such as '2026-11-01 12:00' (UTC)." },
  by: { value: 'NAME', about: 'Deleted by whom.' },
} as const;

function filterOf(given: Given, path: string): Record<string, string> {
  const [kind, since, by] = [given.choice('kind', KINDS), given.flag('since'), given.flag('by')];
  return {
    path,
    ...(kind !== undefined && { kind }),
    ...(since !== undefined && { since: neededInstant(since) }),
    ...(by !== undefined && { by }),
  };
}

const list = serverCommand({
  name: 'trash list',
  about: 'Lists what lies in the trash of a path and below it, newest first.',
  arguments: [
    {
      name: 'PATH',
      about: 'A namespace or repository; / is the whole registry.',
      isOptional: true,
    },
  ],
  flags: FILTER_FLAGS,
  examples: ['entrepot trash list team', 'entrepot trash list team --kind repository --by alice'],
  async run(given, { api, show }) {
    const filter = filterOf(given, pathOf(given.optional('PATH') ?? '/'));
    show.list(await api.all('/trash', filter), { columns: COLUMNS, none: 'The trash is empty.' });
  },
});

const showItem = serverCommand({
  name: 'trash show',
  about: 'Shows an item of the trash, with what purging it would free.',
  arguments: [ITEM],
  examples: ['entrepot trash show 12'],
  async run(given, { api, show }) {
    show.item(objectOf(await api.get(`/trash/${numberOf(given)}`)), COLUMNS);
  },
});

function numberOf(given: Given): number {
  const text = given.argument('ITEM');
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no number of an item: see entrepot trash list.`);
}

const restore = serverCommand({
  name: 'trash restore',
  about: 'Restores an item of the trash; of a manifest with the tags that went with it.',
  arguments: [ITEM],
  flags: {
    as: { value: 'NAME', about: 'Another name than the repository or namespace had.' },
    replace: { about: 'Also tags that point elsewhere by now.' },
  },
  examples: ['entrepot trash restore 12', 'entrepot trash restore 12 --as team/app-restored'],
  async run(given, { api, show }) {
    const as = given.flag('as');
    const body = { replace: given.isOn('replace'), ...(as !== undefined && { as }) };
    const answer = await api.post(`/trash/${numberOf(given)}/restore`, body);
    const restored = objectOf(answer);
    const elsewhere = cell(restored.tagsElsewhere);
    const note =
      elsewhere === '' ? '' : ` These tags point elsewhere and stay there: ${elsewhere}.`;
    const tags = cell(restored.tags);
    const named = tags === '' ? '' : `, tagged ${tags}`;
    const what = typeof restored.digest === 'string' ? `@${restored.digest}` : '';
    show.done(`${cell(restored.path)}${what} is back${named}.${note}`, answer);
  },
});

const restoreAll = serverCommand({
  name: 'trash restore-all',
  about: 'Restores all that lies in the trash of a path and below it, newest first.',
  arguments: [{ name: 'PATH', about: 'A namespace or repository; / is the whole registry.' }],
  flags: {
    ...FILTER_FLAGS,
    replace: { about: 'Also tags that point elsewhere by now.' },
    ...YES_FLAG,
  },
  examples: ["entrepot trash restore-all team/app --since '2026-11-01 12:00' --by alice"],
  async run(given, { api, show, terminal }) {
    const filter = filterOf(given, pathOf(given.argument('PATH')));
    const count = (await api.all('/trash', filter)).length;
    if (count === 0) return show.done('There is nothing like that in the trash.', NOTHING);
    const items = count === 1 ? '1 item comes' : `${count} items come`;
    await confirm(given, terminal, `${items} back, as far as possible.`);
    const replace = given.isOn('replace');
    const { done, refused } = await many(api, { to: 'restore', body: { filter, replace } });
    const not = refused.length === 0 ? '' : ` Not back: ${refused.length}.`;
    show.done(`Back: ${done.length}.${not}`, { restored: done, refused });
    if (!show.isJson && refused.length > 0) show.list(refused, REFUSED);
  },
});

const NOTHING = { restored: [], refused: [] };
const REFUSED = { columns: [column('Item', 'id'), column('Why not', 'reason')], none: '' };

async function many(
  api: ApiClient,
  { to, body }: { to: 'restore' | 'purge'; body: JsonObject },
): Promise<{ done: JsonObject[]; refused: JsonObject[] }> {
  const done: JsonObject[] = [];
  const refused: JsonObject[] = [];
  for (let after: JsonObject = {}; ; ) {
    const answer = objectOf(await api.post(`/trash/${to}`, { ...body, ...after }));
    const list = to === 'restore' ? answer.restored : answer.purged;
    if (Array.isArray(list)) done.push(...list.map(objectOf));
    if (Array.isArray(answer.refused)) refused.push(...answer.refused.map(objectOf));
    if (typeof answer.next !== 'number') return { done, refused };
    after = { after: answer.next };
  }
}

const purge = serverCommand({
  name: 'trash purge',
  about: 'Takes an item of the trash away for good, with its bytes, at once.',
  arguments: [ITEM],
  flags: YES_FLAG,
  examples: ['entrepot trash purge 12', 'entrepot trash purge 12 --yes'],
  async run(given, { api, show, terminal }) {
    const number = numberOf(given);
    const item = objectOf(await api.get(`/trash/${number}`));
    const what = `The ${cell(item.kind)} ${whatOf(item)} is taken away for good; that frees ${bytesOf(item) ?? 'nothing'}.`;
    await confirm(given, terminal, `${what} It cannot be undone.`);
    const answer = await api.post(`/trash/${number}/purge`);
    const purged = objectOf(answer);
    const behind = purged.isUnderWay === true ? ' It is being taken away.' : '';
    show.done(`The ${cell(item.kind)} ${whatOf(item)} is purged.${behind}`, answer);
    const blobs = Array.isArray(purged.blobs) ? purged.blobs.map(objectOf) : [];
    if (!show.isJson && blobs.length > 0) show.list(blobs, { columns: BLOBS, none: '' });
  },
});

const BLOBS: readonly Column[] = [
  column('Digest', 'digest'),
  { title: 'Size', of: ({ size }) => (typeof size === 'number' ? shownBytes(size) : undefined) },
  column('Bytes', 'state'),
  { title: 'Held by', of: ({ heldBy }) => holdersOf(objectOf(heldBy)) },
];

function holdersOf({ manifests, repositories, otherRepositories }: JsonObject): string {
  const others = Number(otherRepositories);
  const more = others > 0 ? `${others} other repositories` : '';
  return [cell(manifests), cell(repositories), more].filter((text) => text !== '').join(', ');
}

export const TRASH_COMMANDS: readonly Command[] = [list, showItem, restore, restoreAll, purge];
