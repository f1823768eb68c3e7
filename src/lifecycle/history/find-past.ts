// Where somebody wants a tag to return to: a digest of its history, a place in it, steps back, an instant.
import type { Sql } from '../../metadata/sql.ts';
import {
  firstKeptMove,
  lastMoveTo,
  type PastTag,
  type PresentTag,
  tagAfterMove,
  tagAtInstant,
} from '../../metadata/tags-at.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';

export type WayBack =
  | { readonly kind: 'digest'; readonly digest: Digest }
  /** The state after that move of its history. */
  | { readonly kind: 'move'; readonly sequence: number }
  /** 1: the state before its last move. */
  | { readonly kind: 'steps'; readonly count: number }
  /** Milliseconds since 1970. */
  | { readonly kind: 'instant'; readonly at: number };

export type PastDigest = PastTag & { readonly digest: Digest };

/** @throws RegistryError NOT_FOUND for what its history does not have; CONFLICT where there was no tag. */
export async function findPast(
  sql: Sql,
  { tag, name, way }: { tag: PresentTag; name: string; way: WayBack },
): Promise<PastDigest> {
  const past = await readPast(sql, tag, way);
  const { digest } = past;
  if (digest !== undefined) return { ...past, digest };
  if (await isForgotten(sql, { tag, past, way })) {
    const first = await firstKeptMove(sql, tag.id);
    const since = first && `move ${first.sequence}, of ${new Date(first.at).toISOString()}`;
    throw new RegistryError(
      'NOT_FOUND',
      `The history of the tag "${name}" goes back to ${since}: what it was before is forgotten. To point it to a digest that you know, set it: entrepot tag set, or PUT …/tags/${name}.`,
    );
  }
  if (way.kind === 'digest') {
    throw new RegistryError(
      'NOT_FOUND',
      `The tag "${name}" never pointed to ${way.digest}. To point it there all the same, set it: entrepot tag set, or PUT …/tags/${name}.`,
    );
  }
  if (way.kind === 'move' && (way.sequence > tag.sequence || way.sequence < 0)) {
    throw new RegistryError(
      'NOT_FOUND',
      `The history of the tag "${name}" has no move ${way.sequence}: it has moved ${tag.sequence} times.`,
    );
  }
  throw new RegistryError(
    'CONFLICT',
    `There was no tag "${name}" at that point. To go back to that, delete the tag.`,
  );
}

/** Whether the answer would be in events that are not kept any more. */
async function isForgotten(
  sql: Sql,
  { tag, past, way }: { tag: PresentTag; past: PastTag; way: WayBack },
): Promise<boolean> {
  if (past.sequence > 0) return false;
  // Before its first move there was no tag.
  if (way.kind === 'move' && way.sequence <= 0) return false;
  if (way.kind === 'steps' && way.count >= tag.sequence) return false;
  const first = await firstKeptMove(sql, tag.id);
  return (first?.sequence ?? 1) > 1 && !(way.kind === 'move' && way.sequence > tag.sequence);
}

/** Also what it pointed to before the first move that is kept. */
async function lastTimeAt(sql: Sql, tag: number, digest: Digest): Promise<PastTag> {
  const past = await lastMoveTo(sql, { tag, digest });
  if (past.sequence > 0) return past;
  const first = await firstKeptMove(sql, tag);
  const before = await tagAfterMove(sql, { tag, sequence: (first?.sequence ?? 0) - 1 });
  return before.digest === digest ? before : past;
}

async function readPast(sql: Sql, { id: tag, sequence }: PresentTag, way: WayBack) {
  switch (way.kind) {
    case 'digest':
      return lastTimeAt(sql, tag, way.digest);
    case 'move':
      return tagAfterMove(sql, { tag, sequence: way.sequence });
    case 'steps':
      return tagAfterMove(sql, { tag, sequence: sequence - way.count });
    case 'instant':
      return tagAtInstant(sql, { tag, at: way.at });
  }
}
