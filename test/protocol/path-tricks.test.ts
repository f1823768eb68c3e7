// Addresses that try to name what is not theirs. Bun resolves `..` and turns `\` into `/` before anybody
// sees the address, as browsers do; what is left must be refused by the grammar of names.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { type WatchedDirectory, watchedDirectory } from './data-directory.ts';
import { digestOf, errorCode, pushImage, startUpload } from './push.ts';
import { rawRequest } from './raw-http.ts';

let watched: WatchedDirectory;
let registry: TestRegistry;
beforeAll(async () => {
  watched = watchedDirectory();
  registry = await startTestRegistry({ directory: watched.directory });
  await pushImage(registry.url, 'team/app', { reference: 'v1' });
});
afterAll(async () => {
  await registry.stop();
  const strays = watched.strayFiles();
  watched.remove();
  expect(registry.faults).toEqual([]);
  expect(strays).toEqual([]);
});

const DIGEST = digestOf('x');
const NAMES = [
  '..',
  '../..',
  '../../../etc',
  '%2e%2e',
  '%2e%2e/%2e%2e',
  '..%2f..%2f..%2fetc',
  '%2E%2E%2F%2E%2E',
  '..%5c..%5cetc',
  '..\\..\\etc',
  'team/../../x',
  'team//app',
  '/team/app',
  'team/./app/.',
  'team%2Fapp',
  'team%2fapp',
  'team/app%00',
  'team/app%0a',
  'team/app%0d%0aX:1',
  'team/\xff\xfe',
  'team/%ff%fe',
  'team/%c0%ae%c0%ae',
  'team/%ed%a0%80',
  'team/%zz',
  'team/%',
  'team/app;x=1',
  'team/app%3fx',
  'team/app%23x',
  'TEAM/app',
  'te\u0000am',
  '\uff0e\uff0e',
  '~root',
  'C:',
  'team/app%20',
];

/** Refused by us with an error in the OCI form, or by the server before it reached us; never a fault. */
async function isRefused(method: string, target: string): Promise<void> {
  const request = { method, target, headers: ['Content-Range: 0-0'], body: 'x' };
  const answer = await rawRequest(registry.port, request);
  const seen = [method, target, answer.status];
  if (answer.headers.has('x-request-id')) {
    expect([...seen, answer.status >= 400 && answer.status < 500]).toEqual([...seen, true]);
    if (method !== 'HEAD') {
      const text = Buffer.from(answer.body).toString();
      errorCode(answer.headers.get('content-type'), text);
    }
  } else {
    expect([...seen, [400, 505].includes(answer.status)]).toEqual([...seen, true]);
    expect(answer.body.length).toBe(0);
  }
}

test('a name that climbs, hides or breaks off is a 4xx for every operation', async () => {
  for (const name of NAMES) {
    for (const [method, rest] of [
      ['GET', `blobs/${DIGEST}`],
      ['HEAD', `blobs/${DIGEST}`],
      ['GET', 'manifests/none'],
      ['PUT', 'manifests/v1'],
      ['DELETE', 'manifests/none'],
      ['DELETE', `blobs/${DIGEST}`],
      ['PATCH', 'blobs/uploads/unknown'],
      ['PUT', `blobs/uploads/unknown?digest=${DIGEST}`],
    ] as const) {
      await isRefused(method, `/v2/${name}/${rest}`);
    }
    // Resolved, this one is the name of a repository.
    if (name !== 'team/./app/.') await isRefused('POST', `/v2/${name}/blobs/uploads/`);
  }
});

test('so is a reference, a digest, an upload', async () => {
  for (const part of [
    ...NAMES,
    'sha256:../../x',
    'sha256:..%2f..%2fx',
    `sha256:${'%00'.repeat(64)}`,
  ]) {
    if (part.startsWith('team')) continue;
    await isRefused('GET', `/v2/team/app/manifests/${part}`);
    await isRefused('GET', `/v2/team/app/blobs/${part}`);
    await isRefused('GET', `/v2/team/app/referrers/${part}/x`);
    await isRefused('PATCH', `/v2/team/app/blobs/uploads/${part}x`);
    await isRefused('POST', `/v2/team/app/blobs/uploads/?digest=${part}`);
    await isRefused('POST', `/v2/team/app/blobs/uploads/?mount=${part}`);
  }
});

test('an upload is only reached under the repository that it was started in', async () => {
  const location = await startUpload(registry.url, 'team/app');
  const id = location.split('/').at(-1);
  for (const name of ['team', 'team/app/x', 'other']) {
    await isRefused('PATCH', `/v2/${name}/blobs/uploads/${id}`);
  }
  // Resolved by the server: it is an address within the repository, and the same upload.
  const target = `/v2/team/x/../app/blobs/uploads/${id}`;
  expect((await rawRequest(registry.port, { method: 'GET', target })).status).toBe(204);
});

test('a target of another form is answered as its path says, or refused', async () => {
  const { port } = registry;
  const absolute = await rawRequest(port, { method: 'GET', target: 'http://other.test/v2/' });
  expect(absolute.status).toBe(401);
  for (const target of ['*', 'v2/', '//other.test/v2/', '/V2/', '/v2/../v2x', '/%76%32/']) {
    const answer = await rawRequest(port, { method: 'GET', target });
    expect([target, answer.status]).toEqual([target, answer.status === 404 ? 404 : 400]);
  }
});
