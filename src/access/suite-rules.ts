// The rules of access, stated a second time: tables in words, for a person to check against what was meant.
// Nothing of decide() is used here, not even the roles: whoever changes a rule changes it in both places.
import type { Condition } from './condition.ts';
import type { Scope } from './decide.ts';

/** Three are asked of a repository or namespace; `administer` is of the registry, whatever was asked. */
export const WHAT = ['pull', 'push', 'delete', 'manage', 'administer'] as const;
export type What = (typeof WHAT)[number];

/** Who asks. */
export const WHO = ['anonymous', 'user', 'robot', 'workload'] as const;
export type Who = (typeof WHO)[number];

/** What each role allows. */
export const ROLE = {
  reader: 'pull',
  writer: 'pull push',
  maintainer: 'pull push delete',
  owner: 'pull push delete manage',
  administrator: 'pull push delete manage administer',
  'custom: pull and delete': 'pull delete',
  'custom: nothing': '',
} as const;

/** How somebody comes by a grant, and whom it reaches that way. */
export const THROUGH = {
  'a grant of their own': 'user robot',
  'a team': 'user',
  'an organisation': 'user',
  'the name that they own': 'user',
  'an organisation that they own': 'user',
  'being signed in': 'user',
  'being anyone': 'anonymous user robot workload',
  'a trust policy': 'workload',
} as const;

/** What is asked about: the root, a namespace, a repository, one below it, one that only begins alike. */
export const PATHS = ['', 'team', 'team/app', 'team/app/debug', 'team-b/app'] as const;
export type Path = (typeof PATHS)[number];

/** Where a grant stands, and where it holds: there and below. */
export const STANDS: Readonly<Record<string, readonly Path[]>> = {
  '': ['', 'team', 'team/app', 'team/app/debug', 'team-b/app'],
  team: ['team', 'team/app', 'team/app/debug'],
  'team/app': ['team/app', 'team/app/debug'],
  'team/app/debug': ['team/app/debug'],
  'team-b': ['team-b/app'],
  // A sibling, and names that are a part of a name or have one as a part.
  'team/web': [],
  'team/ap': [],
  'team/app-b': [],
  tea: [],
};

/** Whom a visibility lets pull, without any grant. */
export const VISIBILITY = {
  private: '',
  internal: 'user',
  public: 'anonymous user robot workload',
} as const;

const ALL = [...WHAT];
type Covered = Readonly<Partial<Record<What, readonly Path[]>>>;

/** Nothing of `administer`: that is of the root, and these are below it. */
function onAll(...paths: Path[]): Covered {
  return { pull: paths, push: paths, delete: paths, manage: paths };
}

/** What a credential is limited to, and what is then left of everything that its owner may. */
export const SCOPE: Readonly<
  Record<string, { scopes: readonly Scope[] | undefined; leaves: Covered }>
> = {
  'no limit': { scopes: undefined, leaves: { ...onAll(...PATHS), administer: [''] } },
  'all on all': {
    scopes: [{ actions: ALL, names: ['**'] }],
    leaves: { ...onAll(...PATHS), administer: [''] },
  },
  nothing: { scopes: [], leaves: {} },
  'no names': { scopes: [{ actions: ALL, names: [] }], leaves: {} },
  'pull on all': { scopes: [{ actions: ['pull'], names: ['**'] }], leaves: { pull: PATHS } },
  'push on one': {
    scopes: [{ actions: ['push'], names: ['team/app'] }],
    leaves: { push: ['team/app'] },
  },
  'all on one and below': {
    scopes: [{ actions: ALL, names: ['team/app/**'] }],
    leaves: onAll('team/app', 'team/app/debug'),
  },
  'all on what lies in it': {
    scopes: [{ actions: ALL, names: ['team/*'] }],
    leaves: onAll('team/app'),
  },
  'all on names of one part': {
    scopes: [{ actions: ALL, names: ['*'] }],
    leaves: onAll('team'),
  },
  'all on a name that begins alike': {
    scopes: [{ actions: ALL, names: ['team-b/**', 'team/ap', 'tea/**'] }],
    leaves: onAll('team-b/app'),
  },
  'pull here, push there': {
    scopes: [
      { actions: ['pull'], names: ['team/app'] },
      { actions: ['push', 'delete'], names: ['team', '*/app/debug'] },
    ],
    leaves: {
      pull: ['team/app'],
      push: ['team', 'team/app/debug'],
      delete: ['team', 'team/app/debug'],
    },
  },
};

/** What tag the question is about. */
export const TAG = {
  'no tag': {},
  'tag v1': { tag: 'v1' },
  'tag prod-1': { tag: 'prod-1' },
  'every tag': { everyTag: true },
  'tag v1, and with it every tag': { tag: 'v1', everyTag: true },
} as const;
export type TagWords = keyof typeof TAG;

/** Which questions a grant that is limited to tags still answers; `manage` is never limited to tags. */
export const TAGS: Readonly<
  Record<string, { tags: readonly string[] | undefined; fits: readonly TagWords[] }>
