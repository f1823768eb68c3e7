// The PostgreSQL of the tests: databases of their own, order that is not bytewise, nothing left behind.
import { afterAll, describe, expect } from 'bun:test';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { postgresMissing, startPostgres } from './postgres.ts';
import { startServer } from './postgres-server.ts';
import { requires } from './requires.ts';

const missing = postgresMissing();
const test = requires('postgres', missing === undefined, missing ?? '');

describe('the PostgreSQL of the tests', () => {
  const connections: postgres.Sql[] = [];
  const connect = (url: string): postgres.Sql => {
    const connection = postgres(url, { max: 1 });
    connections.push(connection);
    return connection;
  };
  afterAll(async () => {
    for (const connection of connections) await connection.end();
  });

  test('gives every caller an empty database of its own', async () => {
    const server = await startPostgres();
    const first = connect(await server.createDatabase());
    const second = connect(await server.createDatabase());
    await first`create table marks (n int)`;
    expect(await second`select to_regclass('marks') as found`).toEqual([{ found: null }] as never);
  }, 60_000);

  test('sorts text as in a dictionary, unless bytewise order is asked for', async () => {
    const server = await startPostgres();
    const connection = connect(await server.createDatabase());
    const rows =
      await connection`select w from (values ('a'), ('B'), ('_'), ('a-b'), ('ab')) as t (w) order by w`;
    const bytes =
      await connection`select w from (values ('a'), ('B'), ('_'), ('a-b'), ('ab')) as t (w) order by w collate "C"`;
    expect(bytes.map((row) => row.w)).toEqual(['B', '_', 'a', 'a-b', 'ab']);
    expect(rows.map((row) => row.w)).not.toEqual(bytes.map((row) => row.w));
  }, 60_000);

  test('stops when asked', async () => {
    const server = await startServer();
    await server.stop();
    const connection = postgres(server.url, { max: 1, connect_timeout: 5 });
    await expect(connection`select 1`.then(() => 'answered')).rejects.toThrow('ECONNREFUSED');
    await connection.end();
  }, 60_000);

  test('stops when the process that started it is killed', async () => {
    const starter = spawn(process.execPath, [join(import.meta.dir, 'postgres-starter.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ENTREPOT_TEST_POSTGRES: undefined },
    });
    const url = await new Promise<string>((resolve) => {
      starter.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    });
    const connection = connect(url);
    const [row] = await connection`show data_directory`;
    const directory = dirname(String(row?.data_directory));
    expect(existsSync(directory)).toBe(true);
    starter.kill('SIGKILL');
    for (let look = 0; look < 1000 && existsSync(directory); look++) await Bun.sleep(20);
    expect(existsSync(directory)).toBe(false);
  }, 60_000);
});
