// buildah: images built without a daemon, in chroot isolation. Knows only its commands.
import { expect } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { heldImage } from './registry-content.ts';
import { seededBytes } from './seeded-bytes.ts';
import { hostArchitecture, staticProgram } from './static-program.ts';

describeClient('buildah', (suite) => {
  const { check, checkIf, run, refused, image, repository, registry, directory } = suite;
  const architecture = hostArchitecture();
  const held = (name: string, tag = 'v1') =>
    heldImage(registry(), repository(`buildah/${name}`), tag);

  /** A context with a program, a file and a Dockerfile that uses both. */
  function context(name: string): string {
    const cwd = directory(`context-${name}`);
    writeFileSync(join(cwd, 'data'), seededBytes(`buildah ${name}`, 50_000));
    writeFileSync(join(cwd, 'hello'), staticProgram(`built ${name}`, architecture ?? 'amd64'));
    chmodSync(join(cwd, 'hello'), 0o755);
    const lines = ['FROM scratch', 'COPY hello /hello', 'COPY data /data', 'CMD ["/hello"]'];
    writeFileSync(join(cwd, 'Dockerfile'), lines.join('\n'));
    return cwd;
  }

  check('makes an image from scratch, commits, pushes and pulls it', async () => {
    const cwd = context('scratch');
    const container = (await run(['from', 'scratch'])).stdout.trim();
    await run(['copy', container, join(cwd, 'data'), '/data']);
    await run(['config', '--label', 'made=here', container]);
    const name = image('buildah/scratch:v1');
    await run(['commit', '--rm', container, name]);
    const digests = join(cwd, 'digest');
    await run(['push', '--digestfile', digests, name]);
    const digest = await Bun.file(digests).text();
    expect((await held('scratch')).digest).toBe(digest.trim());
    await run(['rmi', name]);
    await run(['pull', name]);
    expect((await run(['images', '--digests'])).stdout).toContain(digest.trim());
  });

  check('builds a Dockerfile with layers, and again from its cache', async () => {
    const cwd = context('layers');
    const name = image('buildah/layers:v1');
    const build = ['bud', '--layers', '-t', name, '.'];
    await run(build, { cwd });
    await run(['push', name]);
    const first = await held('layers');
    expect(first.content.layers?.length).toBe(2);
    const again = await run(build, { cwd });
    expect(again.stdout + again.stderr).toContain('Using cache');
    await run(['push', name]);
    expect((await held('layers')).digest).toBe(first.digest);
  });

  checkIf(architecture !== undefined, 'no program can be written for this processor')(
    'builds on an image that it pulls, and runs a program in it',
    async () => {
      const base = image('buildah/base:v1');
      await run(['bud', '-t', base, '.'], { cwd: context('base') });
      await run(['push', base]);
      await run(['rmi', base]);
      const cwd = directory('context-derived');
      writeFileSync(join(cwd, 'Dockerfile'), `FROM ${base}\nRUN ["/hello"]\nLABEL derived=yes\n`);
      const name = image('buildah/derived:v1');
      const built = await run(['bud', '-t', name, '.'], { cwd });
      expect(built.stdout).toContain('built base');
      await run(['push', name]);
      await held('derived');
    },
  );

  check('pushes in the form of Docker and of OCI', async () => {
    const name = image('buildah/forms:v1');
    await run(['bud', '-t', name, '.'], { cwd: context('forms') });
    const target = `docker://${image('buildah/forms')}`;
    await run(['push', '--format', 'v2s2', name, `${target}:docker`]);
    await run(['push', '--format', 'oci', name, `${target}:oci`]);
    expect((await held('forms', 'docker')).mediaType).toContain('docker.distribution.manifest.v2');
    expect((await held('forms', 'oci')).mediaType).toContain('oci.image.manifest');
  });

  check('pushes a list of platforms', async () => {
    const list = image('buildah/list:v1');
    await run(['manifest', 'create', list]);
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const build = ['bud', '--platform', platform, '--manifest', list, '.'];
      await run(build, { cwd: context('list') });
    }
    await run(['manifest', 'push', '--all', list, `docker://${list}`]);
    const platforms = (await held('list')).content.manifests ?? [];
    const architectures = platforms.map((child) => child.platform?.architecture);
    expect(architectures.sort()).toEqual(['amd64', 'arm64']);
  });

  check('says what is unknown', async () => {
    const missing = await refused(['pull', image('buildah/absent:v1')]);
    expect(missing.stderr).toMatch(/name unknown|manifest unknown|no repository|no such manifest/i);
  });
});
