// What trust policies give when their path gets another name: they name what lies below it by its full name.
import { pathRange } from './path-range.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

const within = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select(['id', 'grants'])
    .where((e) =>
      e.or([e('path', '=', p.path), e.and([e('path', '>=', p.below), e('path', '<', p.before)])]),
    ),
);

const setGrants = statement<{ id: number; grants: string }>()((q, p) =>
  q.updateTable('trust_policies').set({ grants: p.grants }).where('id', '=', p.id),
);

interface PolicyGrant {
  readonly names: readonly string[];
}

/** Of the policies that lie at `to` by now. */
export async function renamePolicyGrants(
  tx: Transaction,
  { from, to }: { from: string; to: string },
): Promise<void> {
  for (const { id, grants } of await tx.all(within, pathRange(to))) {
    const moved = (JSON.parse(grants) as PolicyGrant[]).map((grant) => ({
      ...grant,
      names: grant.names.map((name) => renamed(name, { from, to })),
    }));
    const text = JSON.stringify(moved);
    if (text !== grants) await tx.run(setGrants, { id, grants: text });
  }
}

function renamed(name: string, { from, to }: { from: string; to: string }): string {
  const isBelow = name === from || name.startsWith(`${from}/`);
  return isBelow ? `${to}${name.slice(from.length)}` : name;
}
