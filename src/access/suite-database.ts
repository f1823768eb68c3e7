// A database in memory for the tests of this folder: rows written as they are, and reads that can be
// counted, held back, and refused as if the database were away.
import { migrateSqlite } from '../metadata/migrate.ts';
import type { Sql } from '../metadata/sql.ts';
import { openSqliteWriter, type SqliteConnection } from '../metadata/sqlite.ts';
import type { SqlValue, Statement } from '../metadata/statement.ts';

export type Row = Readonly<Record<string, SqlValue>>;

/** What a row of the table has where a test says nothing of it. */
const DEFAULTS: Readonly<Record<string, Row>> = {
  users: {
    display_name: '',
    epoch: 1,
    state: 'active',
    totp_confirmed: 0,
    totp_step: 0,
    created_at: 0,
  },
  organisations: { display_name: '', created_at: 0 },
  organisation_members: { is_owner: 0, created_at: 0 },
  teams: { created_at: 0 },
  team_members: { source: 'manual', created_at: 0 },
  robots: { description: '', epoch: 1, state: 'active', created_by: '', created_at: 0 },
  roles: { created_at: 0 },
  grants: { subject_id: 0, created_by: '', created_at: 0 },
  trust_policies: {
    issuer: '',
    audience: '',
    conditions: '{}',
    lifetime_ms: 0,
    epoch: 1,
    state: 'active',
    created_by: '',
    created_at: 0,
  },
  access_tokens: { name: '', hint: '', created_at: 0, uses: 0 },
  refresh_tokens: { user_epoch: 1, client: '', created_at: 0, rotated_at: 0 },
  sessions: { user_epoch: 1, method: '', address: '', client: '', created_at: 0, seen_at: 0 },
};

export class AccessDatabase implements Sql {
  readonly engine = 'sqlite';
  readonly #connection: SqliteConnection;
  /** The text of each statement that was run. */
  ran: string[] = [];
  isAway = false;
  /** Waited for before a statement reads, and before it is answered. */
  beforeRead: (text: string) => Promise<void> = () => Promise.resolve();
  beforeAnswer: (text: string) => Promise<void> = () => Promise.resolve();

  private constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  static async open(): Promise<AccessDatabase> {
    const connection = openSqliteWriter(':memory:', Date.now);
    await migrateSqlite(connection, { version: '0.3.0' });
    return new AccessDatabase(connection);
  }

  all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    return this.#watched(statement, () => this.#connection.all(statement, parameters));
  }

  first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined> {
    return this.#watched(statement, () => this.#connection.first(statement, parameters));
  }

  async #watched<P, R, T>(statement: Statement<P, R>, read: () => Promise<T>): Promise<T> {
    const text = statement.compile('sqlite').sql;
    this.ran.push(text);
    await this.beforeRead(text);
    if (this.isAway) throw new Error('the database is away');
    const answer = await read();
    await this.beforeAnswer(text);
    return answer;
  }

  /** @returns its id, where it has one. */
  insert(table: string, row: Row): number {
    const whole = { ...DEFAULTS[table], ...row };
    const names = Object.keys(whole);
    const marks = names.map(() => '?').join(', ');
    const text = `insert into ${table} (${names.join(', ')}) values (${marks}) returning *`;
    const [made] = this.#connection.query(text, Object.values(whole)) as { id?: number }[];
    return made?.id ?? 0;
  }

  /** One statement that writes, and the revision that rises with it: as a command does. */
  change(text: string, ...values: SqlValue[]): void {
    this.#connection.execute('begin');
    this.#connection.query(text, values);
    this.#connection.query('update access_state set revision = revision + 1', []);
    this.#connection.execute('commit');
  }

  /** A change without a revision: of what no verdict was ever about. */
  write(text: string, ...values: SqlValue[]): void {
    this.#connection.query(text, values);
  }

  close(): void {
    this.#connection.close();
  }
}
