// When people, robots and trust policies were last seen: written in batches, and no act of anybody.
import { relaxed } from '../../metadata/command.ts';
import { noteRobotSeen } from '../../metadata/robots.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { noteTrustPolicyUsed } from '../../metadata/trust-policies.ts';
import { noteUserSeen } from '../../metadata/users.ts';

export interface Seen {
  readonly kind: 'user' | 'robot' | 'workload';
  /** Of a workload: its trust policy. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export function seenCommands() {
  return { noteSeen: relaxed(noteSeen) };
}

const WRITERS = { user: noteUserSeen, robot: noteRobotSeen, workload: noteTrustPolicyUsed };

async function noteSeen(tx: Transaction, seen: readonly Seen[]): Promise<void> {
  // In one order, so that two nodes that write at once never wait for each other in a circle.
  const sorted = [...seen].sort((a, b) => a.kind.localeCompare(b.kind) || a.id - b.id);
  for (const { kind, id, at } of sorted) await WRITERS[kind](tx, { id, at });
}
