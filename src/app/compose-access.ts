// The wiring of access control: who asks, what they may, and what is put on record of it.
import { setTimeout as delay } from 'node:timers/promises';
import { RefusalLog } from '../access/audit/refusals.ts';
import type { AllowedHosts } from '../access/keyless/address-guard.ts';
import type { GuardedFetch } from '../access/keyless/guarded-fetch.ts';
import { LastSeen } from '../access/people/last-seen.ts';
import { type Seal, sealWith } from '../access/seal.ts';
import { Passwords } from '../access/sign-in/password.ts';
import { PasswordCache } from '../access/sign-in/password-cache.ts';
import type { SignInParts } from '../access/sign-in/prove-password.ts';
import { Sessions } from '../access/sign-in/session.ts';
import {
  SESSION_IDLE_MS,
  SESSION_LIFE_MS,
  type SessionTimes,
} from '../access/sign-in/session-times.ts';
import { signInForClients } from '../access/sign-in/sign-in.ts';
import { Throttle } from '../access/sign-in/throttle.ts';
import { type Identity, Standings } from '../access/standing.ts';
import { BearerVerifier } from '../access/tokens/bearer.ts';
import { SigningKeys } from '../access/tokens/signing-keys.ts';
import { TokenUses } from '../access/tokens/token-uses.ts';
import { Authenticator, type Visit } from '../http/access/authenticate.ts';
import { Gate } from '../http/access/gate.ts';
import { type RequestLimitSettings, RequestLimits } from '../http/access/request-limits.ts';
import type { ApiParts, SecondFactorRule } from '../http/api/api-parts.ts';
import { ExternalSessions } from '../http/sign-in/external-sessions.ts';
import type { TokenParts } from '../http/token/token-service.ts';
import { readAccessState } from '../metadata/access-facts.ts';
import type { Act } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import type { Reports } from '../metadata/report.ts';
import type { Sql } from '../metadata/sql.ts';
import type { PullParts } from '../registry/pull.ts';
import type { AllCommands } from './commands.ts';
import { composeExternalSignIn, type ExternalSettings } from './external-sign-in.ts';
import { ensureFirstAdministrator } from './first-administrator.ts';
import { withChangesMarked } from './marked-commands.ts';
import { composePipelineSignIn } from './pipeline-sign-in.ts';
import type { AllReports } from './reports.ts';

export interface AccessOptions {
  readonly sealKey: Uint8Array;
  /** For the first start; undefined = one is made. */
  readonly adminPassword: string | undefined;
  readonly tokenLifetimeSeconds: number;
  /** How long what was checked counts while the database is away. */
  readonly awayMs: number;
  /** Absent: a week without use, a month at most. */
  readonly sessions?: SessionTimes | undefined;
  readonly requestLimits: RequestLimitSettings;
  readonly secondFactorRule: SecondFactorRule;
  /** Providers and the directory that people sign in by. */
  readonly external: ExternalSettings;
  readonly pathPrefix: string;
  readonly version: string;
  /** As in the options of the whole. */
  readonly authorities: readonly string[];
  /** For addresses that owners of namespaces set. */
  readonly guardedFetch: GuardedFetch;
  readonly allowedHosts: AllowedHosts;
}

export interface AccessParts {
  readonly sql: Sql;
  readonly commands: Commands<AllCommands>;
  readonly reports: Reports<AllReports>;
  readonly pull: PullParts;
  warn(message: string, error: unknown): void;
}

export interface ComposedAccess {
  readonly gate: Gate;
  readonly token: TokenParts;
  readonly api: ApiParts;
  /** The same as were given; after those of access this node looks again at what it remembers. */
  readonly commands: Commands<AllCommands>;
  readonly standings: Standings;
  readonly seal: Seal;
  readonly signIn: SignInParts;
  /**
   * Once the server listens, or nobody would see it. @returns the administrator's password, when it was made
   * here and now. @throws Error for a configured one that nobody may choose.
   */
  ensureAdministrator(): Promise<string | undefined>;
  /** Writes what waits, and ends. */
  close(): Promise<void>;
}

/** Milliseconds between two flushes of who was here, and with which access tokens. */
const USES_EVERY_MS = 5_000;

