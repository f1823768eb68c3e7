// `entrepot policy …`, and the policies that are set with flags: `entrepot immutable …`, `entrepot quota …`,
// `entrepot retention …`.
import { bytesOf, percentOf } from '../amount-text.ts';
import { type Json, type JsonObject, objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { readDocument } from '../document-file.ts';
import { pathOf } from '../path-text.ts';
import { shownPolicy } from '../policy-text.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { type Column, column, shownPath } from '../show.ts';

const KINDS = ['immutability', 'retention', 'quota', 'trash'] as const;
type Kind = (typeof KINDS)[number];

const PATH = {
  name: 'PATH',
  about: 'A namespace or repository; / is the whole registry.',
} as const;
const KIND = { name: 'KIND', about: `One of ${KINDS.join(', ')}.` } as const;

const COLUMNS: readonly Column[] = [
  { title: 'Set on', of: ({ path }) => shownPath(path) },
  column('Kind', 'kind'),
  column('By', 'updatedBy'),
  { title: 'Says', of: shownPolicy },
];

function kindOf(text: string): Kind {
  const kind = KINDS.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw new UsageError(`A policy is one of ${KINDS.join(', ')}, not "${text}".`);
}

const list = serverCommand({
  name: 'policy list',
  about: 'Lists the policies that are set at a path and below it.',
  arguments: [{ ...PATH, isOptional: true }],
  examples: ['entrepot policy list', 'entrepot policy list team'],
  async run(given, { api, show }) {
    const path = pathOf(given.optional('PATH') ?? '');
    const holding = await api.items('/policies', { path });
    const own = holding.filter((policy) => policy.path === path);
    show.list([...own, ...(await api.all('/policies/below', { path }))], {
      columns: COLUMNS,
      none: 'Nothing is set there: see entrepot policy show.',
    });
  },
});

const show = serverCommand({
  name: 'policy show',
  about: 'Shows the policies that hold at a path, and where they are set.',
  arguments: [PATH],
  examples: ['entrepot policy show team/backend', 'entrepot policy show team --json'],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    session.show.list(await session.api.items('/policies', { path }), {
      columns: COLUMNS,
      none: 'No policy holds there.',
    });
  },
});

interface Setting {
  readonly kind: Kind;
  readonly path: string;
  readonly policy: Json;
}

async function put({ api, show: shown }: Session, { kind, path, policy }: Setting): Promise<void> {
  const set = objectOf(await api.put(`/policies/${kind}`, policy, { path }));
  shown.done(`${shownPath(path)}, ${kind}: ${shownPolicy(set)}.`, set);
}

async function remove({ api, show: shown }: Session, { kind, path }: Omit<Setting, 'policy'>) {
  await api.delete(`/policies/${kind}`, { path });
  shown.done(`${shownPath(path)} has no ${kind} policy of its own any more.`);
}

const FILE_FLAG = {
  file: { value: 'FILE', about: 'The policy as YAML or JSON; - is standard input.' },
} as const;

const set = serverCommand({
  name: 'policy set',
  about: 'Sets a policy of any kind as a file says it.',
  arguments: [KIND, PATH],
  flags: FILE_FLAG,
  examples: [
    'entrepot policy set retention team --file retention.yaml',
    'echo \'{"days":14}\' | entrepot policy set trash team --file -',
  ],
  async run(given, session) {
    const kind = kindOf(given.argument('KIND'));
    const path = pathOf(given.argument('PATH'));
    const policy = await readDocument(given.needed('file'), session.terminal);
    await put(session, { kind, path, policy });
  },
});

const removed = serverCommand({
  name: 'policy remove',
  about: 'Takes away what a path says itself; what holds above holds there again.',
  arguments: [KIND, PATH],
  examples: ['entrepot policy remove immutability team/app'],
  async run(given, session) {
    const kind = kindOf(given.argument('KIND'));
    await remove(session, { kind, path: pathOf(given.argument('PATH')) });
  },
});

