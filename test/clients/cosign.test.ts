// cosign: signatures and attestations beside the image, with a key of our own and without any
// public service. Knows both ways of keeping them: referrers, and tags made of the digest.
import { expect } from 'bun:test';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { writeIndexLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { heldImage, heldTags, manifestStatus } from './registry-content.ts';
import { authorizationOf } from './registry-under-test.ts';

/** Signatures as tags, and no word to the public log: the way of cosign before version 3. */
const OLD_FORM = ['--new-bundle-format=false', '--tlog-upload=false', '--use-signing-config=false'];
const NO_LOG = '--insecure-ignore-tlog=true';

describeClient('cosign', ({ check, run, refused, image, repository, registry, directory }) => {
  const inKeys = (name: string) => join(directory('keys'), name);
  const signingKey = () => ['--key', inKeys('cosign.key')];
  const publicKey = () => ['--key', inKeys('cosign.pub'), NO_LOG];

  /** A pair of keys, and settings that name no service to talk to. */
  async function prepareKeys(): Promise<readonly string[]> {
    const settings = inKeys('signing.json');
    const roots = inKeys('roots.json');
    if (!existsSync(roots)) {
      await run(['generate-key-pair'], { cwd: directory('keys') });
      await run(['signing-config', 'create', '--out', settings]);
      await run(['trusted-root', 'create', '--out', roots]);
    }
    return ['--signing-config', settings, '--trusted-root', roots];
  }

  async function pushed(name: string): Promise<Readonly<{ digest: string; name: string }>> {
    const layout = directory(`layout-${name}`);
    const recipe = { seed: `cosign ${name}`, layerBytes: [50_000] };
    const { index } = writeIndexLayout(layout, 'v1', recipe);
    await pushLayout(registry(), repository(`cosign/${name}`), layout);
    return { digest: index.digest, name: image(`cosign/${name}@${index.digest}`) };
  }

  check('signs, verifies and shows a signature that refers to the image', async () => {
    const offline = await prepareKeys();
    const subject = await pushed('sign');
    await run(['sign', '-y', ...signingKey(), ...offline, subject.name]);
    const verified = await run(['verify', ...publicKey(), subject.name]);
    expect(verified.stdout).toContain(subject.digest);
    expect((await run(['tree', subject.name])).stdout).toContain('sigstore.dev/cosign/sign/v1');
    expect(await heldTags(registry(), repository('cosign/sign'))).toEqual(['v1']);
  });

  check('signs and verifies each platform of an index', async () => {
    const offline = await prepareKeys();
    const subject = await pushed('recursive');
    await run(['sign', '-y', '-r', ...signingKey(), ...offline, subject.name]);
    const held = await heldImage(registry(), repository('cosign/recursive'), subject.digest);
    for (const child of held.content.manifests ?? []) {
      const verified = await run([
        'verify',
        ...publicKey(),
        image(`cosign/recursive@${child.digest}`),
      ]);
      expect(verified.stdout).toContain(child.digest);
    }
  });

  check('verifies what came back after its repository was deleted by mistake', async () => {
    const offline = await prepareKeys();
    const subject = await pushed('restored');
    await run(['sign', '-y', ...signingKey(), ...offline, subject.name]);
    const name = repository('cosign/restored');
    const deleted = await manage(`/repositories/${encodeURIComponent(name)}`, 'DELETE');
    expect(await manifestStatus(registry(), name, 'v1')).toBe(404);
    await refused(['verify', ...publicKey(), subject.name]);
    await manage(`/trash/${deleted.trash}/restore`, 'POST');
    expect((await run(['verify', ...publicKey(), subject.name])).stdout).toContain(subject.digest);
    expect((await run(['tree', subject.name])).stdout).toContain('sigstore.dev/cosign/sign/v1');
    await heldImage(registry(), name, subject.digest);
  });

  async function manage(path: string, method: string): Promise<{ trash?: number }> {
    const answer = await fetch(`${registry().url}/api/v1${path}`, {
      method,
      headers: authorizationOf(registry()),
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as { trash?: number };
  }

  check('attests and verifies the attestation', async () => {
    const offline = await prepareKeys();
    const subject = await pushed('attest');
    const predicate = inKeys('predicate.json');
    writeFileSync(predicate, '{"tested":true}');
    const what = ['--type', 'custom', '--predicate', predicate];
    await run(['attest', '-y', ...signingKey(), ...offline, ...what, subject.name]);
    const check = ['verify-attestation', '--type', 'custom', ...publicKey(), subject.name];
    const verified = await run(check);
    const { payload } = JSON.parse(verified.stdout);
    expect(Buffer.from(payload, 'base64').toString()).toContain('tested');
    expect((await run(['tree', subject.name])).stdout).toContain('attestation');
  });

  check('signs and verifies by a tag made of the digest', async () => {
    await prepareKeys();
    const subject = await pushed('tag');
    await run(['sign', '-y', ...signingKey(), ...OLD_FORM, subject.name]);
    const tag = `${subject.digest.replace(':', '-')}.sig`;
    expect(await manifestStatus(registry(), repository('cosign/tag'), tag)).toBe(200);
    const verify = ['verify', '--new-bundle-format=false', ...publicKey(), subject.name];
    expect((await run(verify)).stdout).toContain(subject.digest);
    expect((await run(['tree', subject.name])).stdout).toContain(tag);
  });

  check('refuses an image that nobody signed', async () => {
    await prepareKeys();
    const subject = await pushed('unsigned');
    const output = await refused(['verify', ...publicKey(), subject.name]);
    expect(output.stderr).toMatch(/no (matching )?signatures/i);
  });

  check('removes its signatures', async () => {
    await prepareKeys();
    const subject = await pushed('clean');
    await run(['sign', '-y', ...signingKey(), ...OLD_FORM, subject.name]);
    await run(['clean', '-f', '--type', 'all', subject.name]);
    const tag = `${subject.digest.replace(':', '-')}.sig`;
    expect(await manifestStatus(registry(), repository('cosign/clean'), tag)).toBe(404);
    await heldImage(registry(), repository('cosign/clean'), subject.digest);
  });
});
