// oras: any file as an artifact, and referrers. Knows only its commands.
import { expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { heldBlob, heldImage, heldManifest, heldTags, manifestStatus } from './registry-content.ts';
import { seededBytes, sha256 } from './seeded-bytes.ts';

const PLAIN = '--plain-http';
const BOTH_PLAIN = ['--from-plain-http', '--to-plain-http'];

describeClient('oras', ({ check, run, refused, image, repository, registry, directory }) => {
  /** Pushes one file of random bytes as an artifact; answers its bytes and the artifact's digest. */
  async function pushed(name: string): Promise<Readonly<{ bytes: Buffer; digest: string }>> {
    const cwd = directory(`from-${name}`);
    const bytes = seededBytes(`oras ${name}`, 200_000);
    writeFileSync(join(cwd, 'data.bin'), bytes);
    const target = image(`oras/${name}:v1`);
    const type = ['--artifact-type', 'application/x.data'];
    await run(['push', PLAIN, ...type, target, 'data.bin:application/x.file'], { cwd });
    const held = await heldImage(registry(), repository(`oras/${name}`), 'v1');
    return { bytes, digest: held.digest };
  }

  async function attached(name: string, type: string): Promise<void> {
    const cwd = directory(`attach-${name}`);
    writeFileSync(join(cwd, 'report.json'), `{"type":"${type}"}`);
    const subject = image(`oras/${name}:v1`);
    await run(['attach', PLAIN, '--artifact-type', type, subject, 'report.json'], { cwd });
  }

  async function referrers(name: string, more: readonly string[] = []): Promise<string> {
    const arguments_ = ['discover', PLAIN, '--format', 'json', ...more, image(`oras/${name}:v1`)];
    return (await run(arguments_)).stdout;
  }

  check('pushes and pulls a file', async () => {
    const { bytes } = await pushed('file');
    const target = directory('to-file');
    await run(['pull', PLAIN, '-o', target, image('oras/file:v1')]);
    expect(sha256(readFileSync(join(target, 'data.bin')))).toBe(sha256(bytes));
  });

  check('attaches artifacts and discovers them by type', async () => {
    await pushed('attach');
    await attached('attach', 'application/x.sbom');
    await attached('attach', 'application/x.scan');
    const all = await referrers('attach');
    expect(all).toContain('application/x.sbom');
    expect(all).toContain('application/x.scan');
    const one = await referrers('attach', ['--artifact-type', 'application/x.scan']);
    expect(one).toContain('application/x.scan');
    expect(one).not.toContain('application/x.sbom');
    // A registry that answers OCI-Subject spares the client its fallback tag.
    expect(await heldTags(registry(), repository('oras/attach'))).toEqual(['v1']);
  });

  check('copies an artifact with all that refers to it', async () => {
    const { digest } = await pushed('copy');
    await attached('copy', 'application/x.sbom');
    await run(['copy', '-r', ...BOTH_PLAIN, image('oras/copy:v1'), image('oras/copied:v1')]);
    expect((await heldImage(registry(), repository('oras/copied'), 'v1')).digest).toBe(digest);
    expect(await referrers('copied')).toContain('application/x.sbom');
  });

  check('fetches a manifest as it is', async () => {
    const { digest } = await pushed('manifest');
    const fetched = await run(['manifest', 'fetch', PLAIN, image('oras/manifest:v1')]);
    expect(sha256(Buffer.from(fetched.stdout))).toBe(digest);
    const about = ['manifest', 'fetch', PLAIN, '--descriptor', image('oras/manifest:v1')];
    expect((await run(about)).stdout).toContain(digest);
  });

  check('pushes, fetches and deletes a manifest', async () => {
    await pushed('manifest-push');
    const cwd = directory('manifest-push');
    const { bytes } = await heldManifest(registry(), repository('oras/manifest-push'), 'v1');
    writeFileSync(join(cwd, 'manifest.json'), bytes);
    const target = image('oras/manifest-push:v2,v3');
    await run(['manifest', 'push', PLAIN, target, 'manifest.json'], { cwd });
    const digest = sha256(bytes);
    for (const tag of ['v2', 'v3']) {
      const held = await heldManifest(registry(), repository('oras/manifest-push'), tag);
      expect(held.digest).toBe(digest);
    }
    await run(['manifest', 'delete', PLAIN, '-f', image(`oras/manifest-push@${digest}`)]);
    expect(await manifestStatus(registry(), repository('oras/manifest-push'), 'v3')).toBe(404);
  });

  check('pushes, fetches and deletes a blob', async () => {
    const cwd = directory('blob');
    const bytes = seededBytes('oras blob', 100_000);
    const digest = sha256(bytes);
    writeFileSync(join(cwd, 'blob'), bytes);
    await run(['blob', 'push', PLAIN, image('oras/blob'), 'blob'], { cwd });
    await heldBlob(registry(), repository('oras/blob'), digest, bytes.length);
    const name = image(`oras/blob@${digest}`);
    await run(['blob', 'fetch', PLAIN, '-o', 'fetched', name], { cwd });
    expect(sha256(readFileSync(join(cwd, 'fetched')))).toBe(digest);
    await run(['blob', 'delete', PLAIN, '-f', name]);
    await refused(['blob', 'fetch', PLAIN, '-o', 'again', name], { cwd });
  });

  check('lists tags and repositories', async () => {
    await pushed('listed');
    await run(['tag', PLAIN, image('oras/listed:v1'), 'stable']);
    const tags = await run(['repo', 'tags', PLAIN, image('oras/listed')]);
    expect(tags.stdout.trim().split('\n')).toEqual(['stable', 'v1']);
    const repositories = await run(['repo', 'ls', PLAIN, registry().host]);
    expect(repositories.stdout.split('\n')).toContain(repository('oras/listed'));
  });

  check('says what is unknown', async () => {
    const missing = await refused(['manifest', 'fetch', PLAIN, image('oras/absent:v1')]);
    expect(missing.stderr.toLowerCase()).toContain('not found');
  });
});
