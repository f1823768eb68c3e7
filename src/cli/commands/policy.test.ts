// Policies and leases from the command line.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_PASSWORD } from '../../../test/support/entrepot.ts';
import { basic } from '../../../test/support/people.ts';
import { type CliSession, openCliSession } from '../suite-session.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
});
afterAll(() => session.close());

test('policies are set with flags or files, shown with where they are set, and taken away', async () => {
  await session.done("immutable set team 'v*,release-?' --except 'v*-rc*' --may-expire");
  await session.done('quota set team --bytes 10GB --tags 1000 --soft 80% --contact #platform');
  await session.done('quota set team/app --repositories 5 --soft-only');
  const file = join(session.home, 'retention.yaml');
  writeFileSync(file, 'rules:\n  - keep: last-pushed\n    count: 10\nuntaggedAfter: 7d\n');
  await session.done(`retention set team/app --file ${file}`);
  await session.done('policy set trash / --file -', { input: '{"days": 14}' });
  expect(await session.done('policy show team/app')).toBe(
    [
      'SET ON    KIND          BY     SAYS',
      '(root)    trash         admin  kept for 14 days',
      'team      immutability  admin  v*, release-? except v*-rc* (may expire)',
      'team      quota         admin  at most 10 GB, warns beyond 8 GB; at most 1000 tags, warns beyond 800 tags; ask #platform',
      'team/app  quota         admin  warns beyond 5 repositories',
      'team/app  retention     admin  keep 10 last-pushed; untaggedAfter 7d',
      '',
    ].join('\n'),
  );
  const below = await session.json<{ path: string; kind: string }[]>('policy list team');
  expect(below.map(({ path, kind }) => `${path} ${kind}`).sort()).toEqual([
    'team immutability',
    'team quota',
    'team/app quota',
    'team/app retention',
  ]);
  expect(await session.json('policy list')).toHaveLength(5);
  await session.done('quota remove team/app');
  await session.done('retention remove team/app');
  await session.done('immutable remove team');
  await session.done('policy remove trash /');
  expect(await session.json('policy list')).toHaveLength(1);
  expect(await session.cli('immutable remove team')).toMatchObject({ code: 1 });
});

test('what is no policy is refused before or by the server, with what to write', async () => {
  const refused: [string, string][] = [
    ['policy set colour team --file -', 'A policy is one of'],
    ['quota set team', 'Say what to limit'],
    ['quota set team --bytes 10GiBs', 'is no size'],
    ['quota set team --tags 5 --soft 180%', 'is no part of a limit'],
    ['quota set team --tags 5 --soft 80% --soft-only', 'exclude each other'],
    ["immutable set team 'v 1'", 'is no pattern of tags'],
    ['policy set trash team --file nowhere.yaml', 'cannot be read'],
  ];
  for (const [line, said] of refused) {
    const { code, err } = await session.cli(line, { input: '{}' });
    expect({ line, isRefused: code !== 0, err }).toMatchObject({ line, isRefused: true });
    expect(err).toContain(said);
  }
});

/** Without parts: all that a tag needs. */
async function pushIndex(name: string, tag: string): Promise<void> {
  const type = 'application/vnd.oci.image.index.v1+json';
  const response = await fetch(`${session.registry.url}/v2/${name}/manifests/${tag}`, {
    method: 'PUT',
    headers: { Authorization: basic('admin', ADMIN_PASSWORD), 'Content-Type': type },
    body: JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [] }),
  });
  expect(response.status).toBe(201);
}

test('leases are taken, shown, listed and ended', async () => {
  await pushIndex('team/private', 'v1');
  const taken = await session.cli('lease take prod.web --images --ttl 1h --detail nightly', {
    input: 'team/private:v1\n\n',
  });
  expect(taken.err).toContain('The lease prod.web holds 1 image until ');
  const shown = await session.done('lease show prod.web');
  for (const said of ['prod.web', 'admin', 'nightly', 'team/private', 'sha256:']) {
    expect(shown).toContain(said);
  }
  expect(await session.done('lease list team')).toContain('prod.web');
  expect(await session.json('lease list')).toHaveLength(1);
  for (const image of ['team/private', 'localhost:5000/team/private:v1', ':v1']) {
    const { code } = await session.cli(`lease take other --image ${image}`);
    expect({ image, isTaken: code === 0 }).toEqual({ image, isTaken: false });
  }
  await session.done('lease end prod.web --in team/private');
  expect(await session.json('lease list team')).toEqual([]);
  await session.done('lease end prod.web');
  expect(await session.json('lease list')).toEqual([]);
  expect((await session.cli('lease end prod.web')).err).toContain('There is no lease "prod.web"');
});
