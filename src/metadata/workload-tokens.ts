// Identity tokens of pipelines that were seen before: their rows follow the trust policy that vouches for
// them now.
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

const renew = statement<{ id: number; policy: number; epoch: number; claims: string }>()((q, p) =>
  q
    .updateTable('access_tokens')
    .set({ owner_id: p.policy, owner_epoch: p.epoch, claims: p.claims })
    .where('id', '=', p.id)
    .where('owner_kind', '=', 'workload')
    .where((e) =>
      e.or([
        e('owner_id', '<>', p.policy),
        e('owner_epoch', '<>', p.epoch),
        e('claims', '<>', p.claims),
      ]),
    ),
);

/** @returns whether anything is different now. */
export async function renewWorkloadToken(
  tx: Transaction,
  token: { id: number; policy: number; epoch: number; claims: string },
): Promise<boolean> {
  return (await tx.run(renew, token)) > 0;
}
