// What happened, for those who want to know later: webhooks, scans, replication. A row is written in
// the transaction of the event itself, so that none is lost and none is told that did not happen.
import type { Digest } from '../oci/digest.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type OutboxEvent =
  | { readonly kind: 'push'; readonly digest: Digest; readonly mediaType: string }
  | {
      readonly kind: 'tag';
      readonly tag: string;
      readonly from: Digest | undefined;
      readonly to: Digest | undefined;
    }
  | { readonly kind: 'delete-manifest'; readonly digest: Digest }
  | { readonly kind: 'delete-blob'; readonly digest: Digest }
  /** Manifests went before their time: history and trash took too much of the disk. */
  | { readonly kind: 'trash-shortened'; readonly manifests: number; readonly until: number }
  /** `name`: what it was called. */
  | { readonly kind: 'delete-repository'; readonly name: string }
  | { readonly kind: 'restore-repository'; readonly name: string }
  /** It was called `from`. */
  | { readonly kind: 'rename-repository'; readonly from: string; readonly to: string }
  /** A push has crossed a soft limit. */
  | {
      readonly kind: 'quota-warning';
      readonly path: string;
      readonly resource: string;
      readonly limit: number;
      readonly used: number;
    };

const insertEvent = statement<{ kind: string; repository: number; detail: string; now: number }>()(
  (q, p) =>
    q.insertInto('outbox').values({
      kind: p.kind,
      repository_id: p.repository,
      detail: p.detail,
      state: 'waiting',
      created_at: p.now,
    }),
);

/** Looks at the oldest rows only: rows are numbered in the order of their making, give or take a commit. */
const deleteOldest = statement<{ before: number; limit: number }>()((q, p) =>
  q.deleteFrom('outbox').where('id', 'in', (e) =>
    e
      .selectFrom(
        e
          .selectFrom('outbox')
          .select(['id', 'created_at'])
          .orderBy('id')
          .limit(p.limit)
          .as('oldest'),
      )
      .select('oldest.id')
      .where('oldest.created_at', '<', p.before),
  ),
);

export async function announce(
  tx: Transaction,
  event: OutboxEvent & { repository: RepositoryId; actor: string },
): Promise<void> {
  const { kind, repository, ...detail } = event;
  await tx.run(insertEvent, {
    kind,
    repository,
    detail: JSON.stringify(detail),
    now: await tx.now(),
  });
}

/** Forgets events from before `before` (ms), at most `limit` of them. @returns how many. */
export async function trimOutbox(
  tx: Transaction,
  trim: { before: number; limit: number },
): Promise<number> {
  return tx.run(deleteOldest, trim);
}
