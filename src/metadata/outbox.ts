// What happened, for those who want to know later: webhooks, scans, replication. A row is written in
// the transaction of the event itself, so that none is lost and none is told that did not happen.
import type { Digest } from '../oci/digest.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { TagCause } from './tags.ts';

export type OutboxEvent =
  | { readonly kind: 'push'; readonly digest: Digest; readonly mediaType: string }
  | {
      readonly kind: 'tag';
      readonly tag: string;
      readonly from: Digest | undefined;
      readonly to: Digest | undefined;
      readonly cause: TagCause;
      /** The plan that it is part of. */
      readonly plan?: number | undefined;
    }
  | { readonly kind: 'delete-manifest'; readonly digest: Digest }
  | { readonly kind: 'delete-blob'; readonly digest: Digest }
  /** Out of the trash. */
  | { readonly kind: 'restore-manifest'; readonly digest: Digest }
  | { readonly kind: 'restore-blob'; readonly digest: Digest }
  /** Manifests went before their time: history and trash took too much of the disk. */
  | { readonly kind: 'trash-shortened'; readonly manifests: number; readonly until: number }
  /** `name`: what it was called. */
  | { readonly kind: 'delete-repository'; readonly name: string }
  | { readonly kind: 'restore-repository'; readonly name: string }
  /** It was called `from`. */
  | { readonly kind: 'rename-repository'; readonly from: string; readonly to: string }
  /** Of a namespace: one event for all that lies in it, told of the first of its repositories. */
  | { readonly kind: 'delete-namespace'; readonly name: string; readonly repositories: number }
  | { readonly kind: 'restore-namespace'; readonly name: string; readonly repositories: number }
  | {
      readonly kind: 'rename-namespace';
      readonly from: string;
      readonly to: string;
      readonly repositories: number;
    }
  /** Stored bytes are gone or altered. `images`: those of the repository that need them, some of very many. */
  | {
      readonly kind: 'damage';
      readonly digest: Digest;
      readonly damage: 'missing' | 'altered';
      /** `whole`: other bytes of it were good, so nothing is lost. */
      readonly state: 'absent' | 'whole';
      readonly images: readonly { readonly digest: Digest; readonly tags: readonly string[] }[];
    }
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
