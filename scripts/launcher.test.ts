// The launchers of bin/, as processes under Node: when they install, what they run, how they end. npm is
// a stand-in here that notes its arguments and "installs" the Bun that runs this test.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { findClient } from '../test/support/clients.ts';
import { requires } from '../test/support/requires.ts';

const root = resolve(import.meta.dir, '..');
const node = findClient('node') ?? 'node';
const NOBODY = 65_534;
let checkout: string;
let children: ChildProcess[] = [];

interface Package {
  readonly version: string;
  readonly dev?: true;
  readonly optional?: true;
}
const BUN: Package = { version: '1.0.0' };
const TOOL: Package = { version: '2.0.0', dev: true };
const ELSEWHERE: Package = { version: '3.0.0', optional: true };

function writeLock(packages: Record<string, Package>): void {
  const entries = Object.fromEntries(
    Object.entries(packages).map(([name, entry]) => [`node_modules/${name}`, entry]),
  );
  writeFileSync(
    join(checkout, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...entries } }),
  );
}

/** @param place where the stand-in leaves the binary, as npm would with and without install scripts */
function writeNpm({ place = 'bun/bin/bun.exe', refusesLock = false, exitCode = 0 } = {}): void {
  const script = `#!/bin/sh
echo "$@" >> "${checkout}/npm.log"
${refusesLock ? 'if [ "$1" = ci ]; then echo "npm error code EUSAGE" >&2; exit 1; fi' : ''}
if [ ${exitCode} -ne 0 ]; then echo "npm error no network" >&2; exit ${exitCode}; fi
m="${checkout}/node_modules"
mkdir -p "$m/bun/bin" "$m/$(dirname ${place})" "$m/tool"
echo '{"name":"bun"}' > "$m/bun/package.json"
echo placeholder > "$m/bun/bin/bun.exe"
ln -sf "${process.execPath}" "$m/${place}"
cp "${checkout}/package-lock.json" "$m/.package-lock.json"
`;
  mkdirSync(join(checkout, 'path'), { recursive: true });
  writeFileSync(join(checkout, 'path/npm'), script, { mode: 0o755 });
}

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'entrepot-launcher-'));
  cpSync(join(root, 'bin'), join(checkout, 'bin'), { recursive: true });
  mkdirSync(join(checkout, 'src/cli'), { recursive: true });
  writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(checkout, 'src/cli/main.ts'),
    `console.log('ran', ...process.argv.slice(2)); process.exitCode = 7;`,
  );
  writeLock({ bun: BUN, elsewhere: ELSEWHERE });
  writeNpm();
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(checkout, { recursive: true });
});

