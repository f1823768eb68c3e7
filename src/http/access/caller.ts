// Who sent a request, and what that entitles them to today.
import type { Standing } from '../../access/decide.ts';
import { ANONYMOUS, NO_CREDENTIAL } from '../../access/principal.ts';
import { NOBODY } from '../../access/read-standing.ts';
import type { Identity } from '../../access/standing.ts';
import type { BearerToken } from '../../access/tokens/bearer.ts';

export interface Caller {
  /** How they showed who they are. `nothing`: no credentials at all, so a challenge may follow. */
  readonly shown: 'nothing' | 'bearer' | 'basic' | 'session';
  readonly identity: Identity;
  readonly standing: Standing;
  /** What a bearer token was given for; undefined = no limit but those of the standing. */
  readonly bearer: BearerToken | undefined;
}

/** Of a request without credentials, or where they are not looked at. */
export const UNKNOWN_CALLER: Caller = {
  shown: 'nothing',
  identity: { principal: ANONYMOUS, credential: NO_CREDENTIAL, epoch: 0 },
  standing: NOBODY,
  bearer: undefined,
};
