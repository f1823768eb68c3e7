// Tags moved by hand: rolled back in their history, pointed at a digest, deleted; and what they were at an
// instant.
import { z } from '@hono/zod-openapi';
import { findPast, type WayBack } from '../../lifecycle/history/find-past.ts';
import { neverWas } from '../../lifecycle/history/move-tag.command.ts';
import { readTag } from '../../metadata/tags-at.ts';
import { isDigest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { millisecondsOf, WANTED_TIME } from './shapes.ts';
import { DIGEST, TAG } from './tag-shapes.ts';

const CHAPTER = 'Tags';
const PARAMS = z.object({ repository: REPOSITORY, tag: TAG });

/** A tag that somebody wants to move, and may. */
interface Movable {
  readonly id: number;
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

async function movable(
  call: ApiCall,
  { repository: text, tag }: { repository: string; tag: Tag },
): Promise<Movable> {
  const { id, name } = await repositoryOf(call, text, 'push');
  await call.need({ action: 'push', path: name, tag });
  await call.need({ action: 'delete', path: name, tag });
  return { id, repository: name, tag };
}

const MAY = 'Who may push and delete that tag.';

const MOVED = z
  .object({
    tag: z.string(),
    from: z.string().nullable().openapi({ description: 'null: there was no such tag.' }),
    to: z.string(),
    sequence: z.int().openapi({
      description: 'Number of the last move of the tag: the one before it undoes this.',
    }),
    isChanged: z.boolean().openapi({ description: 'false: it is there already.' }),
    warnings: z.array(z.string()).readonly(),
  })
  .openapi('TagMoved');

const TO = z
  .union([
    z.string().refine(isDigest, { error: 'is not a digest' }),
    z.int().refine((place) => place !== 0, { error: 'is a place in the history, from 1, or -1' }),
    WANTED_TIME,
  ])
  .openapi({
    description:
      'A digest of its history; the number of a move of its history; -1, -2 for so many moves back; or a time (ISO 8601). Default: -1, the state before its last move.',
    example: -1,
  });

function wayOf(to: string | number): WayBack {
  if (typeof to === 'number') {
    return to < 0 ? { kind: 'steps', count: -to } : { kind: 'move', sequence: to };
  }
  return isDigest(to)
    ? { kind: 'digest', digest: to }
    : { kind: 'instant', at: millisecondsOf(to) };
}

const rollback = endpoint({
  method: 'post',
  path: '/repositories/{repository}/tags/{tag}/rollback',
  tag: CHAPTER,
  summary: 'Bring a tag back to what it pointed at, also a deleted one',
  may: `${MAY} To override a rule that makes it immutable: who manages the repository.`,
  params: PARAMS,
  body: z.strictObject({
    to: TO.default(-1),
    restore: z.boolean().default(false).openapi({
      description: 'What it pointed at is taken out of the trash, when it is there.',
    }),
    override: z
      .boolean()
      .default(false)
      .openapi({ description: 'Although a rule makes the tag immutable.' }),
    dryRun: z.boolean().default(false).openapi({ description: 'Says what would be done.' }),
  }),
  result: MOVED,
  async handle(call, { params, body }) {
    const { id, repository, tag } = await movable(call, params);
    const { restore: restores, override: isOverriding, dryRun } = body;
    if (isOverriding) await call.needManager(repository);
    const way = wayOf(body.to);
    if (dryRun) {
      const { sql } = call.parts;
      const now = await readTag(sql, { repository: id, name: tag });
      if (now === undefined) throw neverWas({ repository, tag });
      const past = await findPast(sql, { tag: now, name: tag, way });
      return showMoved(tag, { from: now.digest, to: past.digest, sequence: now.sequence });
    }
    const rolledBack = { repository, tag, way, restores, isOverriding, actor: call.actor };
    return showMoved(tag, await call.parts.commands.run('rollBackTag', rolledBack));
  },
});

interface Moved {
  readonly from: string | undefined;
  readonly to: string;
  readonly sequence: number;
  readonly warnings?: readonly string[];
}

function showMoved(tag: Tag, { from, to, sequence, warnings = [] }: Moved) {
  return { tag, from: from ?? null, to, sequence, isChanged: from !== to, warnings };
}

const set = endpoint({
  method: 'put',
  path: '/repositories/{repository}/tags/{tag}',
  tag: CHAPTER,
  summary: 'Point a tag at a manifest of the repository; it is made when it is new',
  may: MAY,
  params: PARAMS,
  body: z.strictObject({ digest: DIGEST }),
  result: MOVED,
  async handle(call, { params, body: { digest } }) {
    const { repository, tag } = await movable(call, params);
    const set = { repository, tag, digest, actor: call.actor };
    return showMoved(tag, await call.parts.commands.run('setTag', set));
  },
});

const remove = endpoint({
  method: 'delete',
  path: '/repositories/{repository}/tags/{tag}',
  tag: CHAPTER,
  summary: 'Delete a tag; what it pointed at stays for the time of the trash',
  may: 'Who may delete that tag.',
  params: PARAMS,
  async handle(call, { params: { repository: text, tag } }) {
    const { id, name: repository } = await repositoryOf(call, text, 'delete');
    await call.need({ action: 'delete', path: repository, tag });
    const now = await readTag(call.parts.sql, { repository: id, name: tag });
    if (now?.digest === undefined) {
      throw new RegistryError('NOT_FOUND', `"${repository}" has no tag "${tag}".`);
    }
    await call.parts.commands.run('deleteTag', { repository, tag, actor: call.actor });
  },
});

export const rollbackEndpoints = [rollback, set, remove];
