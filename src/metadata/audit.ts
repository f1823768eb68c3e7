// The audit log: who did what, in the transaction in which it was done, so that none is missing and none
// is told that did not happen. Rows are only added; the sealer numbers and chains them later.
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
  at: number;
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

const insertEvent = statement<EventParameters>()((q, p) =>
  q.insertInto('audit_events').values({
    sequence: null,
    hash: null,
    at: p.at,
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

/** Longest text of a client or target that is kept: a request's own is bounded by its head only. */
const LONGEST_TEXT = 512;

export async function recordAct(tx: Transaction, act: Act): Promise<void> {
  const { actor, action, target, outcome = 'done', detail = {} } = act;
  await tx.run(insertEvent, {
    at: await tx.now(),
    actor: actor.name,
    principal: actor.principal,
    credential: actor.credential,
    action,
    target: target.slice(0, LONGEST_TEXT),
    outcome,
    address: actor.address,
    client: actor.client.slice(0, LONGEST_TEXT),
    requestId: actor.requestId,
    detail: JSON.stringify(detail),
  });
}
