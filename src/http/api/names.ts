// Names of repositories and namespaces: taken away, given another one, and old ones that still answer.
import { z } from '@hono/zod-openapi';
import type { PlacePreview } from '../../lifecycle/names/name-reports.ts';
import { refuseInside } from '../../lifecycle/names/rename.command.ts';
import { rightToSet } from '../../lifecycle/policy-kinds.ts';
import type { DeletedPlace } from '../../lifecycle/trash/delete-place.command.ts';
import { aliasesTo, readAlias } from '../../metadata/aliases.ts';
import { parentOf } from '../../metadata/names.ts';
import { readPolicy } from '../../metadata/policies.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName, parseRepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { FLAG, PATH, TIME, timeOf, timeOrNull } from './shapes.ts';

const CHAPTER = 'Names';

const DRY_RUN = FLAG.openapi({ description: '`true`: nothing is done, only said.' });

const HELD = {
  repositories: z.int(),
  tags: z.int(),
  grants: z.int(),
  settings: z.int(),
  policies: z.int(),
  robots: z.int(),
  trustPolicies: z.int(),
};

const IN_USE = z
  .object({ lease: z.string(), holder: z.string(), repository: z.string(), until: TIME })
  .nullable()
  .openapi({ description: 'Somebody says that something in it is in use.' });

const DELETED = z
  .object({
    path: z.string(),
    isDone: z.boolean(),
    ...HELD,
    bytes: z.int().nullable().openapi({ description: 'Of distinct content; of a dry run only.' }),
    trash: z.int().nullable().openapi({ description: 'Number of the item in the trash.' }),
    inUse: IN_USE,
  })
  .openapi('DeletedPlace');

type Kind = 'repository' | 'namespace';

interface Wanted {
  readonly kind: Kind;
  readonly path: string;
}

async function deletePlace(
  call: ApiCall,
  wanted: Wanted,
  isDry: boolean,
): Promise<z.input<typeof DELETED>> {
  const { path } = wanted;
  const { reports, commands } = call.parts;
  await needQuotaKept(call, wanted);
  if (isDry) {
    const preview = await reports.run('previewDeletion', { ...wanted, now: call.parts.now() });
    if (preview.repositories === 0) throw nothingThere(wanted);
    const inUse = shownLease(preview);
    const bytes = preview.bytes ?? null;
    return { path, isDone: false, ...heldOf(preview), bytes, trash: null, inUse };
  }
  const deleted = await commands.run('deletePlace', { ...wanted, actor: call.actor });
  const { trash } = deleted;
  return { path, isDone: true, ...heldOf(deleted), bytes: null, trash, inUse: null };
}

/**
 * The quota of a path goes along with what lies there, and the path is free of it. So whom it limits may not
 * take it away like that.
 */
async function needQuotaKept(call: ApiCall, { kind, path }: Wanted): Promise<void> {
  const key = { kind: 'quota', path } as const;
  const { sql, reports } = call.parts;
  if ((await readPolicy(sql, key)) === undefined || (await call.may(rightToSet(key)))) return;
  // Between others only the repository itself goes, and what is set on its path stays.
  if (kind === 'repository' && !(await reports.run('isRepositoryAlone', { path }))) return;
  const why = `"${path}" has a quota that you may not take away, and it would go along. Ask who set it, or do so with what lies below`;
  throw call.refuse(rightToSet(key), why);
}

function heldOf(from: PlacePreview | DeletedPlace) {
  const { repositories, tags, grants, settings, policies, robots, trustPolicies } = from;
  return { repositories, tags, grants, settings, policies, robots, trustPolicies };
}

function shownLease({ lease }: PlacePreview): z.input<typeof IN_USE> {
  if (lease === undefined) return null;
  const { name, actor, repository, expiresAt } = lease;
  return { lease: name, holder: actor, repository, until: timeOf(expiresAt) };
}

function nothingThere({ kind, path }: Wanted): RegistryError {
  return new RegistryError('NOT_FOUND', `There is no ${kind} "${path}".`);
}

/** @throws RegistryError REQUEST_INVALID for the root; as `needManagerBelow`. */
async function namespaceAt(call: ApiCall, path: string): Promise<Wanted> {
  if (!isRepositoryName(path)) {
    throw new RegistryError('REQUEST_INVALID', 'Name a namespace, such as team/backend.');
  }
  await call.needManagerBelow(path);
  return { kind: 'namespace', path };
}

async function repositoryAt(call: ApiCall, text: string): Promise<Wanted> {
  const { name } = await repositoryOf(call, text, 'manage');
  return { kind: 'repository', path: name };
}

const deleteRepository = endpoint({
  method: 'delete',
  path: '/repositories/{repository}',
  tag: CHAPTER,
  summary: 'Delete a repository: into the trash, with all that it holds',
  may: 'Who manages it.',
  params: z.object({ repository: REPOSITORY }),
  query: z.strictObject({ dryRun: DRY_RUN }),
  result: DELETED,
  async handle(call, { params, query }) {
    return deletePlace(call, await repositoryAt(call, params.repository), query.dryRun);
  },
});

const deleteNamespace = endpoint({
  method: 'delete',
  path: '/namespaces',
  tag: CHAPTER,
  summary: 'Delete all repositories of a namespace: into the trash, with its rights and settings',
  may: 'Who manages it.',
  query: z.strictObject({ path: PATH, dryRun: DRY_RUN }),
  result: DELETED,
  async handle(call, { query }) {
    return deletePlace(call, await namespaceAt(call, query.path), query.dryRun);
  },
});

