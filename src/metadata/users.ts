// Users: who they are and how they sign in. Rows are never removed: history names them, and a name that
// was somebody's is never somebody else's. Rules on names and on the last administrator: access/people.
import { sql as raw } from 'kysely';
import type { AccountState } from './access-schema.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type UserId = number;

/** A user as others may see them: no secrets. Times are milliseconds since 1970. */
export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly state: AccountState;
  readonly epoch: number;
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly createdAt: number;
  readonly lastSeenAt: number | null;
}

/** What a sign-in compares with. */
export interface UserSecrets {
  readonly id: UserId;
  readonly name: string;
  readonly email: string | null;
  readonly epoch: number;
  readonly state: AccountState;
  /** argon2id, sealed. */
  readonly passwordHash: string | null;
  /** Sealed. */
  readonly totpSecret: string | null;
  readonly totpConfirmed: number;
  readonly totpStep: number;
}

const USER = [
  'id',
  'name',
  'display_name as displayName',
  'email',
  'state',
  'epoch',
  'password_hash as passwordHash',
  'totp_confirmed as totpConfirmed',
  'created_at as createdAt',
  'last_seen_at as lastSeenAt',
] as const;

const SECRETS = [
  'id',
  'name',
  'email',
  'epoch',
  'state',
  'password_hash as passwordHash',
  'totp_secret as totpSecret',
  'totp_confirmed as totpConfirmed',
  'totp_step as totpStep',
] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('users').select(USER).where('id', '=', p.id),
);

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('users').select(USER).where('name', '=', p.name),
);

const byEmail = statement<{ email: string; limit: number }>()((q, p) =>
  q
    .selectFrom('users')
    .select(USER)
    .where(raw<string>`lower(email)`, '=', p.email)
    .where('email_unchecked', '=', 0)
    .where('state', '<>', 'deleted')
    .orderBy('id')
    .limit(p.limit),
);

const secretsByName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('users').select(SECRETS).where('name', '=', p.name),
);

const secretsById = statement<{ id: number }>()((q, p) =>
  q.selectFrom('users').select(SECRETS).where('id', '=', p.id),
);

const page = statement<{ after: string; limit: number }>()((q, p) =>
  q.selectFrom('users').select(USER).where('name', '>', p.after).orderBy('name').limit(p.limit),
);

/** Reads along the names until the page is full: people are thousands, not millions. */
const searchPage = statement<{ after: string; limit: number; like: string }>()((q, p) =>
  q
    .selectFrom('users')
    .select(USER)
    .where('name', '>', p.after)
    .where(
      raw<boolean>`(name like ${p.like} escape '!' or lower(display_name) like ${p.like} escape '!'
        or lower(coalesce(email, '')) like ${p.like} escape '!')`,
    )
    .orderBy('name')
    .limit(p.limit),
);

const anyUser = statement()((q) => q.selectFrom('users').select('id').limit(1));

const insertRow = statement<{
  name: string;
  displayName: string;
  email: string | null;
  unchecked: number;
  passwordHash: string | null;
  now: number;
}>()((q, p) =>
  q
    .insertInto('users')
    .values({
      name: p.name,
      display_name: p.displayName,
      email: p.email,
      email_unchecked: p.unchecked,
      password_hash: p.passwordHash,
      epoch: 1,
      state: 'active',
      totp_secret: null,
      totp_confirmed: 0,
      totp_step: 0,
      created_at: p.now,
      last_seen_at: null,
    })
    .onConflict((c) => c.column('name').doNothing()),
);

const setName = statement<{ id: number; displayName: string }>()((q, p) =>
  q.updateTable('users').set({ display_name: p.displayName }).where('id', '=', p.id),
);

const setEmail = statement<{ id: number; email: string | null; unchecked: number }>()((q, p) =>
  q
    .updateTable('users')
    .set({ email: p.email, email_unchecked: p.unchecked })
    .where('id', '=', p.id),
);

const setState = statement<{ id: number; state: AccountState }>()((q, p) =>
  q
    .updateTable('users')
    .set((e) => ({ state: p.state, epoch: e('epoch', '+', 1) }))
    .where('id', '=', p.id),
);

const clearSecrets = statement<{ id: number }>()((q, p) =>
  q
    .updateTable('users')
    .set({ password_hash: null, totp_secret: null, totp_confirmed: 0 })
    .where('id', '=', p.id),
);

const setHash = statement<{ id: number; hash: string | null }>()((q, p) =>
  q
    .updateTable('users')
    .set((e) => ({ password_hash: p.hash, epoch: e('epoch', '+', 1) }))
    .where('id', '=', p.id),
);

const nextEpoch = statement<{ id: number }>()((q, p) =>
  q
    .updateTable('users')
    .set((e) => ({ epoch: e('epoch', '+', 1) }))
    .where('id', '=', p.id),
);

