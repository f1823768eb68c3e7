// A request of `/v2/` whose sender is known, as its handlers see it.
import type { Question } from '../../access/decide.ts';
import type { Visible } from '../../access/visible.ts';
import type { Actor } from '../../metadata/audit.ts';
import type { Caller } from '../access/caller.ts';
import { actorOf, type Gate } from '../access/gate.ts';
import type { Incoming } from '../incoming.ts';
import type { RequestBody } from '../request-body.ts';

/** One is made for every request, so it has fields of one shape, and methods instead of functions of its own. */
export class V2Request implements Incoming {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: RequestBody;
  readonly caller: Caller;
  readonly #incoming: Incoming;
  readonly #gate: Gate;

  constructor(incoming: Incoming, { caller, gate }: { caller: Caller; gate: Gate }) {
    this.id = incoming.id;
    this.method = incoming.method;
    this.target = incoming.target;
    this.path = incoming.path;
    this.query = incoming.query;
    this.headers = incoming.headers;
    this.body = incoming.body;
    this.caller = caller;
    this.#incoming = incoming;
    this.#gate = gate;
  }

  client(): string {
    return this.#incoming.client();
  }

  origin(): string {
    return this.#incoming.origin();
  }

  /** For histories and the audit log; worked out when it is asked for. */
  actor(): Actor {
    return actorOf(this.#incoming, this.caller);
  }

  /** Besides what the request as a whole was allowed: another repository, another tag. */
  may(question: Question): Promise<boolean> {
    return this.#gate.may(this.#incoming, this.caller, question);
  }

  visible(): Promise<Visible> {
    return this.#gate.visible(this.#incoming, this.caller);
  }
}