> = {
  'all tags': {
    tags: undefined,
    fits: ['no tag', 'tag v1', 'tag prod-1', 'every tag', 'tag v1, and with it every tag'],
  },
  'prod only': { tags: ['prod-*'], fits: ['no tag', 'tag prod-1'] },
  'all but prod': { tags: ['!prod-*'], fits: ['no tag', 'tag v1'] },
  'some, without one': { tags: ['v?', 'prod-*', '!prod-1'], fits: ['no tag', 'tag v1'] },
  'without some, but one': { tags: ['!prod-*', 'prod-1'], fits: ['no tag', 'tag prod-1'] },
  'a star': { tags: ['*'], fits: ['no tag', 'tag v1', 'tag prod-1'] },
  none: { tags: [], fits: ['no tag'] },
};

/** From where and when. The times are written as the clock at the wall in Paris shows them. */
export const MOMENT = {
  'office, Monday noon': { address: '10.1.2.3', now: Date.parse('2026-06-15T12:00:00+02:00') },
  'home, Monday noon': { address: '198.51.100.7', now: Date.parse('2026-06-15T12:00:00+02:00') },
  'office, Friday 23:30': { address: '10.1.2.3', now: Date.parse('2026-06-19T23:30:00+02:00') },
  'home, Saturday 01:00': { address: '198.51.100.7', now: Date.parse('2026-06-20T01:00:00+02:00') },
  'office, Saturday 23:30': { address: '10.1.2.3', now: Date.parse('2026-06-20T23:30:00+02:00') },
} as const;
export type MomentWords = keyof typeof MOMENT;

const PARIS = 'Europe/Paris';
const WORKING_HOURS = { days: [1, 2, 3, 4, 5], from: 9 * 60, to: 17 * 60, zone: PARIS };
const FRIDAY_NIGHT = { days: [5], from: 22 * 60, to: 6 * 60, zone: PARIS };

/** When a condition on a grant or on a credential holds. */
export const CONDITION: Readonly<
  Record<string, { condition: Condition | undefined; holds: readonly MomentWords[] }>
> = {
  'at any time': { condition: undefined, holds: Object.keys(MOMENT) as MomentWords[] },
  'in the office': {
    condition: { networks: ['10.0.0.0/8', '2001:db8::/32'] },
    holds: ['office, Monday noon', 'office, Friday 23:30', 'office, Saturday 23:30'],
  },
  'in working hours': {
    condition: { windows: [WORKING_HOURS] },
    holds: ['office, Monday noon', 'home, Monday noon'],
  },
  'on Friday night': {
    condition: { windows: [FRIDAY_NIGHT] },
    holds: ['office, Friday 23:30', 'home, Saturday 01:00'],
  },
  'in the office, by day or on Friday night': {
    condition: { networks: ['10.0.0.0/8'], windows: [WORKING_HOURS, FRIDAY_NIGHT] },
    holds: ['office, Monday noon', 'office, Friday 23:30'],
  },
};

/** A grant, in the words of the tables. */
export interface GrantWords {
  readonly role: keyof typeof ROLE;
  readonly stands: string;
  readonly through: keyof typeof THROUGH;
  readonly tags: string;
  readonly condition: string;
}

/** One case of the walk, in the words of the tables. */
export interface Case {
  readonly who: Who;
  readonly what: What;
  readonly path: Path;
  readonly tag: TagWords;
  readonly visibility: keyof typeof VISIBILITY;
  readonly grants: readonly GrantWords[];
  readonly scope: string;
  /** The condition on the credential. */
  readonly condition: string;
  readonly moment: MomentWords;
}

/** Whoever meets one of these may; nobody else. */
export const RULES: readonly { readonly says: string; meets(asked: Case): boolean }[] = [
  {
    says: 'What is public, anyone may pull, whatever they show.',
    meets: (asked) => asked.what === 'pull' && asked.visibility === 'public',
  },
  {
    says: 'What is granted to anyone, anyone may, whatever they show.',
    meets: (asked) =>
      asked.grants.some((grant) => grant.through === 'being anyone' && gives(grant, asked)),
  },
  {
    says: 'What is internal, a user may pull with a credential that leaves it.',
    meets: (asked) =>
      asked.what === 'pull' && isIn(asked.who, VISIBILITY[asked.visibility]) && leaves(asked),
  },
  {
    says: 'What a grant gives to whom it reaches, they may with a credential that leaves it.',
    meets: (asked) =>
      leaves(asked) &&
      asked.grants.some((grant) => isIn(asked.who, THROUGH[grant.through]) && gives(grant, asked)),
  },
];

function gives(grant: GrantWords, { what, path, tag, moment }: Case): boolean {
  const needsAllTags = what === 'manage' || what === 'administer';
  return (
    isIn(what, ROLE[grant.role]) &&
    isListed(asksAbout(what, path), STANDS[grant.stands]) &&
    (needsAllTags ? grant.tags === 'all tags' : isListed(tag, TAGS[grant.tags]?.fits)) &&
    isListed(moment, CONDITION[grant.condition]?.holds)
  );
}

function leaves({ what, path, scope, condition, moment }: Case): boolean {
  return (
    isListed(asksAbout(what, path), SCOPE[scope]?.leaves[what]) &&
    isListed(moment, CONDITION[condition]?.holds)
  );
}

function asksAbout(what: What, path: Path): Path {
  return what === 'administer' ? '' : path;
}

function isIn(word: string, words: string): boolean {
  return words.split(' ').includes(word);
}

function isListed<T>(word: T, words: readonly T[] | undefined): boolean {
  return words?.includes(word) === true;
}
