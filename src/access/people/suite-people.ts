// What the suites of people, grants and tokens share: the database under test, and steps to begin with.
import { createHash } from 'node:crypto';
import { readAccessState } from '../../metadata/access-facts.ts';
import type { Actor } from '../../metadata/audit.ts';
import { type Command, type Commands, synced } from '../../metadata/command.ts';
import type { GrantId, Subject } from '../../metadata/grants.ts';
import { insertPasskey } from '../../metadata/passkeys.ts';
import { ensureRepository, listRepository } from '../../metadata/repositories.ts';
import { beginTotp, confirmTotp, replaceRecoveryCodes } from '../../metadata/second-factor.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { addTeamMember, replaceTeamsOf } from '../../metadata/teams.ts';
import { insertIdentity, setRefreshToken } from '../../metadata/user-identities.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { accessTokenCommands } from '../tokens/access-token.command.ts';
import { refreshTokenCommands } from '../tokens/refresh-token.command.ts';
import { peopleCommands } from './commands.ts';

export const ADMIN: Actor = {
  name: 'admin',
  principal: 'user:1',
  credential: 'password',
  address: '192.0.2.1',
  client: 'docker/27',
  requestId: 'r1',
};

const ageTokens = statement<{ by: number }>()((q, p) =>
  q.updateTable('access_tokens').set((e) => ({
    created_at: e('created_at', '-', p.by),
    expires_at: e('expires_at', '-', p.by),
    revoked_at: e('revoked_at', '-', p.by),
  })),
);

const ageInvitations = statement<{ by: number }>()((q, p) =>
  q.updateTable('invitations').set((e) => ({ expires_at: e('expires_at', '-', p.by) })),
);

const insertRefresh = statement<{ user: number; token: number; hash: Uint8Array }>()((q, p) =>
  q.insertInto('refresh_tokens').values({
    user_id: p.user,
    user_epoch: 1,
    access_token_id: p.token,
    hash: p.hash,
    previous_hash: null,
    client: 'docker',
    created_at: 1,
    rotated_at: 1,
    expires_at: 1,
    revoked_at: null,
  }),
);

const lastActs = statement<{ limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(['action', 'actor', 'target', 'detail'])
    .orderBy('id', 'desc')
    .limit(p.limit),
);

const visibilityOf = statement<{ name: string }>()((q, p) =>
  q.selectFrom('repositories').select('visibility').where('name', '=', p.name),
);

/** The commands of this folder and of tokens, and a few that only a test wants. */
export function peopleSuiteCommands() {
  return {
    ...peopleCommands(),
    ...accessTokenCommands(),
    ...refreshTokenCommands(),
    pushed: synced(async (tx: Transaction, name: string) => {
      await listRepository(tx, await ensureRepository(tx, name as RepositoryName));
    }),
    addTeamMemberBy: synced(
      (tx: Transaction, member: { team: number; user: number; source: string }) =>
        addTeamMember(tx, member),
    ),
    replaceTeamsOf: synced(
      (tx: Transaction, replace: { user: number; source: string; teams: readonly string[] }) =>
        replaceTeamsOf(tx, replace),
    ),
    addSecrets: synced(addSecrets),
    ageTokens: synced(async (tx: Transaction, by: number) => {
      await tx.run(ageTokens, { by });
    }),
    ageInvitations: synced(async (tx: Transaction, by: number) => {
      await tx.run(ageInvitations, { by });
    }),
    insertRefresh: synced(async (tx: Transaction, row: { user: number; token: number }) => {
      await tx.run(insertRefresh, { ...row, hash: hashOf(`refresh ${row.token}`) });
    }),
  } satisfies Record<string, Command<never, unknown>>;
}

/** One of everything by which somebody can prove who they are, besides a password. */
async function addSecrets(tx: Transaction, user: number): Promise<void> {
  const name = `secrets of ${user}`;
  await beginTotp(tx, { user, secret: 'sealed' });
  await confirmTotp(tx, { user, step: 1 });
  await replaceRecoveryCodes(tx, { user, hashes: [hashOf(name)] });
  const passkey = { credentialId: hashOf(name), publicKey: hashOf(name), counter: 0 };
  await insertPasskey(tx, { ...passkey, user, transports: '[]', name });
  const account = { provider: 'oidc:company', subject: name };
  await insertIdentity(tx, { ...account, user });
  await setRefreshToken(tx, { ...account, token: 'sealed' });
}

export type PeopleSuiteCommands = ReturnType<typeof peopleSuiteCommands>;

export interface OpenedPeople {
  readonly sql: Sql;
  readonly commands: Commands<PeopleSuiteCommands>;
  close(): Promise<void>;
}

export type OpenPeople = () => Promise<OpenedPeople>;

export function hashOf(text: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(text).digest());
}

/** The database under test. */
export class People {
  #opened: OpenedPeople | undefined;
  #made = 0;

  async open(open: OpenPeople): Promise<void> {
    this.#opened = await open();
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  get sql(): Sql {
    return this.#open.sql;
  }

  get run(): Commands<PeopleSuiteCommands>['run'] {
    const { commands } = this.#open;
    return commands.run.bind(commands);
  }

  get #open(): OpenedPeople {
    if (this.#opened === undefined) throw new Error('the database is not open');
    return this.#opened;
  }

  /** A name that no other case uses. */
  fresh(prefix = 'n'): string {
    this.#made += 1;
    return `${prefix}${this.#made}`;
  }

  async user(name = this.fresh('u')): Promise<{ id: number; name: string }> {
    const rest = { displayName: '', email: null, passwordHash: null, adoptsNamespace: false };
    return { id: await this.run('createUser', { name, ...rest, actor: ADMIN }), name };
  }

  async organisation(owner: number, name = this.fresh('o')): Promise<{ id: number; name: string }> {
    const made = { name, displayName: '', owner, adoptsNamespace: false, actor: ADMIN };
    return { id: await this.run('createOrganisation', made), name };
  }

  async team(organisation: { id: number; name: string }, name = this.fresh('t')) {
    const made = { organisation: organisation.id, name, actor: ADMIN };
    return { id: await this.run('createTeam', made), name: `${organisation.name}/${name}` };
  }

  async robot(path: string, name = this.fresh('r')): Promise<number> {
    const rest = { description: '', expiresAt: null, actor: ADMIN };
    return this.run('createRobot', { path, name, ...rest });
  }

  grant(subject: Subject, role: string, path: string): Promise<GrantId> {
    return this.run('addGrant', { subject, role, path, actor: ADMIN });
  }

  async revision(): Promise<number> {
    return (await readAccessState(this.sql)).revision;
  }

  /** Whether it raised the revision that ends what nodes remember. */
  async changes(work: () => Promise<unknown>): Promise<boolean> {
    const before = await this.revision();
    await work();
    return (await this.revision()) > before;
  }

  /** The newest acts on record first. */
  acts(limit = 1): Promise<{ action: string; actor: string; target: string; detail: string }[]> {
    return this.sql.all(lastActs, { limit });
  }

  async visibility(name: string): Promise<string | undefined> {
    return (await this.sql.first(visibilityOf, { name }))?.visibility;
  }
}

/** The code and sentence of a refusal. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RegistryError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was refused';
}

/** How many of some that run at once were done, and how the others were refused. */
export async function race(works: readonly Promise<unknown>[]): Promise<[number, string[]]> {
  const ends = await Promise.allSettled(works);
  const refused = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  return [ends.length - refused.length, refused];
}