/** @throws SealError when the database's secrets were sealed with another key. */
export async function composeAccess(
  { sql, commands: unmarked, reports, pull, warn }: AccessParts,
  options: AccessOptions,
): Promise<ComposedAccess> {
  const now = Date.now;
  // For what measures how long ago something was: a clock that is set back must lock nobody out.
  const elapsed = () => performance.now();
  const standings = new Standings({
    sql,
    now,
    awayMs: options.awayMs,
    forget() {
      verifier.forget();
      keys.forget();
    },
  });
  const commands = withChangesMarked(unmarked, () => standings.changed());
  const seal = sealWith(options.sealKey);
  const keys = new SigningKeys({ sql, commands, seal, now });
  const { serviceId } = await readAccessState(sql);
  // Now, and not with the first sign-in: with the wrong key nothing should start.
  await keys.current();
  const verifier = new BearerVerifier({ findKey: (kid) => keys.find(kid), serviceId, now });
  const refusals = new RefusalLog({
    write: (batch) => commands.run('recordRefusals', batch),
    failed: (error) => warn('refusals could not be put on record', error),
    now: elapsed,
  });
  const recordRefusal = (act: Act) => refusals.recordRefusal(act);
  const { external, elsewhere } = composeExternalSignIn(
    { sql, commands, seal, now },
    { ...options.external, authorities: options.authorities },
  );
  const passwords = new Passwords(seal);
  const signIn: SignInParts = {
    sql,
    commands,
    passwords,
    cache: new PasswordCache(elapsed),
    throttle: new Throttle(elapsed),
    seal,
    now,
    sleep: (ms) => delay(ms),
    recordRefusal,
    elsewhere,
  };
  const uses = new TokenUses(now);
  const seen = new LastSeen(now);
  const flushUses = () =>
    uses
      .flush((batch) => commands.run('noteTokenUses', batch))
      .then(() => seen.flush((batch) => commands.run('noteSeen', batch)))
      .catch((error) => warn('who was here could not be noted', error));
  const flushing = setInterval(flushUses, USES_EVERY_MS);
  const pipelines = composePipelineSignIn({
    sql,
    commands,
    fetch: options.guardedFetch,
    now,
    recordRefusal,
  });
  const authenticator = new Authenticator({
    sql,
    standings,
    verifier,
    signIn: (given, visit) => signInClient(signIn, given, visit),
    signInWorkload: (jwt, visit) => pipelines.signIn(jwt, visit),
    noteSeen: (principal) => seen.note(principal),
    noteUse: (id, { address, client }) => uses.note(id, { address: address(), client }),
  });
  const gate = new Gate({
    standings,
    authenticator,
    limits: new RequestLimits(options.requestLimits, elapsed),
    pathPrefix: options.pathPrefix,
    readOpenRights: () => standings.readOpenRights(),
    refused: recordRefusal,
    now,
  });
  const sessions = new Sessions({
    sql,
    commands,
    now,
    idleMs: options.sessions?.idleMs ?? SESSION_IDLE_MS,
    lifeMs: options.sessions?.lifeMs ?? SESSION_LIFE_MS,
    noteFailed: (error) => warn('that somebody was there could not be noted', error),
  });
  const { tokenLifetimeSeconds: lifetimeSeconds } = options;
  return {
    gate,
    token: {
      gate,
      issue: { keys, serviceId, lifetimeSeconds, now },
      refresh: {
        sql,
        commands,
        now,
        stillStands: (of) => external.stillStands(of),
        passwordsElsewhere: elsewhere?.method,
      },
      exchange: (asked, request) => pipelines.exchange(asked, gate.visit(request)),
    },
    api: {
      sql,
      commands,
      reports,
      pull,
      gate,
      standings,
      sessions,
      external,
      externalSessions: new ExternalSessions({
        external,
        endSession: (end) => commands.run('endSession', end),
        failed: (error) => warn('a provider could not be asked for the groups of a user', error),
        now,
      }),
      signIn,
      isPlainAllowed: (host) => options.allowedHosts.isNamed(host),
      secondFactorRule: options.secondFactorRule,
      pathPrefix: options.pathPrefix,
      version: options.version,
      refused: recordRefusal,
      now,
    },
    commands,
    standings,
    seal,
    signIn,
    ensureAdministrator: () =>
      ensureFirstAdministrator({ sql, commands, passwords }, options.adminPassword),
    async close() {
      clearInterval(flushing);
      await flushUses();
      await refusals.close();
    },
  };
}

const signInClient = async (
  parts: SignInParts,
  given: { name: string; password: string },
  { address, client, requestId }: Visit,
): Promise<Identity> => {
  const context = { address: address(), client, requestId };
  const { userId, name, epoch } = await signInForClients(parts, given, context);
  return { principal: { kind: 'user', id: userId, name }, credential: { kind: 'password' }, epoch };
};
