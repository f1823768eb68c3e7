// What must be true before any TypeScript of this checkout can run: a new enough Node, the packages
// of the lock file, and Bun's binary. Plain JavaScript without dependencies, because nothing is
// installed yet when it runs. Knows nothing of the registry itself.
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { constants as osConstants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runtimeEnvironment } from './runtime-environment.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const OLDEST_NODE = 20;
/** The npm package carries a text of a few hundred bytes where its install script puts the binary. */
const SMALLEST_BINARY_BYTES = 1_000_000;
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A problem that a person can solve: shown as a sentence, without a stack trace. */
export class NotReady extends Error {}

export function checkNode(version = process.versions.node) {
  if (Number.parseInt(version, 10) < OLDEST_NODE) {
    throw new NotReady(
      `Entrepot needs Node ${OLDEST_NODE} or later; this is Node ${version}. Install a newer one from your system's packages.`,
    );
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined;
    throw new NotReady(`${path} cannot be read: ${cause.message}`);
  }
}

/**
 * Which packages of the lock file are not installed in that version. Compares contents, because the
 * times of files say nothing after a checkout or a copy. Optional packages may be absent (another system).
 * @param {{ directory: string, development: boolean }} options
 * @returns {string[]}
 */
export function missingPackages({ directory, development }) {
  const wanted = readJson(join(directory, 'package-lock.json'))?.packages;
  if (wanted === undefined) return []; // an installed package, not a checkout: npm has done its work
  const present = readJson(join(directory, 'node_modules/.package-lock.json'))?.packages ?? {};
  const missing = [];
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || (entry.dev && !development)) continue;
    const installed = present[path];
    const absent = installed === undefined || !existsSync(join(directory, path));
    if (absent ? !entry.optional && !entry.devOptional : installed.version !== entry.version)
      missing.push(path);
  }
  return missing;
}

function runNpm(args, directory) {
  // Under `npm start` npm names its own program; a checkout may also be started without npm.
  const own = process.env.npm_execpath;
  const [program, first] =
    own && /npm-cli\.js$/.test(own) ? [process.execPath, [own]] : ['npm', []];
  return spawnSync(program, [...first, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

function install({ directory, development }) {
  try {
    const modules = join(directory, 'node_modules');
    accessSync(existsSync(modules) ? modules : directory, constants.W_OK);
  } catch {
    throw new NotReady(
      `Packages are missing, and ${directory} may not be written by this user. Run "npm ci" there as its owner, or copy the checkout to a place of your own.`,
    );
  }
  // A checkout that already has the tools for development keeps them.
  const hasTools = existsSync(join(directory, 'node_modules/typescript'));
  const options = ['--loglevel=error', '--no-audit', '--no-fund'];
  if (!development && !hasTools) options.push('--omit=dev');
  process.stderr.write(
    `Installing packages into ${join(directory, 'node_modules')} (only when something is missing) ...\n`,
  );
  let result = runNpm(['ci', ...options], directory);
  if (/EUSAGE/.test(result.stderr ?? '')) {
    process.stderr.write(
      'package-lock.json is not complete for this registry: installing by package.json and what the lock file does hold.\n',
    );
    result = runNpm(['install', '--no-save', ...options], directory);
  }
  if (result.error) {
    throw new NotReady(
      `Packages are missing, and npm could not be run (${result.error.message}). Install npm, then run "npm ci" in ${directory}.`,
    );
  }
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    throw new NotReady(
      `npm could not install the packages; what it said stands above. Check the network, then run "npm ci" in ${directory}.`,
    );
  }
}

function isBinary(path) {
  try {
    return statSync(path).size >= SMALLEST_BINARY_BYTES;
  } catch {
    return false;
  }
}

function makeExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, 0o755);
  }
  return path;
}

/**
 * Bun's binary: where the install script of its package puts it, or, when install scripts are blocked,
 * where npm unpacked it. Of several the first that runs is taken (glibc and musl can lie side by side).
 * @returns {string | undefined}
 */
export function findBun(directory) {
  let packageDirectory;
  try {
    packageDirectory = dirname(
      createRequire(join(directory, 'package.json')).resolve('bun/package.json'),
    );
  } catch {
    return undefined;
  }
  const linked = join(packageDirectory, 'bin/bun.exe');
  if (isBinary(linked)) return makeExecutable(linked);
  const unpacked = join(packageDirectory, '../@oven');
  if (!existsSync(unpacked)) return undefined;
  const candidates = readdirSync(unpacked)
    .sort()
    .flatMap((name) => [join(unpacked, name, 'bin/bun'), join(unpacked, name, 'bin/bun.exe')])
    .filter(isBinary)
    .map(makeExecutable);
  if (candidates.length < 2) return candidates[0];
  return candidates.find(
    (path) => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0,
  );
}

/**
 * Makes the checkout runnable and answers where Bun is.
 * @param {{ development: boolean, directory?: string }} options
 * @returns {string}
 */
export function prepare({ development, directory = root }) {
  checkNode();
  let bun = findBun(directory);
  if (bun === undefined || missingPackages({ directory, development }).length > 0) {
    install({ directory, development });
    bun = findBun(directory);
  }
  if (bun === undefined) {
    throw new NotReady(
      `Bun's binary is not in ${join(directory, 'node_modules')}: there is none for ${process.platform} on ${process.arch}, or optional packages were left out. Run "npm ci --include=optional" there.`,
    );
  }
  return bun;
}

/**
 * Runs a TypeScript file with Bun in place of this process: same arguments, streams, signals and exit.
 * Settings come from flags, environment and entrepot.yaml only, so stray .env files are not read.
 */
export function runInstead({ bun, file, args }) {
  const child = spawn(bun, ['--no-env-file', '--no-install', file, ...args], {
    env: { ...runtimeEnvironment, ...process.env },
    stdio: 'inherit',
  });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(new NotReady(`${bun} could not be started: ${error.message}`)));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (osConstants.signals[signal] ?? 0);
  });
}

export function fail(error) {
  if (!(error instanceof NotReady)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
