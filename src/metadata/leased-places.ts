// Whether somebody says that anything at a path is in use.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const onPlace = statement<{ path: string; below: string; before: string; now: number }>()((q, p) =>
  q
    .selectFrom('leases as l')
    .innerJoin('lease_items as i', 'i.lease_id', 'l.id')
    .innerJoin('repositories as r', 'r.id', 'i.repository_id')
    .innerJoin('blobs as b', 'b.id', 'i.blob_id')
    .select(['l.name', 'l.actor', 'l.expires_at as expiresAt'])
    .select(['r.name as repository', 'b.digest'])
    .where('l.expires_at', '>', p.now)
    .where((e) =>
      e.or([
        e('r.name', '=', p.path),
        e.and([e('r.name', '>=', p.below), e('r.name', '<', p.before)]),
      ]),
    )
    .orderBy('l.expires_at', 'desc')
    .limit(1),
);

export interface PlaceLease {
  readonly name: string;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly repository: string;
  readonly digest: Digest;
}

/** The lease that lasts longest. */
export async function leaseOnPlace(
  tx: Transaction | (Sql & { now(): Promise<number> }),
  { path, isWhole }: { path: string; isWhole: boolean },
): Promise<PlaceLease | undefined> {
  const range = isWhole ? pathRange(path) : { path, below: path, before: path };
  const row = await tx.first(onPlace, { ...range, now: await tx.now() });
  return row && { ...row, digest: digestFromBytes(row.digest) };
}
