// People who sign in, for the tests of this folder: a database, a clock that the test drives, and what was
// put on record.
import { TOTP } from 'otpauth';
import { readAccessState } from '../../metadata/access-facts.ts';
import type { Act, Actor } from '../../metadata/audit.ts';
import { type CommandRunner, type Commands, synced } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import type { Sql } from '../../metadata/sql.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { statement } from '../../metadata/statement.ts';
import { insertUser, setUserState } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { userCommands } from '../people/user.command.ts';
import { sealWith } from '../seal.ts';
import { refreshTokenCommands } from '../tokens/refresh-token.command.ts';
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
    setUserPassword: userCommands().setUserPassword,
    setUserState: synced(setUserState),
    addRefreshToken: refreshTokenCommands().addRefreshToken,
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
  await migrateSqlite(sql, { version: '0.3.0' });
  return { sql, runner: new GroupCommit({ connection: sql, commands: suiteSignInCommands() }) };
}

const SEAL = sealWith(new Uint8Array(32).fill(7));

/** Of PASSWORD, made once: it takes a while. */
let hashed: Promise<string> | undefined;

export class SignInWorld implements SignInParts {
  readonly sql: Sql;
  readonly commands: Commands<SuiteSignInCommands>;
  readonly passwords = new Passwords(SEAL);
  readonly seal = SEAL;
  readonly refused: Act[] = [];
  readonly slept: number[] = [];
  /** Begins with the clock of the database. */
  time = Date.now();
  readonly now = () => this.time;
  readonly cache = new PasswordCache(this.now);
  readonly throttle = new Throttle(this.now);
  readonly #runner: CommandRunner;
  readonly #counts = new Map<string, number>();
  readonly #running = new Set<Promise<unknown>>();
  #made = 0;

  constructor({ sql, runner }: OpenedSignIn) {
    this.sql = sql;
    this.#runner = runner;
    const run = (name: string, args: unknown) => {
      this.#counts.set(name, this.ran(name) + 1);
      const running = runner.run(name, args);
      const forget = () => this.#running.delete(running);
      this.#running.add(running);
      running.then(forget, forget);
      return running;
    };
    this.commands = { run } as unknown as Commands<SuiteSignInCommands>;
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
    hashed ??= new Passwords(SEAL).hash(PASSWORD);
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

  /** How often a command was asked for. */
  ran(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Commands that nobody waits for have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async revision(): Promise<number> {
    return (await readAccessState(this.sql)).revision;
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}

export function actorOf({ id, name }: { id: number; name: string }): Actor {
  return { ...CONTEXT, name, principal: `user:${id}`, credential: 'password' };
}

/** What the app shows at that time. */
export function codeAt(secret: string, timestamp: number): string {
  return new TOTP({ secret }).generate({ timestamp });
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
