// `entrepot size` and `entrepot growth`, against a registry.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CliSession, openCliSession } from '../../src/cli/suite-session.ts';
import { describeContent, OCI_INDEX, OCI_MANIFEST, pushImage, putManifest } from './push.ts';

const REPO = 'team/api';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession({ isPrivate: false });
  const { url } = session.registry;
  const { manifest } = await pushImage(url, REPO, { reference: 'v1' });
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const manifests = [{ ...describeContent(manifest, OCI_MANIFEST), platform }];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await putManifest(url, REPO, { reference: 'built', manifest: index, type: OCI_INDEX });
});
afterAll(() => session.close());

test('of a tag, with the platforms of an index', async () => {
  const text = await session.done(`size ${REPO}:built`);
  expect(text).toMatch(/^Tag +team\/api:built$/m);
  expect(text).toMatch(/^Occupies +\d+ B$/m);
  expect(text).toMatch(/^Deleting frees +\d+ B$/m);
  expect(text).toMatch(/^linux\/arm64\/v8 +\d+ B +\d+ B +/m);
  expect(await session.done(`size ${REPO}:v1`)).not.toContain('PLATFORM');
  const { platforms } = await session.json<{ platforms: unknown[] }>(`size ${REPO}:built`);
  expect(platforms).toHaveLength(1);
});

test('of a repository, a namespace and the whole registry', async () => {
  const { id } = await session.json<{ id: number }>(`repository show ${REPO}`);
  const ofRepository = await session.done(`size ${REPO}`);
  expect(ofRepository).toMatch(/^Path +team\/api$/m);
  expect(ofRepository).toMatch(/^Tags +2$/m);
  expect(ofRepository).toMatch(/^Trash and history +0 B$/m);
  expect(await session.done(`size id:${id}`)).toBe(ofRepository);
  expect(await session.done('size team')).toMatch(/^Path +team\nRepositories +1$/m);
  expect(await session.done(`size ${REPO} --below`)).toMatch(/^Repositories +1$/m);
  expect(await session.done('size /')).toMatch(/^Path +\(root\)$/m);
});

test('growth is a list of days', async () => {
  const { commands } = session.registry.program;
  const day = Math.floor(Date.now() / 86_400_000) - 1;
  const usage = { bytes: 1_500, apparent: 2_500, blobs: 3, tags: 2, repositories: 1 };
  await commands.run('recordUsage', [{ path: 'team', day, ...usage }]);
  const lines = (await session.done('growth team')).trim().split('\n');
  expect(lines[0]).toMatch(/^DAY +OCCUPIES +APPARENT +BLOBS +TAGS +REPOSITORIES$/);
  // The job that writes today's row may have run by now.
  const yesterday = new Date(day * 86_400_000).toISOString().slice(0, 10);
  const line = lines.find((one) => one.startsWith(yesterday));
  expect(line).toMatch(/^\d{4}-\d\d-\d\d +1\.5 kB +2\.5 kB +3 +2 +1$/);
  expect(lines.length).toBeGreaterThan(1);
});
