// Who somebody is today, and whether what they proved still counts: read from the database each time, and
// remembered by standing.ts.
import {
  type RightRow,
  readPolicyFacts,
  readRobotFacts,
  readSessionFacts,
  readTokenFacts,
  readUserFacts,
  type TokenFacts,
} from '../metadata/access-facts.ts';
import { readRefreshToken } from '../metadata/refresh-tokens.ts';
import type { Sql } from '../metadata/sql.ts';
import { type Action, isBuiltInRole, ROLES } from './action.ts';
import type { Condition } from './condition.ts';
import type { Right, Scope, Standing } from './decide.ts';
import {
  parseRecordedClaims,
  type RecordedClaims,
  resolvePolicy,
} from './keyless/policy-scopes.ts';
import { ANONYMOUS, type Credential, type Principal } from './principal.ts';

/** Who somebody was when they proved it. */
export interface Identity {
  readonly principal: Principal;
  readonly credential: Credential;
  /**
   * Of the principal, then; another one today means that what was proved no longer counts. An access
   * token is its own proof: 0.
   */
  readonly epoch: number;
}

/** Why an identity no longer counts: a sentence for its holder. */
export class EndedError extends Error {}

export interface KnownStanding {
  readonly standing: Standing;
  /** From then on it ends by itself; undefined = never. */
  readonly expiresAt: number | undefined;
}

export const NOBODY: Standing = { principal: ANONYMOUS, rights: [] };

export async function readStanding(sql: Sql, identity: Identity): Promise<KnownStanding> {
  const { principal, credential } = identity;
  const tokenId = await accessTokenOf(sql, identity);
  const token = tokenId === undefined ? undefined : await readTokenFacts(sql, tokenId);
  if (tokenId !== undefined) checkToken(token, principal);
  const sessionEnd =
    credential.kind === 'session' ? await readSessionEnd(sql, credential.id, identity) : undefined;
  const own = await readPrincipal(sql, identity, token);
  const limits = token === undefined ? {} : limitsOf(token);
  return {
    standing: { ...own.standing, ...limits },
    expiresAt: earliest(own.expiresAt, token?.expiresAt ?? sessionEnd),
  };
}

/** The access token that a credential is, or was made from: its limits hold for both. */
async function accessTokenOf(
  sql: Sql,
  { principal, credential }: Identity,
): Promise<number | undefined> {
  if (credential.kind === 'access-token') return credential.id;
  if (credential.kind !== 'refresh-token') return undefined;
  const row = await readRefreshToken(sql, credential.id);
  const isTheirs = principal.kind === 'user' && row?.userId === principal.id;
  if (!isTheirs || row.revokedAt !== null) throw new EndedError('This refresh token was revoked.');
  return row.accessTokenId ?? undefined;
}

function checkToken(token: TokenFacts | undefined, principal: Principal): void {
  const isTheirs =
    principal.kind !== 'anonymous' &&
    token?.ownerKind === principal.kind &&
    token.ownerId === principal.id;
  if (!isTheirs || token.revokedAt !== null) {
    throw new EndedError('This access token was revoked.');
  }
}

/** @returns when it ends by itself. */
async function readSessionEnd(
  sql: Sql,
  id: number,
  { principal, epoch }: Identity,
): Promise<number> {
  const session = await readSessionFacts(sql, id);
  const isTheirs =
    principal.kind === 'user' && session?.userId === principal.id && session.userEpoch === epoch;
  if (!isTheirs || session.revokedAt !== null) throw new EndedError('This session was ended.');
  return session.expiresAt;
}

function limitsOf({ scopes, condition }: TokenFacts): Pick<Standing, 'scopes' | 'condition'> {
  return {
    ...(scopes !== null && { scopes: JSON.parse(scopes) as Scope[] }),
    ...(condition !== null && { condition: JSON.parse(condition) as Condition }),
  };
}

async function readPrincipal(
  sql: Sql,
  identity: Identity,
  token: TokenFacts | undefined,
): Promise<KnownStanding> {
  const { principal } = identity;
  const epoch = token === undefined ? identity.epoch : (token.ownerEpoch ?? undefined);
  if (principal.kind === 'user') {
    const user = await readUserFacts(sql, principal.id);
    if (user === undefined) throw gone(principal);
    checkAccount(user, epoch, principal);
    const own = { path: user.name, role: 'owner', actions: ROLES.owner, through: 'your own name' };
    const owned = user.owned.map((path) => ({
      path,
      role: 'owner',
      actions: ROLES.owner,
      through: `organisation ${path}`,
    }));
    const rights = [own, ...owned, ...user.rights.map(rightOf)];
    return {
      standing: { principal: { ...principal, name: user.name }, rights },
      expiresAt: undefined,
    };
  }
  if (principal.kind === 'robot') {
    const robot = await readRobotFacts(sql, principal.id);
    if (robot === undefined) throw gone(principal);
    checkAccount(robot, epoch, principal);
    checkPlace(robot, principal);
    const rights = robot.rights.map(rightOf);
    const named = { ...principal, name: `${robot.path}:${robot.name}` };
    return { standing: { principal: named, rights }, expiresAt: robot.expiresAt ?? undefined };
  }
  if (principal.kind !== 'workload') return { standing: NOBODY, expiresAt: undefined };
  const policy = await readPolicyFacts(sql, principal.id);
  if (policy === undefined) throw gone(principal);
  checkAccount(policy, epoch, principal);
  checkPlace(policy, principal);
  // A workload has no rights but by its claims, and those stand with its token.
  const claims: RecordedClaims = parseRecordedClaims(token?.claims ?? null);
  const scopes = resolvePolicy(policy, claims);
  const named = {
    name: policy.path === '' ? policy.name : `${policy.path}:${policy.name}`,
    scopes,
  };
  const workload = { ...principal, name: token?.name ?? principal.name };
  return { standing: { principal: workload, rights: [], policy: named }, expiresAt: undefined };
}

function gone(principal: Principal): EndedError {
  return new EndedError(`There is no ${principal.kind} ${principal.name} any more.`);
}

function checkAccount(
  account: { readonly state: string; readonly epoch: number },
  /** Undefined: any will do. */
  epoch: number | undefined,
  principal: Principal,
): void {
  if (account.state !== 'active') {
    throw new EndedError(`The ${principal.kind} ${principal.name} is ${account.state}.`);
  }
  if (epoch !== undefined && account.epoch !== epoch) {
    throw new EndedError('This sign-in was ended: the password or another credential has changed.');
  }
}

/** Whoever belongs to a path that was deleted comes back with it. */
function checkPlace({ path }: { readonly path: string }, principal: Principal): void {
  if (!path.startsWith('~')) return;
  throw new EndedError(
    `The namespace or repository of the ${principal.kind} ${principal.name} was deleted.`,
  );
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** A role that is neither built in nor there any more gives nothing. */
export function rightOf(row: RightRow): Right {
  const { path, role, through } = row;
  const actions = isBuiltInRole(role)
    ? ROLES[role]
    : ((row.actions === null ? [] : JSON.parse(row.actions)) as Action[]);
  return {
    path,
    role,
    through,
    actions,
    ...(row.tags !== null && { tags: JSON.parse(row.tags) as string[] }),
    ...(row.condition !== null && { condition: JSON.parse(row.condition) as Condition }),
  };
}
