// A real PostgreSQL for tests. One server serves a whole run: `npm test` starts it and names it in
// ENTREPOT_TEST_POSTGRES; a file that is run by hand starts its own, which ends with the process.
// Every test takes a database of its own. Text sorts as in a dictionary there, not by bytes, so that a
// query that forgets to ask for bytewise order is found.
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { binariesMissing, type PostgresServer, startServer } from './postgres-server.ts';

export interface TestPostgres {
  /** `postgres://…/NAME`; the superuser, without a password. */
  url(databaseName: string): string;
  /** A new, empty database. @returns its url */
  createDatabase(): Promise<string>;
  /** Ends a server of this process; a shared one is left running. */
  stop(): Promise<void>;
}

/** Why no PostgreSQL can be started here, or undefined: `requires('postgres', !reason, reason ?? '')`. */
export function postgresMissing(): string | undefined {
  return process.env.ENTREPOT_TEST_POSTGRES === undefined ? binariesMissing() : undefined;
}

let ownServer: Promise<PostgresServer> | undefined;

async function serverUrl(): Promise<string> {
  const shared = process.env.ENTREPOT_TEST_POSTGRES;
  if (shared !== undefined) return shared;
  ownServer ??= startServer();
  return (await ownServer).url;
}

export async function startPostgres(): Promise<TestPostgres> {
  const base = await serverUrl();
  const url = (databaseName: string): string => {
    const address = new URL(base);
    address.pathname = `/${encodeURIComponent(databaseName)}`;
    return address.href;
  };
  return {
    url,
    async createDatabase() {
      const name = `t_${randomBytes(8).toString('hex')}`;
      const connection = postgres(url('postgres'), { max: 1, onnotice: () => {} });
      try {
        await connection.unsafe(`create database ${name}`);
      } finally {
        await connection.end();
      }
      return url(name);
    },
    async stop() {
      const server = ownServer;
      ownServer = undefined;
      await (await server)?.stop();
    },
  };
}
