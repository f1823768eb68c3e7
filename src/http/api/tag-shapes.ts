// What the answers about tags have in common: how a page of them is asked for, who moved them, and which of
// them somebody may see.
import { z } from '@hono/zod-openapi';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { isTag, type Tag } from '../../oci/tag.ts';
import type { ApiCall } from './api-call.ts';
import { PAGE_QUERY } from './page.ts';

export const TAG_CHAPTER = 'Tags';

/** Each row is read with five others: more of them would keep other requests waiting. */
const LONGEST_PAGE = 200;

export const PAGE = {
  ...PAGE_QUERY,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(LONGEST_PAGE)
    .default(100)
    .openapi({ description: 'Entries of a page.' }),
};

/** For the parameters of an endpoint. */
export const TAG = z
  .string()
  .refine((text): text is Tag => isTag(text), { error: 'is not a tag' })
  .openapi({ type: 'string', description: 'A tag.', example: 'v1' });

export const DIGEST = z
  .string()
  .refine((text): text is Digest => isDigest(text), { error: 'is not a digest' })
  .openapi({ type: 'string', description: 'A digest.', example: `sha256:${'0'.repeat(64)}` });

export const WHO = {
  actor: z
    .string()
    .nullable()
    .openapi({ description: 'Who moved it; null to nobody in particular.' }),
  principal: z.string().nullable().openapi({ example: 'user:12' }),
  credential: z
    .string()
    .nullable()
    .openapi({ description: 'Kind of the credential: `password`, `access-token`, `session`.' }),
  cause: z.string().openapi({
    description:
      '`push`, `delete-tag`, `delete-manifest`, `rollback`, `restore`, `retention`, `undo`, `copy` or `replication`.',
  }),
  plan: z.int().nullable().openapi({ description: 'The plan that it was part of.' }),
};

interface Doer {
  readonly actor: string;
  readonly principal: string;
  readonly credential: string;
}

/** People are named to those who signed in. Which credential of theirs it was, is for the audit log. */
export function whoFor(call: ApiCall, { actor, principal, credential }: Doer) {
  if (call.isNobody) return { actor: null, principal: null, credential: null };
  return {
    actor,
    principal: principal || null,
    credential: credential.split(':', 1)[0] || null,
  };
}

/** Whose right to pull is limited to some tags sees only those. */
export async function readable<T>(
  call: ApiCall,
  rows: readonly T[],
  { path, tagOf }: { path: string; tagOf(row: T): string },
): Promise<readonly T[]> {
  if (await call.may({ action: 'pull', path, everyTag: true })) return rows;
  const shown: T[] = [];
  for (const row of rows) {
    if (await call.may({ action: 'pull', path, tag: tagOf(row) })) shown.push(row);
  }
  return shown;
}
