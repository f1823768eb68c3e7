// The audit log: who did what, in the transaction in which it was done, so that none is missing and none
// is told that did not happen. Rows are only added; the sealer numbers and chains them later.
import { sql as raw } from 'kysely';
import type { Outcome } from './access-schema.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** Who acts, as a request knows it: plain data, handed to commands. */
export interface Actor {
  readonly name: string;
  /** Such as `user:12`, `anonymous`, `system`. */
  readonly principal: string;
  /** Such as `access-token:34`, `password`; '' for none. */
  readonly credential: string;
  readonly address: string;
  /** The client's User-Agent. */
  readonly client: string;
  readonly requestId: string;
}

/** The registry itself, in its jobs and at its start. */
export const SYSTEM: Actor = {
  name: 'entrepot',
  principal: 'system',
  credential: '',
  address: '',
  client: '',
  requestId: '',
};

export interface Act {
  readonly actor: Actor;
  /** Noun and verb: `user.create`, `grant.add`, `manifest.push`, `tag.delete`, `sign-in`. */
  readonly action: string;
  /** What it was done to, as a person names it: `team/app:v1`, `user alice`. */
  readonly target: string;
  /** Default: done. */
  readonly outcome?: Outcome;
  /** What else there is to know; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

interface EventParameters {
  /** SQLite only: PostgreSQL reads its clock in the same statement. */
  now: number;
  /** Milliseconds since it happened. */
  ago: number;
  actor: string;
  principal: string;
  credential: string;
  action: string;
  target: string;
  outcome: string;
  address: string;
  client: string;
  requestId: string;
  detail: string;
}

/** One statement on both engines: an act costs what it belongs to one insert and nothing else. */
const insertEvent = statement<EventParameters>()((q, p, engine) =>
  q.insertInto('audit_events').values({
    sequence: null,
    hash: null,
    at:
      engine === 'postgres'
        ? raw<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint - ${p.ago}::bigint`
        : raw<number>`${p.now} - ${p.ago}`,
    actor: p.actor,
    principal: p.principal,
    credential: p.credential,
    action: p.action,
    target: p.target,
    outcome: p.outcome as Outcome,
    address: p.address,
    client: p.client,
    request_id: p.requestId,
    detail: p.detail,
  }),
);

/** Longest text of a column that is kept: a request's own is bounded by its head only. */
const LONGEST_TEXT = 512;
/** Longest detail that is kept, in characters of JSON: many are read at once, to be sealed or shown. */
const LONGEST_DETAIL = 16_384;

export function recordAct(tx: Transaction, act: Act): Promise<void> {
  return recordEarlierAct(tx, act, 0);
}

/** An act of `agoMs` milliseconds ago, which waited to be written. */
export async function recordEarlierAct(tx: Transaction, act: Act, agoMs: number): Promise<void> {
  const { actor, action, target, outcome = 'done', detail = {} } = act;
  const json = JSON.stringify(detail);
  await tx.run(insertEvent, {
    now: tx.engine === 'sqlite' ? await tx.now() : 0,
    ago: Math.max(0, Math.round(agoMs)),
    actor: storable(actor.name),
    principal: storable(actor.principal),
    credential: storable(actor.credential),
    action: storable(action),
    target: storable(target),
    outcome,
    address: storable(actor.address),
    client: storable(actor.client),
    requestId: storable(actor.requestId),
    detail: json.length > LONGEST_DETAIL ? JSON.stringify({ leftOut: json.length }) : json,
  });
}

/** PostgreSQL stores no NUL, and a name that somebody types may have one: it must not stop the record. */
function storable(text: string): string {
  return text.slice(0, LONGEST_TEXT).replaceAll('\0', '\ufffd').toWellFormed();
}
