// People who sign in, for the tests of this folder: a database, a clock that the test drives, and what was
// put on record.
import type { Act } from '../../metadata/audit.ts';
import { type CommandRunner, type Commands, synced } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import type { Sql } from '../../metadata/sql.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { statement } from '../../metadata/statement.ts';
import { insertUser, setPasswordHash, setUserState } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { sealWith } from '../seal.ts';
import { signInCommands } from './commands.ts';
import { Passwords } from './password.ts';
import { PasswordCache } from './password-cache.ts';
import type { SignInContext, SignInParts } from './prove-password.ts';
import { Throttle } from './throttle.ts';

export const CONTEXT: SignInContext = { address: '192.0.2.1', client: 'test', requestId: 'r1' };
export const PASSWORD = 'correct horse battery';

const acts = statement()((q) =>
  q.selectFrom('audit_events').select(['action', 'target', 'actor', 'detail']).orderBy('id'),
);

/** The commands of this folder, and what makes the people of a test. */
export function suiteSignInCommands() {
  return {
    ...signInCommands(),
    insertUser: synced(insertUser),
    setPasswordHash: synced(setPasswordHash),
    setUserState: synced(setUserState),
  };
}

export type SuiteSignInCommands = ReturnType<typeof suiteSignInCommands>;

export interface OpenedSignIn {
  readonly sql: Sql;
  readonly runner: CommandRunner;
}

export type OpenSignIn = () => Promise<OpenedSignIn>;

export async function openSignInSqlite(): Promise<OpenedSignIn> {
  const sql = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(sql, { version: '0.2.0' });
  return { sql, runner: new GroupCommit({ connection: sql, commands: suiteSignInCommands() }) };
}

/** argon2id of PASSWORD, made once: it takes a while. */
let hashed: Promise<string> | undefined;

export class SignInWorld implements SignInParts {
  readonly sql: Sql;
  readonly commands: Commands<SuiteSignInCommands>;
  readonly passwords = new Passwords();
  readonly seal = sealWith(new Uint8Array(32).fill(7));
  readonly refused: Act[] = [];
  readonly slept: number[] = [];
  time = 1_800_000_000_000;
  readonly now = () => this.time;
  readonly cache = new PasswordCache(this.now);
  readonly throttle = new Throttle(this.now);
  readonly #runner: CommandRunner;
  #made = 0;

  constructor({ sql, runner }: OpenedSignIn) {
    this.sql = sql;
    this.#runner = runner;
    this.commands = runner as unknown as Commands<SuiteSignInCommands>;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
  }

  recordRefusal(act: Act): void {
    this.refused.push(act);
  }

  /** A user of a name of their own, with PASSWORD. */
  async addUser({ hasPassword = true } = {}): Promise<{ id: number; name: string }> {
    this.#made += 1;
    const name = `user${this.#made}`;
    hashed ??= new Passwords().hash(PASSWORD);
    const passwordHash = hasPassword ? await hashed : null;
    const email = `${name}@example.org`;
    const user = { name, displayName: name, email, passwordHash };
    const id = await this.commands.run('insertUser', user);
    if (id === undefined) throw new Error(`there is a ${name} already`);
    return { id, name };
  }

  /** Action and target of all that is on record, with the detail. */
  async acts(): Promise<{ action: string; target: string; actor: string; detail: unknown }[]> {
    const rows = await this.sql.all(acts, {});
    return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as unknown }));
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}

/** What was refused: its code, sentence and detail. Anything else than a refusal fails the test. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; detail: unknown }> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const { code, message, detail } = error;
    return { code, message, detail };
  }
  throw new Error('it was not refused');
}
