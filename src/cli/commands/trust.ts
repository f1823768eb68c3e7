// `entrepot trust …`: pipelines that sign in with identity tokens of an issuer.
import { formatDuration } from '../../app/setting-values.ts';
import { type ApiClient, type Json, type JsonObject, objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { pathOf } from '../path-text.ts';
import { findPlaced, type PlacedKind, parsePlaced } from '../placed-text.ts';
import { parseScope, showScopes } from '../scope-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';

const POLICY = {
  name: 'POLICY',
  about: 'Path and name, such as team:github, or its number. :github is one of the root.',
} as const;

const CONTENT_FLAGS = {
  issuer: { value: 'URL', about: 'Who signs the identity tokens, as in their claim iss.' },
  audience: { value: 'TEXT', about: 'Whom they are for. Else the address of the server.' },
  condition: {
    value: 'CLAIM=PATTERN',
    about: 'A claim must fit, such as repository=acme/app; of one claim any of its patterns.',
    isList: true,
  },
  allow: {
    value: 'ACTIONS:NAMES',
    about: 'What it gives, such as pull,push:team/{project_path}.',
    isList: true,
  },
  lifetime: { value: 'DURATION', about: 'Of access tokens by exchange, such as 15m. Else 1h.' },
} as const;

const COLUMNS: readonly Column[] = [
  { title: 'Policy', of: ({ path, name }) => `${cell(path)}:${cell(name)}` },
  column('Id', 'id'),
  column('State', 'state'),
  column('Issuer', 'issuer'),
  { title: 'If', of: ({ conditions }) => showConditions(conditions) },
  { title: 'Allows', of: ({ grants }) => showScopes(grants) },
  { title: 'Last used', of: ({ lastUsedAt }) => when(lastUsedAt) },
];

function showConditions(conditions: Json | undefined): string {
  return Object.entries(objectOf(conditions))
    .map(
      ([claim, patterns]) =>
        `${claim}=${Array.isArray(patterns) ? patterns.map(cell).join('|') : cell(patterns)}`,
    )
    .join(' ');
}

const KIND: PlacedKind = {
  noun: 'trust policy',
  example: 'team:github',
  list: '/trust-policies',
  isOfRootToo: true,
};

function findPolicy(api: ApiClient, text: string): Promise<JsonObject> {
  return findPlaced(api, text, KIND);
}

/** `a=x a=y b=z` as `{a: [x, y], b: [z]}` */
function conditionsOf(texts: readonly string[]): Record<string, string[]> {
  const conditions: Record<string, string[]> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1 || equals === text.length - 1) {
      throw new UsageError(`"${text}" is no condition: write claim and pattern, such as ref=main.`);
    }
    const claim = text.slice(0, equals);
    conditions[claim] = [...(conditions[claim] ?? []), text.slice(equals + 1)];
  }
  return conditions;
}

function contentOf(given: Given): JsonObject {
  const issuer = given.flag('issuer');
  const audience = given.flag('audience');
  const lifetime = given.flag('lifetime');
  const conditions = given.list('condition');
  const grants = given.list('allow');
  return {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(conditions.length > 0 && { conditions: conditionsOf(conditions) }),
    ...(grants.length > 0 && { grants: grants.map(parseScope) }),
    ...(lifetime !== undefined && { lifetimeSeconds: durationMs(lifetime) / 1000 }),
  };
}

const list = serverCommand({
  name: 'trust list',
  about: 'Lists the trust policies of a path and all below it.',
  flags: { on: { value: 'PATH', about: 'A namespace or repository. Without it: everywhere.' } },
  examples: ['entrepot trust list --on team'],
  async run(given, { api, show }) {
    const rows = await api.all('/trust-policies', { path: pathOf(given.flag('on') ?? '') });
    show.list(rows, { columns: COLUMNS, none: 'There are no trust policies.' });
  },
});

const show = serverCommand({
  name: 'trust show',
  about: 'Shows a trust policy.',
  arguments: [POLICY],
  examples: ['entrepot trust show team:github'],
  async run(given, session) {
    session.show.item(await findPolicy(session.api, given.argument('POLICY')), [
      ...COLUMNS,
      column('Audience', 'audience'),
      {
        title: 'Lifetime',
        of: ({ lifetimeSeconds }) => formatDuration(Number(lifetimeSeconds) * 1000),
      },
      column('Made by', 'createdBy'),
      { title: 'Made', of: ({ createdAt }) => when(createdAt) },
    ]);
  },
});

const create = serverCommand({
  name: 'trust create',
  about: 'Trusts pipelines of an issuer: those whose claims fit get rights without a secret.',
  arguments: [{ name: 'POLICY', about: 'Path and name, such as team:github.' }],
  flags: CONTENT_FLAGS,
  examples: [
    'entrepot trust create team:github --issuer https://token.actions.githubusercontent.com --condition repository=acme/app --condition ref=refs/heads/main --allow pull,push:team/app',
    "entrepot trust create team:gitlab --issuer https://gitlab.example.com --condition 'project_path=team/**' --allow 'pull,push:team/{project_path}' --lifetime 15m",
  ],
  async run(given, { api, show: shown }) {
    const text = given.argument('POLICY');
    for (const flag of ['issuer', 'condition', 'allow']) given.needed(flag);
    const body = { audience: api.server, ...parsePlaced(text, KIND), ...contentOf(given) };
    const made = objectOf(await api.post('/trust-policies', body));
    shown.done(`The trust policy ${text} is made, for tokens to ${cell(made.audience)}.`, made);
  },
});

const update = serverCommand({
  name: 'trust update',
  about: 'Changes a trust policy. What was issued by it ends. What is not given stays.',
  arguments: [POLICY],
  flags: CONTENT_FLAGS,
  examples: ["entrepot trust update team:gitlab --condition 'project_path=team/app'"],
  async run(given, { api, show: shown }) {
    const change = contentOf(given);
    if (Object.keys(change).length === 0) throw new UsageError('Say what to change.');
    const { id, issuer, audience, conditions, grants, lifetimeSeconds } = await findPolicy(
      api,
      given.argument('POLICY'),
    );
    const body = { issuer, audience, conditions, grants, lifetimeSeconds, ...change };
    const changed = await api.put(`/trust-policies/${cell(id)}`, body);
    shown.done(`The trust policy ${given.argument('POLICY')} is changed.`, changed);
  },
});

function change(
  verb: 'disable' | 'enable' | 'delete',
  { about, done }: { about: string; done: string },
): Command {
  return serverCommand({
    name: `trust ${verb}`,
    about,
    arguments: [POLICY],
    examples: [`entrepot trust ${verb} team:github`],
    async run(given, { api, show: shown }) {
      const policy = await findPolicy(api, given.argument('POLICY'));
      const path = `/trust-policies/${cell(policy.id)}`;
      if (verb === 'delete') await api.delete(path);
      else await api.post(`${path}/${verb}`);
      shown.done(`The trust policy ${given.argument('POLICY')} is ${done}.`);
    },
  });
}

export const TRUST_COMMANDS: readonly Command[] = [
  list,
  show,
  create,
  update,
  change('disable', {
    about: 'Trusts no token by a policy from now on; what was issued by it ends.',
    done: 'disabled',
  }),
  change('enable', { about: 'Trusts tokens by a disabled policy again.', done: 'enabled' }),
  change('delete', {
    about: 'Deletes a trust policy; what was issued by it ends.',
    done: 'deleted',
  }),
];
