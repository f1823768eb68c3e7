// Runs the tests of all clients and writes what they showed into docs/clients.md:
//   node bin/run.mjs test/clients/write-matrix.ts
// Against a registry that is not Entrepot it prints the matrix, and leaves the document alone.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENT_NAMES } from './client-names.ts';
import { clientDaemonVersion, clientVersion } from './client-versions.ts';
import { type ClientRow, readResults, renderMatrix, replaceMatrix } from './matrix.ts';

const ROOT = join(import.meta.dir, '..', '..');
const DOCUMENT = join(ROOT, 'docs', 'clients.md');

function clientRows(): readonly ClientRow[] {
  const clients = CLIENT_NAMES.map((name) => {
    const daemon = clientDaemonVersion(name);
    const version = clientVersion(name) ?? 'not installed';
    return { name, version: daemon === undefined ? version : `${version} (daemon ${daemon})` };
  });
  const node = clientDaemonVersion('ctr');
  const kubernetes = node === undefined ? 'not installed' : `node with containerd ${node}`;
  return [
    ...clients,
    { name: 'kubernetes', version: kubernetes },
    { name: 'exchange', version: '' },
  ];
}

/** Runs the tests; their output goes to the terminal, their results come back as JUnit. */
function runTests(directory: string): Readonly<{ junit: string; exitCode: number }> {
  const file = join(directory, 'results.xml');
  const reporter = ['--reporter=junit', `--reporter-outfile=${file}`];
  const run = Bun.spawnSync([process.execPath, 'test', 'test/clients', ...reporter], {
    cwd: ROOT,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  return { junit: readFileSync(file, 'utf8'), exitCode: run.exitCode };
}

function version(): string {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}

const directory = mkdtempSync(join(tmpdir(), 'entrepot-matrix-'));
try {
  const { junit, exitCode } = runTests(directory);
  const day = new Date().toISOString().slice(0, 10);
  const given = process.env.ENTREPOT_TEST_REGISTRY_URL;
  const registry = given === undefined ? `Entrepot ${version()}` : given;
  const about = `Run on ${day} with ${registry}, on ${process.platform} ${process.arch}.`;
  const matrix = `${about}\n\n${renderMatrix(clientRows(), readResults(junit))}`;
  if (given === undefined) {
    writeFileSync(DOCUMENT, replaceMatrix(readFileSync(DOCUMENT, 'utf8'), matrix));
  } else {
    console.log(matrix);
  }
  process.exitCode = exitCode;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
