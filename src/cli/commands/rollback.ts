// `entrepot rollback`, `entrepot tag set`, `entrepot tag delete`, `entrepot tag at`: tags moved by hand, and
// what they were at an instant.
import { objectOf, textOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { atRepository, shortDigest, tagOf } from '../image-text.ts';
import { neededInstant, wayBackOf } from '../past-text.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';

const TAG_ARGUMENT = { name: 'REPO:TAG', about: 'A tag.' } as const;

const rollback = serverCommand({
  name: 'rollback',
  about: 'Brings a tag back to what it pointed at before, also one that was deleted.',
  arguments: [TAG_ARGUMENT],
  flags: {
    to: {
      value: 'WHERE',
      about:
        "A digest, -2 (two moves back), '#17' (a move of entrepot tag history), or a time such as '2026-11-01 12:00' (UTC). Default: the state before its last move.",
    },
    restore: { about: 'Take what it pointed at out of the trash, when it is there.' },
    override: { about: 'Although a rule makes the tag immutable: for who manages it.' },
    'dry-run': { about: 'Say what would be done.' },
  },
  examples: [
    'entrepot rollback team/api:prod',
    'entrepot rollback team/api:prod --to -2 --dry-run',
    "entrepot rollback team/api:prod --to '2026-11-01 12:00'",
  ],
  async run(given, { api, show }) {
    const { repository, reference } = tagOf(given.argument('REPO:TAG'));
    const to = given.flag('to');
    const isRehearsal = given.isOn('dry-run');
    const moved = objectOf(
      await api.post(`${atRepository(repository)}/tags/${reference}/rollback`, {
        ...(to !== undefined && { to: wayBackOf(to) }),
        restore: given.isOn('restore'),
        override: given.isOn('override'),
        dryRun: isRehearsal,
      }),
    );
    const name = `${repository}:${reference}`;
    const way = `${cell(moved.from) || 'no such tag'} → ${cell(moved.to)}`;
    if (moved.isChanged !== true) show.done(`${name} is there already: ${cell(moved.to)}`, moved);
    else if (isRehearsal) show.done(`${name} would go back: ${way}`, moved);
    else {
      const undo =
        moved.from === null ? `entrepot tag delete ${name}` : `entrepot rollback ${name}`;
      show.done(`${name} went back: ${way}\nTo undo it: ${undo}`, moved);
    }
  },
});

const set = serverCommand({
  name: 'tag set',
  about: 'Points a tag at a manifest of its repository; it is made when it is new.',
  arguments: [TAG_ARGUMENT, { name: 'DIGEST', about: 'The whole digest.' }],
  examples: [`entrepot tag set team/api:prod sha256:4f06b3…`],
  async run(given, { api, show }) {
    const { repository, reference } = tagOf(given.argument('REPO:TAG'));
    const digest = given.argument('DIGEST');
    const path = `${atRepository(repository)}/tags/${reference}`;
    const moved = objectOf(await api.put(path, { digest }));
    const name = `${repository}:${reference}`;
    const undo = moved.from === null ? `entrepot tag delete ${name}` : `entrepot rollback ${name}`;
    const how = moved.isChanged === true ? `\nTo undo it: ${undo}` : '';
    show.done(`${name} points to ${cell(moved.to)}.${how}`, moved);
  },
});

const remove = serverCommand({
  name: 'tag delete',
  about: 'Deletes a tag; what it pointed at stays for the time of the trash.',
  arguments: [TAG_ARGUMENT],
  examples: ['entrepot tag delete team/api:test'],
  async run(given, { api, show }) {
    const { repository, reference } = tagOf(given.argument('REPO:TAG'));
    await api.delete(`${atRepository(repository)}/tags/${reference}`);
    const name = `${repository}:${reference}`;
    show.done(`${name} is deleted.\nTo undo it: entrepot rollback ${name}`);
  },
});

const at = serverCommand({
  name: 'tag at',
  about: 'Lists the tags at a path and below it as they were at an instant.',
  arguments: [
    { name: 'PATH', about: 'A namespace or repository; / is the whole registry.' },
    { name: 'TIME', about: "Such as '2026-11-01 12:00' (UTC)." },
  ],
  flags: {
    limit: { value: 'COUNT', about: 'At most so many.' },
    full: { about: 'Whole digests.' },
  },
  examples: ["entrepot tag at team/api '2026-11-01 12:00'"],
  async run(given, { api, show }) {
    const path = pathOf(given.argument('PATH'));
    const time = neededInstant(given.argument('TIME'));
    const rows = await api.all('/tags-at', { path, time }, given.count('limit'));
    const digest = (title: string, field: string): Column =>
      given.isOn('full')
        ? column(title, field)
        : { title, of: (row) => (row[field] === null ? '' : shortDigest(row[field])) };
    show.list(rows, {
      columns: [
        { title: 'Tag', of: ({ repository, tag }) => `${textOf(repository)}:${textOf(tag)}` },
        digest('Then', 'digest'),
        { title: 'Since', of: ({ since }) => when(since) },
        digest('Now', 'now'),
        column('Left', 'state'),
      ],
      none: 'There were no tags then.',
    });
  },
});

export const ROLLBACK_COMMANDS: readonly Command[] = [rollback, set, remove, at];
