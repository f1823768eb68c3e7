// docker pushes five versions, one command returns the tag to the third, docker pulls it. And retention: what
// it takes away is pulled again after one more command.
import { expect } from 'bun:test';
import { join } from 'node:path';
import { basic } from '../support/people.ts';
import { describeClient } from './client-suite.ts';
import { runCommand } from './run-command.ts';
import { seededBytes } from './seeded-bytes.ts';
import { tarOf } from './tar.ts';

const MAIN = join(import.meta.dir, '..', '..', 'src', 'cli', 'main.ts');
const DIGEST = /sha256:[0-9a-f]{64}/;

describeClient('docker', ({ check, run, image, repository, registry, directory }) => {
  /** The `entrepot` command, signed in by a token of its own. */
  async function entrepot(...args: string[]): Promise<string> {
    const { url, account } = registry();
    if (account === undefined) throw new Error('the registry wants nobody to sign in');
    const answer = await fetch(`${url}/api/v1/tokens`, {
      method: 'POST',
      body: JSON.stringify({ name: 'for a test' }),
      headers: {
        Authorization: basic(account.name, account.password),
        'Content-Type': 'application/json',
      },
    });
    const { secret } = (await answer.json()) as { secret: string };
    const home = directory('home-of-entrepot');
    const env = { HOME: home, ENTREPOT_SERVER: url, ENTREPOT_TOKEN: secret };
    const ran = await runCommand([process.execPath, MAIN, ...args], { cwd: home, env });
    return ran.stdout + ran.stderr;
  }

  /** @returns its digest. */
  async function push(tag: string, version: number): Promise<string> {
    const bytes = seededBytes(`version ${version}`, 20_000);
    await run(['import', '-', tag], { input: tarOf([{ path: 'data', bytes }]) });
    return (await run(['push', tag])).stdout.match(DIGEST)?.[0] ?? 'docker reported no digest';
  }

  check('a tag that was pushed five times returns to the third by one command', async () => {
    const tag = image('rollback/app:prod');
    const digests: string[] = [];
    for (const version of [1, 2, 3, 4, 5]) digests.push(await push(tag, version));
    const name = `${repository('rollback/app')}:prod`;
    const said = await entrepot('rollback', name, '--to', '#3');
    expect(said).toContain(`${digests[4]} → ${digests[2]}`);
    await run(['rmi', '--force', tag]);
    expect((await run(['pull', tag])).stdout).toContain(`Digest: ${digests[2]}`);
    await entrepot('rollback', name);
    expect((await run(['pull', tag])).stdout).toContain(`Digest: ${digests[4]}`);
  });

  check('what a retention run takes away is pulled again after its undo', async () => {
    const old = image('rollback/kept:v1');
    const digest = await push(old, 6);
    await push(image('rollback/kept:v2'), 7);
    const path = repository('rollback/kept');
    const rules = join(directory('rules'), 'rules.json');
    await Bun.write(rules, JSON.stringify({ rules: [{ keep: 'last-pushed', count: 1 }] }));
    await entrepot('retention', 'set', path, '--file', rules);
    const ran = JSON.parse(await entrepot('retention', 'run', path, '--yes', '--json'));
    expect(ran).toMatchObject({ state: 'applied', done: { disappearing: 1 } });
    await run(['rmi', '--force', old]);
    await expect(run(['pull', old])).rejects.toThrow();
    await entrepot('plan', 'undo', String(ran.id));
    expect((await run(['pull', old])).stdout).toContain(`Digest: ${digest}`);
  });
});
