// How long a browser stays signed in.

const DAY_MS = 24 * 60 * 60_000;

export interface SessionTimes {
  /** Without use. */
  readonly idleMs: number;
  /** At most, and never more than SESSION_LIFE_MS: so long the browser keeps the cookie. */
  readonly lifeMs: number;
}

/** Unless an administrator wants less: what a person expects of a page that they work with. */
export const SESSION_IDLE_MS = 7 * DAY_MS;
export const SESSION_LIFE_MS = 30 * DAY_MS;
