// Who sent a request, and what that entitles them to today.
import type { Standing } from '../../access/decide.ts';
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
