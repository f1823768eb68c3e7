// What the suite of keyless sign-in shares: the database under test, an issuer, and policies to begin with.
import type { Act, Actor } from '../../metadata/audit.ts';
import type { Command, Commands } from '../../metadata/command.ts';
import type { Sql } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { decide, type Question, type Verdict } from '../decide.ts';
import { trustPolicyCommands } from '../people/trust-policy.command.ts';
import { type Identity, Standings } from '../standing.ts';
import { accessTokenCommands } from '../tokens/access-token.command.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { RefusedTokenError } from './refused-token.ts';
import { SUITE_AUDIENCE, type SuiteIssuer, startIssuer, suiteFetch } from './suite-issuer.ts';
import { parseTrustPolicy } from './trust-policy.ts';
import { workloadCommands } from './workload.command.ts';
import { Workloads } from './workloads.ts';

export function workloadSuiteCommands() {
  return {
    ...trustPolicyCommands(),
    ...accessTokenCommands(),
    ...workloadCommands(),
  } satisfies Record<string, Command<never, unknown>>;
}

export interface OpenedWorkloads {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof workloadSuiteCommands>>;
  close(): Promise<void>;
}

export type OpenWorkloads = () => Promise<OpenedWorkloads>;

/** Whoever asks, before it is known who that is. */
export const CALLER: Actor = {
  name: 'anonymous',
  principal: 'anonymous',
  credential: '',
  address: '192.0.2.9',
  client: 'entrepot/1',
  requestId: 'r7',
};

const lastAct = statement()((q) =>
  q.selectFrom('audit_events').selectAll().orderBy('id', 'desc').limit(1),
);

const tokens = statement()((q) =>
  q.selectFrom('access_tokens').selectAll().where('owner_kind', '=', 'workload').orderBy('id'),
);

/** One registry and one issuer; policies of a case have paths of its own. */
export class Keyless {
  readonly refusals: Act[] = [];
  #opened: OpenedWorkloads | undefined;
  #issuer: SuiteIssuer | undefined;
  #workloads: Workloads | undefined;
  #standings: Standings | undefined;
  #made = 0;

  async open(open: OpenWorkloads): Promise<void> {
    const opened = await open();
    this.#opened = opened;
    this.#issuer = await startIssuer();
    const { sql, commands } = opened;
    this.#standings = new Standings({ sql, now: Date.now, awayMs: 0, forget: () => {} });
    this.#workloads = new Workloads({
      sql,
      commands,
      keys: new IssuerKeys({ fetch: suiteFetch, now: Date.now }),
      now: Date.now,
      recordRefusal: (act) => this.refusals.push(act),
    });
  }

  async close(): Promise<void> {
    await this.#issuer?.close();
    await this.#opened?.close();
  }

  get opened(): OpenedWorkloads {
    return there(this.#opened);
  }
  get issuer(): SuiteIssuer {
    return there(this.#issuer);
  }
  get workloads(): Workloads {
    return there(this.#workloads);
  }

  /** An audience that no other case uses: policies of one issuer are looked at together. */
  audience(): string {
    this.#made += 1;
    return `${SUITE_AUDIENCE}/${this.#made}`;
  }

  async policy(policy: {
    path: string;
    name: string;
    audience: string;
    conditions: Readonly<Record<string, string | readonly string[]>>;
    names: readonly string[];
    lifetimeSeconds?: number;
  }): Promise<number> {
    const { names, ...rest } = policy;
    const parsed = parseTrustPolicy(
      { ...rest, issuer: this.issuer.issuer, grants: [{ actions: ['pull', 'push'], names }] },
      { isPlainAllowed: () => true },
    );
    return this.opened.commands.run('createTrustPolicy', { ...parsed, actor: CALLER });
  }

  /** What one who signed in may, asked as a request asks it. */
  async verdict(identity: Identity, question: Question): Promise<Verdict> {
    const standings = there(this.#standings);
    standings.changed();
    await standings.refresh();
    const standing = standings.known(identity) ?? (await standings.read(identity));
    const facts = await standings.readPath(question.path);
    return decide(standing, facts, question, { address: () => '192.0.2.9', now: Date.now() });
  }

  async lastAct() {
    return there(await this.opened.sql.first(lastAct, {}));
  }

  tokens() {
    return this.opened.sql.all(tokens, {});
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the suite is not open');
  return value;
}

export async function refusedWith(done: Promise<unknown>): Promise<RefusedTokenError> {
  const error: unknown = await done.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof RefusedTokenError) return error;
  throw error;
}
