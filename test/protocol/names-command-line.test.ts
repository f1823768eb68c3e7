// Deleting, restoring, purging, renaming and copying from the command line.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CliSession, openCliSession } from '../../src/cli/suite-session.ts';
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { basic } from './api-world.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
  for (const name of ['team/app', 'team/old/one', 'team/old/two']) await push(name);
});
afterAll(() => session.close());

const TYPE = 'application/vnd.oci.image.index.v1+json';

async function push(name: string): Promise<void> {
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: TYPE,
    manifests: [],
    annotations: { name },
  });
  const headers = { ...basic('admin', ADMIN_PASSWORD), 'Content-Type': TYPE };
  const address = `${session.registry.url}/v2/${name}/manifests/v1`;
  expect((await fetch(address, { method: 'PUT', body, headers })).status).toBe(201);
}

test('a repository goes and comes back, with what goes said in numbers', async () => {
  const dry = await session.cli('repository delete team/app --dry-run');
  expect(dry.err).toMatch(
    /^The repository team\/app goes to the trash: 1 repository, 1 tag, \d+ B\. Nothing/,
  );
  const unasked = await session.cli('repository delete team/app');
  expect(unasked.code).not.toBe(0);
  const deleted = await session.cli('repository delete team/app --yes');
  const [, item = ''] = /trash restore (\d+)/.exec(deleted.err) ?? [];
  expect(await session.done('trash list team')).toContain('team/app');
  expect(await session.done(`trash show ${item}`)).toContain('delete-repository');
  const back = await session.cli(`trash restore ${item} --as team/back`);
  expect(back.err).toContain('team/back is back');
  expect(await session.done('repository show team/back')).toContain('Tags');
  const renamed = await session.cli('repository rename team/back team/app --yes');
  expect(renamed.err).toContain('The old name answers until');
  expect(await session.done('alias list team')).toContain('team/back');
  await session.done('alias end team/back');
});

test('a namespace is renamed, deleted, and purged for good', async () => {
  await session.done('namespace rename team/old team/older --keep-old-name 0 --yes');
  const { err } = await session.cli('namespace delete team/older --yes');
  expect(err).toContain('2 repositories, 2 tags');
  const [, item = ''] = /trash restore (\d+)/.exec(err) ?? [];
  expect((await session.cli(`trash purge ${item} --yes`)).err).toContain('being taken away');
  expect((await session.cli(`trash restore ${item}`)).code).not.toBe(0);
});

test('an image is copied, and deleted tags come back together', async () => {
  const { err } = await session.cli('copy team/app:v1 prod/app:stable');
  expect(err).toMatch(/^sha256:\w+ is in prod\/app, tagged stable\./);
  const headers = basic('admin', ADMIN_PASSWORD);
  const address = `${session.registry.url}/v2/prod/app/manifests/stable`;
  expect((await fetch(address, { method: 'DELETE', headers })).status).toBe(202);
  const all = await session.cli('trash restore-all prod --yes');
  expect(all.err).toContain('Back: 1.');
  expect((await fetch(address, { headers })).status).toBe(200);
});

test('what was deleted by digest comes back with its tags, and none of them is called refused', async () => {
  const headers = basic('admin', ADMIN_PASSWORD);
  const address = `${session.registry.url}/v2/team/app/manifests`;
  const digest = (await fetch(`${address}/v1`, { headers })).headers.get('docker-content-digest');
  expect((await fetch(`${address}/${digest}`, { method: 'DELETE', headers })).status).toBe(202);
  const back = await session.json<{ refused: unknown[] }>('trash restore-all team/app --yes');
  expect(back.refused).toEqual([]);
  expect((await fetch(`${address}/v1`, { headers })).status).toBe(200);
  expect(await session.json('trash list team/app')).toEqual([]);
});

test('a list of images that came out empty does not end a lease', async () => {
  await session.done('lease take prod.web --image team/app:v1');
  const none = await session.cli('lease take prod.web --images', { input: '\n' });
  expect(none.code).toBe(2);
  expect(none.err).toContain('See: entrepot help lease take');
  expect(await session.done('lease show prod.web')).toContain('team/app');
  await session.done('lease end prod.web');
});

test('who may see a part is told to name it', async () => {
  const token = (await session.done("token create part --scope 'pull,delete:team/**'")).trim();
  const all = await session.as(token, 'trash list');
  expect(all).toMatchObject({ code: 1 });
  expect(all.err).toContain('Or name a path: entrepot trash list team');
  expect(await session.as(token, 'trash list team')).toMatchObject({ code: 0 });
});