function start(
  file: string,
  args: readonly string[] = [],
  account: { uid?: number; gid?: number } = {},
) {
  const path = [join(checkout, 'path'), dirname(node), '/usr/bin', '/bin'].join(delimiter);
  const child = spawn(node, [join(checkout, 'bin', file), ...args], {
    cwd: checkout,
    env: { PATH: path, HOME: checkout },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...account,
  });
  children.push(child);
  let [out, err] = ['', ''];
  const waiting: (() => void)[] = [];
  child.stdout.on('data', (chunk) => {
    out += chunk;
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((settle) => {
    child.once('close', (code) => settle({ code, out, err }));
  });
  const said = (text: string) =>
    new Promise<void>((settle) => {
      const look = () => out.includes(text) && settle();
      waiting.push(look);
      look();
    });
  return { child, ended, said };
}

const calls = (): string[] =>
  existsSync(join(checkout, 'npm.log'))
    ? readFileSync(join(checkout, 'npm.log'), 'utf8').trim().split('\n')
    : [];

test('the first start installs and says so, the second does not; arguments and exit code pass', async () => {
  const first = await start('entrepot.mjs', ['serve', '--listen', 'a b']).ended;
  expect(first.out).toBe('ran serve --listen a b\n');
  expect(first.code).toBe(7);
  expect(first.err).toStartWith('Installing packages into ');
  expect(calls()).toHaveLength(1);
  expect(calls()[0]).toMatch(/^ci .*--omit=dev$/);
  expect(await start('entrepot.mjs', []).ended).toEqual({ code: 7, out: 'ran\n', err: '' });
  expect(calls()).toHaveLength(1);
});

test('a changed version is installed, a package for another system is not missed', async () => {
  await start('entrepot.mjs').ended;
  writeLock({ bun: { version: '1.0.1' }, elsewhere: ELSEWHERE });
  await start('entrepot.mjs').ended;
  expect(calls()).toHaveLength(2);
  await start('entrepot.mjs').ended;
  expect(calls()).toHaveLength(2);
});

test('tools for development are wanted by tests and benchmarks only', async () => {
  writeFileSync(join(checkout, 'one.ts'), `console.log('one', ...process.argv.slice(2));`);
  await start('entrepot.mjs').ended;
  writeLock({ bun: BUN, tool: TOOL });
  expect((await start('entrepot.mjs').ended).code).toBe(7);
  expect(calls()).toHaveLength(1);
  rmSync(join(checkout, 'node_modules/tool'), { recursive: true });
  expect((await start('run.mjs', [join(checkout, 'one.ts'), 'x']).ended).out).toBe('one x\n');
  expect(calls()).toHaveLength(2);
  expect(calls()[1]).not.toContain('--omit');
});

test('with install scripts blocked, Bun is found where npm unpacked it', async () => {
  writeNpm({ place: '@oven/bun-this-system/bin/bun' });
  expect((await start('entrepot.mjs').ended).out).toBe('ran\n');
  expect((await start('entrepot.mjs').ended).err).toBe('');
});

test('a lock file that this npm refuses is no end', async () => {
  writeNpm({ refusesLock: true });
  const { code, err } = await start('entrepot.mjs').ended;
  expect(code).toBe(7);
  expect(err).toContain('package-lock.json is not complete');
  expect(calls().map((call) => call.split(' ')[0])).toEqual(['ci', 'install']);
});

test('without network, or without npm, a sentence', async () => {
  writeNpm({ exitCode: 1 });
  const { code, err } = await start('entrepot.mjs').ended;
  expect(code).toBe(1);
  expect(err).toContain('npm error no network');
  expect(err).toContain('Check the network, then run "npm ci"');
  expect(err).not.toContain('    at ');
});

requires(
  'root',
  process.getuid?.() === 0,
  'only root can start a process as another user',
)('another user in a checkout that is not theirs gets a sentence', async () => {
  chmodSync(checkout, 0o755);
  const { code, err } = await start('entrepot.mjs', [], { uid: NOBODY, gid: NOBODY }).ended;
  expect(code).toBe(1);
  expect(err).toContain('may not be written by this user');
  chownSync(checkout, NOBODY, NOBODY);
  expect((await start('entrepot.mjs', [], { uid: NOBODY, gid: NOBODY }).ended).code).toBe(7);
});

test('signals go on to the program, and its end is waited for', async () => {
  writeFileSync(
    join(checkout, 'src/cli/main.ts'),
    `process.on('SIGTERM', () => { console.log('draining'); setTimeout(() => process.exit(0), 50); });
     setInterval(() => {}, 1000); console.log('up');`,
  );
  const { child, ended, said } = start('entrepot.mjs');
  await said('up');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, out: 'up\ndraining\n' });
});

test('a .env file in the folder of the caller is not read', async () => {
  writeFileSync(
    join(checkout, 'src/cli/main.ts'),
    `console.log(process.env.ENTREPOT_LISTEN ?? 'none');`,
  );
  await start('entrepot.mjs').ended;
  writeFileSync(join(checkout, '.env'), 'ENTREPOT_LISTEN=0.0.0.0:1\n');
  expect((await start('entrepot.mjs').ended).out).toBe('none\n');
});

test('an old Node is told what is needed, and run.mjs asks for a file', async () => {
  writeFileSync(
    join(checkout, 'bin/old.mjs'),
    `import { checkNode, fail } from './prepare.mjs'; try { checkNode('18.19.0'); } catch (error) { fail(error); }`,
  );
  expect(await start('old.mjs').ended).toMatchObject({
    code: 1,
    err: expect.stringContaining('needs Node 20 or later; this is Node 18.19.0'),
  });
  expect(await start('run.mjs').ended).toMatchObject({
    code: 2,
    err: expect.stringContaining('Name the file to run'),
  });
});