const setSeen = statement<{ id: number; at: number }>()((q, p) =>
  q
    .updateTable('users')
    .set({ last_seen_at: p.at })
    .where('id', '=', p.id)
    .where((e) => e.or([e('last_seen_at', 'is', null), e('last_seen_at', '<', p.at)])),
);

const activeAdministrators = statement<{ but: number }>()((q, p) =>
  q
    .selectFrom('grants as g')
    .innerJoin('users as u', 'u.id', 'g.subject_id')
    .select('u.id')
    .where('g.path', '=', '')
    .where('g.role', '=', 'administrator')
    .where('g.subject_kind', '=', 'user')
    .where('u.state', '=', 'active')
    .where('u.id', '<>', p.but)
    .limit(1),
);

type UserRow = Omit<User, 'hasPassword' | 'hasTotp'> & {
  readonly passwordHash: string | null;
  readonly totpConfirmed: number;
};

function userOf({ passwordHash, totpConfirmed, ...rest }: UserRow): User {
  return { ...rest, hasPassword: passwordHash !== null, hasTotp: totpConfirmed === 1 };
}

export async function readUser(sql: Sql, id: UserId): Promise<User | undefined> {
  const row = await sql.first(byId, { id });
  return row && userOf(row);
}

export async function findUser(sql: Sql, name: string): Promise<User | undefined> {
  const row = await sql.first(byName, { name });
  return row && userOf(row);
}

/**
 * Those who are not deleted, and whose address is not their own word alone. Addresses are not unique: two
 * at most are given, so that the caller sees when it is not certain.
 */
export async function findUsersByEmail(sql: Sql, email: string): Promise<User[]> {
  return (await sql.all(byEmail, { email: email.toLowerCase(), limit: 2 })).map(userOf);
}

export function findUserSecrets(sql: Sql, name: string): Promise<UserSecrets | undefined> {
  return sql.first(secretsByName, { name });
}

export function readUserSecrets(sql: Sql, id: UserId): Promise<UserSecrets | undefined> {
  return sql.first(secretsById, { id });
}

export async function hasAnyUser(sql: Sql): Promise<boolean> {
  return (await sql.first(anyUser, {})) !== undefined;
}

/**
 * Up to `limit` users after the name `after`, in byte order, the deleted ones too. `search`: a part of the
 * name, of the display name or of the e-mail.
 */
export async function listUsers(
  sql: Sql,
  { after, limit, search = '' }: { after: string; limit: number; search?: string },
): Promise<User[]> {
  const rows =
    search === ''
      ? await sql.all(page, { after, limit })
      : await sql.all(searchPage, { after, limit, like: likeOf(search) });
  return rows.map(userOf);
}

function likeOf(search: string): string {
  return `%${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`;
}

/**
 * `isEmailUnchecked`: nobody but the user says that it is theirs.
 * @returns undefined when a user of that name is there; organisations are not looked at.
 */
export async function insertUser(
  tx: Transaction,
  user: {
    name: string;
    displayName: string;
    email: string | null;
    isEmailUnchecked?: boolean;
    passwordHash: string | null;
  },
): Promise<UserId | undefined> {
  const { isEmailUnchecked = false, ...rest } = user;
  const row = { ...rest, unchecked: isEmailUnchecked ? 1 : 0, now: await tx.now() };
  if ((await tx.run(insertRow, row)) === 0) return undefined;
  return (await findUser(tx, user.name))?.id;
}

export async function setUserDisplayName(
  tx: Transaction,
  change: { id: UserId; displayName: string },
): Promise<void> {
  await tx.run(setName, change);
}

/** `isUnchecked`: nobody but the user says that it is theirs. */
export async function setUserEmail(
  tx: Transaction,
  { isUnchecked, ...change }: { id: UserId; email: string | null; isUnchecked: boolean },
): Promise<void> {
  await tx.run(setEmail, { ...change, unchecked: isUnchecked ? 1 : 0 });
}

/** The epoch rises: what was signed in ends. A deleted user's secrets go. */
export async function setUserState(
  tx: Transaction,
  change: { id: UserId; state: AccountState },
): Promise<void> {
  await tx.run(setState, change);
  if (change.state === 'deleted') await tx.run(clearSecrets, { id: change.id });
}

/** The epoch rises. */
export async function setPasswordHash(
  tx: Transaction,
  change: { id: UserId; hash: string | null },
): Promise<void> {
  await tx.run(setHash, change);
}

/** Ends all that was signed in before: sessions, bearer tokens, remembered passwords. */
export async function raiseUserEpoch(tx: Transaction, id: UserId): Promise<void> {
  await tx.run(nextEpoch, { id });
}

export async function noteUserSeen(
  tx: Transaction,
  seen: { id: UserId; at: number },
): Promise<void> {
  await tx.run(setSeen, seen);
}

/** Whether somebody else than `but` (0 = nobody) is an active administrator. */
export async function hasAdministrator(sql: Sql, { but }: { but: UserId }): Promise<boolean> {
  return (await sql.first(activeAdministrators, { but })) !== undefined;
}
