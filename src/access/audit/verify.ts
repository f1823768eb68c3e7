// Verifies the audit log: walks the chain from the anchor, computes each hash again, and says where it breaks.
//
// It finds an event that was changed, removed, put in between or moved, a tail that was cut off, and rows
// outside the chain. It cannot find what somebody did who may write the whole database and made all hashes
// anew: for that, keep the number and hash of the end somewhere else, and give them as `expected`.
import { setImmediate } from 'node:timers/promises';
import {
  type AuditChain,
  type ChainPlace,
  readChain,
  readFirstNumber,
  readLastNumber,
  readSealed,
  readUnsealedTail,
} from '../../metadata/audit-chain.ts';
import type { AuditEvent } from '../../metadata/audit-events.ts';
import type { Sql } from '../../metadata/sql.ts';
import { hashEvent } from './event-hash.ts';

export interface VerifyOptions {
  /** A place of the chain that was kept elsewhere: the log must still have it. */
  readonly expected?: ChainPlace;
  /** Events in one read. Default: 500. */
  readonly page?: number;
}

export interface ChainBreak {
  /** The first number at which the log is not what was sealed. */
  readonly sequence: number;
  /** The row's id, when there is a row. */
  readonly id: number | undefined;
  readonly kind: 'changed' | 'removed' | 'inserted' | 'cut' | 'unexpected';
  /** A sentence for a person. */
  readonly reason: string;
}

export interface Verification {
  /** Events whose hash was found right. */
  readonly verified: number;
  /** Where the walk began, and the last place that is good. */
  readonly anchor: ChainPlace;
  readonly end: ChainPlace;
  /** The first one; undefined: the chain is whole. */
  readonly broken: ChainBreak | undefined;
  /** Events that are not in the chain yet, and so are not protected by it. */
  readonly unsealed: { readonly count: number; readonly oldestAt: number | undefined };
  /** What became of `expected`. `pruned`: it lies before the anchor and cannot be compared. */
  readonly expected: 'none' | 'found' | 'pruned' | 'missing';
}

const PAGE = 500;

interface Walk {
  place: ChainPlace;
  verified: number;
  readonly wanted: ChainPlace | undefined;
  expected: Verification['expected'];
}

export async function verifyAudit(sql: Sql, options: VerifyOptions = {}): Promise<Verification> {
  const { expected: wanted, page = PAGE } = options;
  // Before the chain: the number of an event never runs ahead of an end that is read later.
  const highest = await readLastNumber(sql);
  const chain = await readChain(sql);
  const walk: Walk = { place: chain.anchor, verified: 0, wanted, expected: 'none' };
  if (wanted !== undefined) walk.expected = 'missing';
  const broken =
    (await belowAnchor(sql, chain)) ??
    jumpTo(walk, chain.anchor) ??
    (await walkChain(sql, { end: chain.end, walk, page })) ??
    beyondEnd(chain, highest) ??
    missingExpected(walk, chain.end);
  const { anchor } = chain;
  const unsealed = await readUnsealedTail(sql);
  const { verified, place, expected } = walk;
  return { verified, anchor, end: place, broken, unsealed, expected };
}

async function belowAnchor(sql: Sql, { anchor }: AuditChain): Promise<ChainBreak | undefined> {
  const lowest = await readFirstNumber(sql);
  if (lowest === undefined || lowest > anchor.sequence) return undefined;
  const reason = `There is an event ${lowest}, but all up to ${anchor.sequence} were pruned.`;
  return { sequence: lowest, id: undefined, kind: 'inserted', reason };
}

function beyondEnd({ end }: AuditChain, highest: number | undefined): ChainBreak | undefined {
  if (highest === undefined || highest <= end.sequence) return undefined;
  const reason = `There is an event ${highest}, but the chain ends at ${end.sequence}.`;
  return { sequence: end.sequence + 1, id: undefined, kind: 'inserted', reason };
}

interface Bounds {
  readonly end: ChainPlace;
  readonly walk: Walk;
  readonly page: number;
}

async function walkChain(sql: Sql, bounds: Bounds): Promise<ChainBreak | undefined> {
  const { end, walk, page } = bounds;
  while (walk.place.sequence < end.sequence) {
    const events = await readSealed(sql, { after: walk.place.sequence, limit: page });
    const broken = checkPage(events, bounds);
    if (broken !== undefined) {
      // Pruning may have overtaken the walk: then what is missing is missing by right.
      const { anchor } = await readChain(sql);
      if (anchor.sequence <= walk.place.sequence) return broken;
      const unexpected = jumpTo(walk, anchor);
      if (unexpected !== undefined) return unexpected;
    }
    // SQLite answers without a turn of the event loop, and requests must have theirs.
    await setImmediate();
  }
  if (walk.place.sequence > end.sequence || isSame(walk.place.hash, end.hash)) return undefined;
  const reason = `The end of the chain was changed: its hash is not that of event ${end.sequence}.`;
  return { sequence: end.sequence, id: undefined, kind: 'changed', reason };
}

function checkPage(events: readonly AuditEvent[], { end, walk }: Bounds): ChainBreak | undefined {
  for (const event of events) {
    if (walk.place.sequence >= end.sequence) return undefined;
    const broken = checkEvent(event, walk);
    if (broken !== undefined) return broken;
  }
  if (events.length > 0) return undefined;
  const sequence = walk.place.sequence + 1;
  const reason = `The end was cut off: the chain goes to event ${end.sequence}, and from ${sequence} on there is none.`;
  return { sequence, id: undefined, kind: 'cut', reason };
}

function checkEvent(event: AuditEvent, walk: Walk): ChainBreak | undefined {
  const before = walk.place;
  const sequence = before.sequence + 1;
  if (event.sequence !== sequence) {
    const reason = `Event ${sequence} was removed: after ${before.sequence} comes ${event.sequence}.`;
    return { sequence, id: undefined, kind: 'removed', reason };
  }
  const hash = hashEvent(before.hash, { ...event, sequence });
  if (event.hash === undefined || !isSame(hash, event.hash)) {
    const reason = `Event ${sequence} (id ${event.id}) is not what was sealed: it was changed, or put in the place of another.`;
    return { sequence, id: event.id, kind: 'changed', reason };
  }
  walk.verified += 1;
  return stepTo(walk, { sequence, hash });
}

/** Goes on from a place of the chain, and compares it with the one that is expected there. */
function stepTo(walk: Walk, place: ChainPlace): ChainBreak | undefined {
  const { wanted } = walk;
  walk.place = place;
  if (wanted?.sequence !== place.sequence) return undefined;
  if (isSame(wanted.hash, place.hash)) {
    walk.expected = 'found';
    return undefined;
  }
  const reason = `Event ${place.sequence} has another hash than the one that was kept elsewhere: the log was made anew.`;
  return { sequence: place.sequence, id: undefined, kind: 'unexpected', reason };
}

/** The same for an anchor: what lies before it cannot be compared any more. */
function jumpTo(walk: Walk, anchor: ChainPlace): ChainBreak | undefined {
  const { wanted, expected } = walk;
  if (wanted !== undefined && expected === 'missing' && wanted.sequence < anchor.sequence) {
    walk.expected = 'pruned';
  }
  return stepTo(walk, anchor);
}

function missingExpected({ wanted, expected }: Walk, end: ChainPlace): ChainBreak | undefined {
  if (wanted === undefined || expected !== 'missing') return undefined;
  const reason = `The chain ends at ${end.sequence}, before event ${wanted.sequence} that was kept elsewhere.`;
  return { sequence: end.sequence + 1, id: undefined, kind: 'cut', reason };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
