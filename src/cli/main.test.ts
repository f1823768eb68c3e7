// The command as a process: what it prints, where, and with which exit code.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dir, 'main.ts');
let folder: string;
let running: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-cli-'));
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
  rmSync(folder, { recursive: true });
});

function start(args: readonly string[], env: Record<string, string> = {}, input?: string) {
  const child = spawn(process.execPath, ['--no-env-file', main, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  running.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }));
  });
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = () => out.includes(text) && resolve(out);
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`ended without "${text}": ${out}${err}`)));
      look();
    });
  return { child, ended, said };
}

test.each([
  [['--lisen', 'x'], '--lisen is not a flag. Did you mean "--listen"? See: entrepot help\n'],
  [['config', 'check', '--listen', 'x'], '--listen: "x" is not an address to listen on'],
  [['config', 'check', '--listen', '0.0.0.0:0'], 'without TLS would send everything in the clear'],
  [['serve', '--listen', '0.0.0.0:0'], 'without TLS would send everything in the clear'],
] as [string[], string][])(
  '%p is refused with a sentence and exit code 2',
  async (args, sentence) => {
    const { code, out, err } = await start(args).ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(sentence);
    expect(err).not.toContain('    at ');
  },
);

test('config show and config check read variables and the file', async () => {
  writeFileSync(join(folder, 'e.yaml'), 'upload-age: 2h\n');
  const env = { ENTREPOT_CONFIG: 'e.yaml', ENTREPOT_MISSING_PARTS: 'any' };
  const shown = await start(['config', 'show'], env).ended;
  expect(shown.code).toBe(0);
  expect(shown.out).toMatch(/^upload-age = 2h\s+# .*e\.yaml, line 1$/m);
  expect(shown.out).toMatch(/^missing-parts = any\s+# ENTREPOT_MISSING_PARTS$/m);
  expect(await start(['config', 'check'], env).ended).toMatchObject({ code: 0, err: '' });
});

test('help has examples, version is a version, the schema is JSON', async () => {
  expect((await start(['--help']).ended).out).toContain('entrepot serve --tls auto');
  expect((await start(['version']).ended).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(JSON.parse((await start(['config', 'schema']).ended).out)).toHaveProperty(
    'properties.listen',
  );
});

test('serve greets, answers, and ends well on a signal', async () => {
  const { child, ended, said } = start([
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--log',
    'info,format=text',
  ]);
  const greeting = await said('Ctrl-C stops.');
  const address = /listens on (http:\S+)/.exec(greeting)?.[1] ?? '';
  expect((await fetch(`${address}/livez`)).status).toBe(200);
  expect(greeting).toContain(`The data is in ${join(folder, 'data')}`);
  child.kill('SIGINT');
  child.kill('SIGINT'); // the same press, passed on by npm
  const { code, out, err } = await ended;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('Stopping when the requests in progress have ended');
}, 20_000);

test('beside a server that runs, a password is reset and works at once; commands speak to it', async () => {
  const server = start(['--listen', '127.0.0.1:0']);
  const said = (await server.said('listening')).split('\n');
  const { url } = JSON.parse(said.find((one) => one.includes('listening')) ?? '') as {
    url: string;
  };
  const env = { ENTREPOT_SERVER: url };
  const password = 'tulips in the rain';
  const reset = ['admin', 'reset-password', '--password-stdin'];
  const done = await start(reset, {}, `${password}\n`).ended;
  expect(done).toMatchObject({ code: 0, out: '' });
  const signIn = ['login', '--user', 'admin', '--password-stdin'];
  expect((await start(signIn, env, password).ended).code).toBe(0);
  const me = await start(['whoami', '--json']).ended;
  expect(JSON.parse(me.out)).toMatchObject({ name: 'admin', isAdministrator: true });
  const wrong = await start(['user', 'show', 'nobody']).ended;
  expect(wrong).toEqual({ code: 1, out: '', err: 'There is no user "nobody".\n' });
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
}, 30_000);

test('without a terminal the greeting is one line of JSON, and a taken port is a sentence', async () => {
  const first = start(['--listen', '127.0.0.1:0']);
  const line =
    (await first.said('listening')).split('\n').find((one) => one.includes('listening')) ?? '';
  const { url } = JSON.parse(line) as { url: string };
  const second = await start(['--listen', new URL(url).host, '--data', 'other']).ended;
  expect(second.code).toBe(1);
  expect(second.err).toContain(new URL(url).port);
  expect(second.err).toContain('--listen');
  expect(second.err).not.toContain('    at ');
  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
}, 20_000);

test('a database that does not answer is a sentence without its password', async () => {
  const database = 'postgres://someone:s3cret@127.0.0.1:1/registry';
  const { code, err } = await start(['--listen', '127.0.0.1:0', '--database', database]).ended;
  expect(code).toBe(1);
  expect(err).toContain('The database postgres://someone:hidden@127.0.0.1:1/registry');
  expect(err).not.toContain('s3cret');
  expect(err).not.toContain('    at ');
}, 20_000);

test('a file that is no database is named', async () => {
  const path = join(folder, 'no.db');
  writeFileSync(path, 'something else, and long enough to be looked at '.repeat(100));
  const database = `sqlite:${path}`;
  const { code, err } = await start(['--listen', '127.0.0.1:0', '--database', database]).ended;
  expect(code).toBe(1);
  expect(err).toContain(`The database ${path} cannot be opened: file is not a database.`);
}, 20_000);

test('a data directory that cannot be one is a sentence', async () => {
  writeFileSync(join(folder, 'file'), '');
  const { code, err } = await start(['--listen', '127.0.0.1:0', '--data', 'file']).ended;
  expect(code).toBe(1);
  expect(err).toContain(`data directory ${join(folder, 'file')}`);
  expect(err).not.toContain('    at ');
}, 20_000);
