// The command line against a registry on both databases: what reads and writes rows of its own way.
import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEAL_KEY_BYTES } from '../../src/access/seal.ts';
import { wordsOf } from '../../src/cli/suite-session.ts';
import { runCli } from '../../src/cli/suite-terminal.ts';
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { onBothEngines } from './engines.ts';

onBothEngines(
  'the command line',
  ({ test, registry }) => {
    const env = () => ({ HOME: registry().directory, ENTREPOT_SERVER: registry().url });
    const done = async (line: string, input = ''): Promise<string> => {
      const { code, out, err } = await runCli(wordsOf(line), { env: env(), input });
      if (code !== 0) throw new Error(`"${line}" ended with ${code}: ${err}`);
      return out;
    };
    const signIn = (password: string) => done('login --user admin --password-stdin', password);

    test('a declaration that was exported brings back what another took away', async () => {
      await signIn(ADMIN_PASSWORD);
      for (const line of [
        'user create alice --no-password',
        'org create acme --owner alice',
        'path set acme --visibility internal',
        'path set acme/open --visibility public --creation explicit',
        "grant add writer --to user:alice --on acme/app --tags '!prod-*' --from 10.0.0.0/8",
        'grant add reader --to anyone --on acme/open',
        'grant add reader --to signed-in --on acme',
        'trust create acme:github --issuer https://token.actions.githubusercontent.com --condition repository=acme/app --allow pull,push:acme/app',
        'trust disable acme:github',
      ]) {
        await done(line);
      }
      const policies =
        '[{path: acme, kind: quota, policy: {tags: {hard: 9}}}, {path: acme/open, kind: trash, policy: {days: 5}}]';
      await done('declaration apply -', `path: acme\npolicies: ${policies}\n`);
      const before = await done('declaration export acme');
      expect(before).toContain('days: 5');
      const nothing = 'path: acme\npaths: []\ngrants: []\npolicies: []\ntrustPolicies: []\n';
      const removed = await done('declaration apply -', nothing);
      expect(removed.split('\n')).toHaveLength(9);
      expect(await done('declaration export acme')).toEndWith(nothing);
      await done('declaration apply -', before);
      expect(await done('declaration export acme')).toBe(before);
      expect(await done('declaration apply - --dry-run', before)).toBe('');
    });

    test('a password is reset beside the server', async () => {
      const { database, directory } = registry();
      // The key of the server under test.
      const key = `${Buffer.alloc(SEAL_KEY_BYTES).toString('base64')}\n`;
      writeFileSync(join(directory, 'seal.key'), key);
      const place = database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url;
      const made = await done(
        `admin reset-password --data ${directory} --database ${place} --disable-second-factor`,
      );
      await signIn(made.trim());
      expect(await done('whoami')).toMatch(/^Administrator +yes$/m);
      const refused = await runCli(['login', '--user', 'admin', '--password-stdin'], {
        env: env(),
        input: ADMIN_PASSWORD,
      });
      expect(refused.code).toBe(1);
    });
  },
  { isPrivate: true },
);