const LONGEST_DAYS = 365;
const DAY_MS = 24 * 60 * 60 * 1000;

const RENAME = {
  to: z.string().min(1).max(255).openapi({ description: 'The new full name.' }),
  keepOldNameFor: z.int().min(0).max(LONGEST_DAYS).default(30).openapi({
    description: 'Days for which the old name answers, and stays reserved. 0: not.',
  }),
  grants: z.enum(['take', 'leave']).default('take').openapi({
    description: '`leave`: rights that were granted on the path stay on the old one.',
  }),
  dryRun: z.boolean().default(false),
};

const RENAMED = z
  .object({
    path: z.string(),
    isDone: z.boolean(),
    repositories: z.int(),
    until: TIME.nullable().openapi({ description: 'The old name answers until then.' }),
    warnings: z.array(z.string()).readonly(),
    access: z
      .array(
        z.object({
          subject: z.string(),
          gains: z.array(z.string()).readonly(),
          loses: z.array(z.string()).readonly(),
        }),
      )
      .readonly()
      .nullable()
      .openapi({ description: 'Whose rights change; of a dry run only.' }),
    visibility: z.object({ before: z.string(), after: z.string() }).nullable(),
    quotas: z
      .array(z.object({ path: z.string(), quota: z.unknown() }))
      .readonly()
      .nullable()
      .openapi({ description: 'That hold for it then and did not before; of a dry run only.' }),
  })
  .openapi('RenamedPlace');

const RENAME_BODY = z.strictObject(RENAME);

async function rename(
  call: ApiCall,
  wanted: Wanted,
  body: z.output<typeof RENAME_BODY>,
): Promise<z.input<typeof RENAMED>> {
  const { to, grants } = body;
  const { reports, commands } = call.parts;
  await call.needManager(parentOf(to));
  if (parentOf(to) !== parentOf(wanted.path)) await needQuotaKept(call, wanted);
  if (body.dryRun) {
    refuseInside(wanted.path, parseRepositoryName(to));
    const asked = { ...wanted, to, grants, now: call.parts.now() };
    const preview = await reports.run('previewRename', asked);
    if (preview.repositories === 0) throw nothingThere(wanted);
    const { repositories, access, visibility, quotas } = preview;
    const until =
      body.keepOldNameFor === 0 ? null : call.parts.now() + body.keepOldNameFor * DAY_MS;
    const shown = { path: to, isDone: false, repositories, until: timeOrNull(until) };
    return { ...shown, warnings: [], access, visibility, quotas };
  }
  const keepMs = body.keepOldNameFor * DAY_MS;
  const asked = { ...wanted, to, grants, keepMs, actor: call.actor };
  const { path, repositories, until, warnings } = await commands.run('renamePlace', asked);
  const nothing = { access: null, visibility: null, quotas: null };
  return { path, isDone: true, repositories, until: timeOrNull(until), warnings, ...nothing };
}

const renameRepository = endpoint({
  method: 'post',
  path: '/repositories/{repository}/rename',
  tag: CHAPTER,
  summary: 'Rename or move a repository',
  may: 'Who manages it, and the namespace that it comes to.',
  params: z.object({ repository: REPOSITORY }),
  body: RENAME_BODY,
  result: RENAMED,
  async handle(call, { params, body }) {
    return rename(call, await repositoryAt(call, params.repository), body);
  },
});

const renameNamespace = endpoint({
  method: 'post',
  path: '/namespaces/rename',
  tag: CHAPTER,
  summary: 'Rename or move a namespace with all that lies in it',
  may: 'Who manages it, and the namespace that it comes to.',
  body: z.strictObject({ ...RENAME, path: PATH }),
  result: RENAMED,
  async handle(call, { body }) {
    const { path, ...how } = body;
    return rename(call, await namespaceAt(call, path), how);
  },
});

const ALIAS = z
  .object({ path: z.string(), target: z.string(), until: TIME, by: z.string(), createdAt: TIME })
  .openapi('OldName');

const aliases = endpoint({
  method: 'get',
  path: '/aliases',
  tag: CHAPTER,
  summary: 'Old names that still answer for what lies at a path and below it',
  may: 'Who manages the path.',
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.default('') }),
  result: pageSchema('OldNames', ALIAS),
  async handle(call, { query }) {
    const { path } = query;
    await call.needManagerBelow(path);
    const now = call.parts.now();
    return pageOf(query, {
      key: z.string(),
      read: ({ after = '', limit }) => aliasesTo(call.parts.sql, { path, now, after, limit }),
      keyOf: (alias) => alias.path,
      show: ({ path: old, target, until, actor, createdAt }) => ({
        path: old,
        target,
        until: timeOf(until),
        by: actor,
        createdAt: timeOf(createdAt),
      }),
    });
  },
});

const endAlias = endpoint({
  method: 'delete',
  path: '/aliases',
  tag: CHAPTER,
  summary: 'End an old name: it answers no more and is free',
  may: 'Who manages what it leads to.',
  query: z.strictObject({ path: PATH }),
  async handle(call, { query }) {
    const alias = await readAlias(call.parts.sql, query.path);
    const mayManage =
      alias !== undefined && (await call.may({ action: 'manage', path: alias.target }));
    if (alias === undefined || !mayManage) {
      throw new RegistryError('NOT_FOUND', `"${query.path}" is no old name that still answers.`);
    }
    await call.needManager(alias.target);
    await call.parts.commands.run('endAlias', { path: query.path, actor: call.actor });
  },
});

export const nameEndpoints = [
  deleteRepository,
  renameRepository,
  deleteNamespace,
  renameNamespace,
  aliases,
  endAlias,
];
