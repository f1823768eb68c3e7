// What the suite of old moves does to a database besides what the program does: it makes things old.
import type { Command } from '../../metadata/command.ts';
import { synced } from '../../metadata/command.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { planSuiteCommands } from '../plans/suite-plans.ts';

const dateMove = statement<{ tag: number; sequence: number; at: number }>()((q, p) =>
  q
    .updateTable('tag_events')
    .set({ at: p.at })
    .where('tag_id', '=', p.tag)
    .where('sequence', '=', p.sequence),
);

const dateReleases = statement<{ repository: number; at: number }>()((q, p) =>
  q
    .updateTable('manifests')
    .set({ released_at: p.at })
    .where('repository_id', '=', p.repository)
    .where('released_at', 'is not', null),
);

const dateDeletions = statement<{ repository: number; at: number }>()((q, p) =>
  q
    .updateTable('manifests')
    .set({ deleted_at: p.at })
    .where('repository_id', '=', p.repository)
    .where('deleted_at', 'is not', null),
);

const moves = statement<{ tag: number }>()((q, p) =>
  q
    .selectFrom('tag_events')
    .select(['sequence', 'at'])
    .where('tag_id', '=', p.tag)
    .orderBy('sequence'),
);

export function oldEventSuiteCommands() {
  return {
    ...planSuiteCommands(),
    dateMove: synced((tx: Transaction, move: { tag: number; sequence: number; at: number }) =>
      tx.run(dateMove, move),
    ),
    /** When what is let go of or deleted now was so. */
    dateGone: synced(async (tx: Transaction, gone: { repository: number; at: number }) => {
      await tx.run(dateReleases, gone);
      await tx.run(dateDeletions, gone);
    }),
  } satisfies Record<string, Command<never, unknown>>;
}

/** Every move of a tag that is kept, the oldest first. */
export function movesOf(sql: Sql, tag: number): Promise<{ sequence: number; at: number }[]> {
  return sql.all(moves, { tag });
}