const immutable = serverCommand({
  name: 'immutable set',
  about: 'Says which tags never move and are not deleted, at a path and below it.',
  arguments: [PATH, { name: 'TAGS', about: "Patterns, joined by commas: 'v*,release-?'." }],
  flags: {
    except: {
      value: 'TAGS',
      about: "Patterns of tags that are not meant: 'v*-rc*'.",
      isList: true,
    },
    'may-expire': { about: 'They go when a retention policy says so.' },
  },
  examples: [
    "entrepot immutable set team 'v*' --except 'v*-rc*'",
    "entrepot immutable set team/app '*' --except latest --may-expire",
  ],
  async run(given, session) {
    const except = given.list('except').flatMap(patternsOf);
    const rule = {
      tags: patternsOf(given.argument('TAGS')),
      ...(except.length > 0 && { except }),
      ...(given.isOn('may-expire') && { mayExpire: true }),
    };
    const path = pathOf(given.argument('PATH'));
    await put(session, { kind: 'immutability', path, policy: { rules: [rule] } });
  },
});

function patternsOf(text: string): string[] {
  return text.split(',').filter((pattern) => pattern !== '');
}

const quota = serverCommand({
  name: 'quota set',
  about: 'Limits what a path and all below it use. What was limited before is forgotten.',
  arguments: [PATH],
  flags: {
    bytes: { value: 'SIZE', about: 'At most so much, each blob counted once: 10GB, 2TiB.' },
    tags: { value: 'COUNT', about: 'At most so many tags.' },
    repositories: { value: 'COUNT', about: 'At most so many repositories.' },
    soft: { value: 'PERCENT', about: 'Warn beyond that part of each limit, such as 80%.' },
    'soft-only': { about: 'Warn beyond the limits, and refuse nothing.' },
    contact: { value: 'TEXT', about: 'Whom a refusal says to ask for more.' },
  },
  examples: [
    'entrepot quota set team --bytes 10GB --tags 1000 --soft 80%',
    "entrepot quota set team/lab --bytes 500GB --soft-only --contact '#platform'",
  ],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    await put(session, { kind: 'quota', path, policy: quotaOf(given) });
  },
});

function quotaOf(given: Given): JsonObject {
  const bytes = given.flag('bytes');
  const amounts = {
    bytes: bytes === undefined ? undefined : bytesOf(bytes),
    tags: given.count('tags'),
    repositories: given.count('repositories'),
  };
  const limits = Object.entries(amounts).flatMap(([resource, amount]) =>
    amount === undefined ? [] : [[resource, limitOf(given, amount)] as const],
  );
  if (limits.length === 0) throw new UsageError('Say what to limit: --bytes, --tags, …');
  const contact = given.flag('contact');
  return { ...Object.fromEntries(limits), ...(contact !== undefined && { contact }) };
}

function limitOf(given: Given, amount: number): JsonObject {
  const soft = given.flag('soft');
  if (given.isOn('soft-only')) {
    if (soft === undefined) return { soft: amount };
    throw new UsageError('--soft and --soft-only exclude each other.');
  }
  if (soft === undefined) return { hard: amount };
  return { soft: Math.floor(amount * percentOf(soft)), hard: amount };
}

const retention = serverCommand({
  name: 'retention set',
  about: 'Says what stays and what goes, at a path and below it, as a file says it.',
  arguments: [PATH],
  flags: FILE_FLAG,
  examples: ['entrepot retention set team --file retention.yaml'],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    const policy = await readDocument(given.needed('file'), session.terminal);
    await put(session, { kind: 'retention', path, policy });
  },
});

function removeOf(name: string, kind: Kind, about: string): Command {
  return serverCommand({
    name,
    about,
    arguments: [PATH],
    examples: [`entrepot ${name} team`],
    run: (given, session) => remove(session, { kind, path: pathOf(given.argument('PATH')) }),
  });
}

export const POLICY_COMMANDS: readonly Command[] = [
  list,
  show,
  set,
  removed,
  immutable,
  removeOf('immutable remove', 'immutability', 'Takes away what a path says of immutable tags.'),
  quota,
  removeOf(
    'quota remove',
    'quota',
    'Takes away the quota of a path; those above it go on to hold.',
  ),
  retention,
  removeOf('retention remove', 'retention', 'Takes away what a path says of retention.'),
];
