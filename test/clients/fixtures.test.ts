// The tests of clients rest on these parts: a program made by hand, archives, images from seeds,
// commands with a time limit. Each is held to what the clients' tests believe of it.
import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requires } from '../support/requires.ts';
import { startBackgroundProcess } from './background-process.ts';
import { writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { runCommand, runRefusedCommand } from './run-command.ts';
import { seededBytes, sha256 } from './seeded-bytes.ts';
import { hostArchitecture, staticProgram } from './static-program.ts';
import { tarOf } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-fixtures-'));
const options = { cwd: directory, env: { PATH: '/usr/bin:/bin' } };
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a program made by hand', () => {
  const architecture = process.platform === 'linux' ? hostArchitecture() : undefined;
  const runs = requires(
    'a made program',
    architecture !== undefined,
    'needs Linux on x64 or arm64',
  );
  runs('prints its text and ends well', async () => {
    const path = join(directory, 'program');
    writeFileSync(path, staticProgram('made by hand', architecture ?? 'amd64'));
    chmodSync(path, 0o755);
    expect((await runCommand([path], options)).stdout).toBe('made by hand');
  });

  test('has code for both processors', () => {
    const arm = staticProgram('text', 'arm64');
    expect(arm.readUInt16LE(18)).toBe(183);
    expect(arm.toString('latin1')).toEndWith('text');
  });
});

describe('an archive', () => {
  test('is read by tar', async () => {
    const archive = join(directory, 'archive.tar');
    const bytes = seededBytes('archive', 1000);
    writeFileSync(archive, tarOf([{ path: 'one/two', bytes, mode: 0o755 }]));
    const listed = await runCommand(['tar', '-tvf', archive], options);
    expect(listed.stdout).toMatch(/^-rwxr-xr-x .* 1000 .* one\/two\n$/);
  });
});

describe('images from seeds', () => {
  test('are the same for the same seed, and different for another', () => {
    const write = (name: string, seed: string) =>
      writeImageLayout(join(directory, name), 'v1', { seed, layerBytes: [100] }).digest;
    expect(write('a', 'one')).toBe(write('b', 'one'));
    expect(write('c', 'two')).not.toBe(write('a', 'one'));
    expect(seededBytes('x', 10)).not.toEqual(seededBytes('y', 10));
  });

  test('are found in the layout by their digests', () => {
    const layout = join(directory, 'index');
    const { index, images } = writeIndexLayout(layout, 'v1', { seed: 'index' });
    for (const { digest } of [index, ...images]) {
      const bytes = readFileSync(join(layout, 'blobs', 'sha256', digest.slice(7)));
      expect(sha256(bytes)).toBe(digest);
    }
  });
});

describe('a command', () => {
  test('that fails tells the whole story', async () => {
    const story = runCommand(['sh', '-c', 'echo out; echo err >&2; exit 3'], {
      ...options,
      logs: () => 'the registry said so',
    });
    const message = String(await story.catch((error: unknown) => error));
    for (const part of ["sh -c 'echo out", 'exit code 3', 'out', 'err', 'the registry said so']) {
      expect(message).toContain(part);
    }
  });

  test('that hangs is ended', async () => {
    const hung = runCommand(['sleep', '600'], { ...options, timeoutMs: 100 });
    expect(String(await hung.catch((error: unknown) => error))).toContain('SIGKILL');
  });

  test('that must fail and does not is an error', async () => {
    const refused = runRefusedCommand(['true'], options);
    expect(String(await refused.catch((error: unknown) => error))).toContain('must fail');
    expect((await runRefusedCommand(['false'], options)).exitCode).toBe(1);
  });
});

describe('a process in the background', () => {
  test('is awaited by what it prints, and stopped', async () => {
    const server = startBackgroundProcess(['sh', '-c', 'echo port 1234; exec sleep 600'], options);
    expect((await server.waitForOutput(/port (\d+)/, 10_000))[1]).toBe('1234');
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrow();
  });

  test('that ends too early says what it wrote', async () => {
    const server = startBackgroundProcess(['sh', '-c', 'echo no disk >&2; exit 1'], options);
    const waited = server.waitForOutput(/ready/, 10_000).catch((error: unknown) => error);
    expect(String(await waited)).toContain('no disk');
  });
});
