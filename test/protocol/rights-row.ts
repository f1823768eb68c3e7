// What each kind of caller gets of the management API, and how it is written down. Codes are in the order
// of CALLERS: nobody, stranger, member, robot, pull token, manage token, owner, administrator. `403w`: admitted,
// and refused for the wrong code that was sent.
import type { World } from './api-world.ts';

interface Asked {
  readonly path?: string;
  readonly body?: unknown;
}

export interface RightsRow {
  /** Method and pattern, as in the table of endpoints. */
  readonly endpoint: string;
  /** What is asked anew for each caller; what it is about is made first. */
  readonly ask: (world: World) => Asked | Promise<Asked>;
  readonly codes: string;
}

export function row(
  endpoint: string,
  codes: string,
  ask: RightsRow['ask'] = () => ({}),
): RightsRow {
  return { endpoint, codes, ask };
}

export const EVERYBODY = '200 200 200 200 200 200 200 200';
export const SIGNED_IN = '401 200 200 200 200 200 200 200';
export const administrator = (code: number) => `401 403 403 403 403 403 403 ${code}`;
/** One's own account: with a password or a session, or a token that may manage it. */
export const own = (code: number | string) => `401 ${code} ${code} 403 403 403 ${code} ${code}`;
/** What is found by its number: to whoever may not it does not exist. */
export const managers = (code: number) => `401 404 404 404 404 ${code} ${code} ${code}`;
/** At acme, which alice's token that pulls may see. */
export const atAcme = (code: number) => `401 404 404 404 403 ${code} ${code} ${code}`;
/** At acme/app, which bob and the robot may see too. */
export const atApp = (code: number) => `401 404 403 403 403 ${code} ${code} ${code}`;
/** Of the organisation, which bob is a member of. */
export const members = '401 404 200 404 404 200 200 200';
export const owners = (code: number) => `401 404 403 404 404 ${code} ${code} ${code}`;
