// A request of `/v2/` whose sender is known, as its handlers see it.
import type { Question } from '../../access/decide.ts';
import type { Visible } from '../../access/visible.ts';
import type { Actor } from '../../metadata/audit.ts';
import type { Caller } from '../access/caller.ts';
import { actorOf, type Gate } from '../access/gate.ts';
import type { Incoming } from '../incoming.ts';

export interface V2Request extends Incoming {
  readonly caller: Caller;
  /** For histories and the audit log; worked out when it is asked for. */
  actor(): Actor;
  /** Besides what the request as a whole was allowed: another repository, another tag. */
  may(question: Question): Promise<boolean>;
  visible(): Promise<Visible>;
}

export function v2Request(incoming: Incoming, caller: Caller, gate: Gate): V2Request {
  return {
    ...incoming,
    caller,
    actor: () => actorOf(incoming, caller),
    may: (question) => gate.may(incoming, caller, question),
    visible: () => gate.visible(incoming, caller),
  };
}
