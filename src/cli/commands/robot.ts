// `entrepot robot …`: machine accounts of a namespace or repository.
import { type JsonObject, objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { timeAfter } from '../duration.ts';
import { pathOf } from '../path-text.ts';
import { findRobot, parseRobot, ROBOT } from '../robot-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Robot', of: ({ path, name }) => `${cell(path)}:${cell(name)}` },
  column('Id', 'id'),
  column('State', 'state'),
  column('Description', 'description'),
  { title: 'Until', of: ({ expiresAt }) => when(expiresAt) },
  { title: 'Last seen', of: ({ lastSeenAt }) => when(lastSeenAt) },
];

const list = serverCommand({
  name: 'robot list',
  about: 'Lists the robots of a path and all below it.',
  flags: { on: { value: 'PATH', about: 'A namespace or repository. Without it: everywhere.' } },
  examples: ['entrepot robot list --on team/backend'],
  async run(given, { api, show }) {
    const path = pathOf(given.flag('on') ?? '');
    const rows = await api.all('/robots', { path });
    show.list(rows, { columns: COLUMNS, none: 'There are no robots.' });
  },
});

const show = serverCommand({
  name: 'robot show',
  about: 'Shows a robot.',
  arguments: [ROBOT],
  examples: ['entrepot robot show team/backend:ci'],
  async run(given, session) {
    const robot = await findRobot(session.api, given.argument('ROBOT'));
    session.show.item(robot, [
      ...COLUMNS,
      column('Made by', 'createdBy'),
      { title: 'Made', of: ({ createdAt }) => when(createdAt) },
    ]);
  },
});

const CONTENT_FLAGS = {
  description: { value: 'TEXT', about: 'What it is for.' },
  expires: { value: 'DURATION', about: 'How long it lives, such as 90d; never for no end.' },
} as const;

function contentOf(given: Given, now: number): JsonObject {
  const description = given.flag('description');
  const expires = given.flag('expires');
  return {
    ...(description !== undefined && { description }),
    ...(expires !== undefined && {
      expiresAt: expires === 'never' ? null : timeAfter(now, expires),
    }),
  };
}

const create = serverCommand({
  name: 'robot create',
  about:
    'Makes a robot. It may nothing until it is granted something, and needs a token to sign in.',
  arguments: [{ name: 'ROBOT', about: 'Path and name, such as team/backend:ci.' }],
  flags: CONTENT_FLAGS,
  examples: [
    "entrepot robot create team/backend:ci --description 'builds the images' --expires 365d",
  ],
  async run(given, { api, show: shown, terminal }) {
    const text = given.argument('ROBOT');
    const body = { ...parseRobot(text), ...contentOf(given, terminal.now()) };
    const made = await api.post('/robots', body);
    shown.done(
      `The robot ${text} is made. Give it rights with "entrepot grant add ROLE --to robot:${text} --on PATH", and a token with "entrepot token create NAME --robot ${text}".`,
      made,
    );
  },
});

const update = serverCommand({
  name: 'robot update',
  about: 'Changes what a robot is for and how long it lives.',
  arguments: [ROBOT],
  flags: CONTENT_FLAGS,
  examples: ['entrepot robot update team/backend:ci --expires never'],
  async run(given, { api, show: shown, terminal }) {
    const body = contentOf(given, terminal.now());
    if (Object.keys(body).length === 0) throw new UsageError('Say what to change.');
    const robot = await findRobot(api, given.argument('ROBOT'));
    const changed = objectOf(await api.patch(`/robots/${cell(robot.id)}`, body));
    shown.done(`The robot ${given.argument('ROBOT')} is changed.`, changed);
  },
});

function change(
  verb: 'disable' | 'enable' | 'delete',
  { about, done }: { about: string; done: string },
): Command {
  return serverCommand({
    name: `robot ${verb}`,
    about,
    arguments: [ROBOT],
    examples: [`entrepot robot ${verb} team/backend:ci`],
    async run(given, { api, show: shown }) {
      const robot = await findRobot(api, given.argument('ROBOT'));
      const path = `/robots/${cell(robot.id)}`;
      if (verb === 'delete') await api.delete(path);
      else await api.post(`${path}/${verb}`);
      shown.done(`The robot ${given.argument('ROBOT')} is ${done}.`);
    },
  });
}

export const ROBOT_COMMANDS: readonly Command[] = [
  list,
  show,
  create,
  update,
  change('disable', { about: 'Refuses a robot from now on.', done: 'disabled' }),
  change('enable', { about: 'Lets a disabled robot sign in again.', done: 'enabled' }),
  change('delete', { about: 'Deletes a robot with its tokens and grants.', done: 'deleted' }),
];
