// The transactions of the audit log itself: sealing, pruning, and what is written together.
import { type Act, recordAct, recordEarlierAct, SYSTEM } from '../../metadata/audit.ts';
import {
  appendToChain,
  type ChainPlace,
  cutBeginning,
  lockChain,
  nextUnsealed,
} from '../../metadata/audit-chain.ts';
import { type Command, relaxed, synced } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { hashEvent } from './event-hash.ts';

/** Numbers and chains the oldest unsealed events, at most `limit`. @returns how many. */
async function sealAudit(tx: Transaction, { limit }: { limit: number }): Promise<number> {
  // The lock first: what is read after it was not sealed by anybody else meanwhile.
  const { end } = await lockChain(tx);
  const events = await nextUnsealed(tx, limit);
  let last: ChainPlace = end;
  const sealed = events.map((event) => {
    const sequence = last.sequence + 1;
    last = { sequence, hash: hashEvent(last.hash, { ...event, sequence }) };
    return { id: event.id, ...last };
  });
  await appendToChain(tx, sealed);
  return sealed.length;
}

export interface PruneAudit {
  /** Events from before go, milliseconds since 1970. */
  readonly before: number;
  readonly limit: number;
}

/** Takes the oldest sealed events away, and leaves the anchor from which the rest is verified. */
async function pruneAudit(tx: Transaction, { before, limit }: PruneAudit): Promise<number> {
  const { anchor } = await lockChain(tx);
  const cut = await cutBeginning(tx, { anchor, before, limit });
  if (cut === undefined) return 0;
  await recordAct(tx, {
    actor: SYSTEM,
    action: 'audit.prune',
    target: `audit events ${anchor.sequence + 1} to ${cut.anchor.sequence}`,
    detail: {
      count: cut.count,
      before: new Date(before).toISOString(),
      lastHash: Buffer.from(cut.anchor.hash).toString('hex'),
    },
  });
  return cut.count;
}

export interface RecordRefusals {
  /** Each with the milliseconds that it waited. */
  readonly refusals: readonly { readonly act: Act; readonly agoMs: number }[];
  /** Those there was no room for, by action. */
  readonly more: Readonly<Record<string, number>>;
}

async function recordRefusals(tx: Transaction, { refusals, more }: RecordRefusals): Promise<void> {
  for (const { act, agoMs } of refusals) {
    await recordEarlierAct(tx, { outcome: 'refused', ...act }, agoMs);
  }
  const count = Object.values(more).reduce((sum, one) => sum + one, 0);
  if (count === 0) return;
  await recordAct(tx, {
    actor: SYSTEM,
    action: 'audit.merge-refusals',
    target: `and ${count} more`,
    outcome: 'refused',
    detail: { actions: more },
  });
}

export interface RecordPulls {
  /** Each with the milliseconds that it waited. */
  readonly pulls: readonly (Pick<Act, 'actor' | 'target'> & {
    readonly digest: string;
    readonly agoMs: number;
  })[];
  /** How many there was no room for. */
  readonly more: number;
}

async function recordPulls(tx: Transaction, { pulls, more }: RecordPulls): Promise<void> {
  for (const { actor, target, digest, agoMs } of pulls) {
    const act = { actor, action: 'manifest.pull', target, detail: { digest } };
    await recordEarlierAct(tx, act, agoMs);
  }
  if (more === 0) return;
  const target = `and ${more} more`;
  await recordAct(tx, { actor: SYSTEM, action: 'audit.merge-pulls', target, detail: { more } });
}

/**
 * Sealing is synced: somebody may keep the hash of the end elsewhere, and after a power cut it must still
 * be the one. Refusals and pulls are relaxed: they come in floods, and nothing was changed by them.
 */
export function auditCommands() {
  return {
    sealAudit: synced(sealAudit),
    pruneAudit: synced(pruneAudit),
    recordRefusals: relaxed(recordRefusals),
    recordPulls: relaxed(recordPulls),
  } satisfies Record<string, Command<never, unknown>>;
}

export type AuditCommands = ReturnType<typeof auditCommands>;
