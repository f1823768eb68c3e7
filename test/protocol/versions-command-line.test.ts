// The commands about tags and versions, against a registry.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CliSession, openCliSession } from '../../src/cli/suite-session.ts';
import { ADMIN } from './api-world.ts';
import {
  describeContent,
  imageManifest,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  type PushedImage,
  pushBlob,
  pushImage,
  putManifest,
} from './push.ts';

const REPO = 'team/api';

let session: CliSession;
let pushed: PushedImage[];
beforeAll(async () => {
  session = await openCliSession({ isPrivate: false });
  const { url } = session.registry;
  pushed = [];
  for (const seed of ['one', 'two']) {
    const image = await pushImage(url, REPO, { seed });
    await putManifest(url, REPO, { reference: 'prod', manifest: image.manifest, headers: ADMIN });
    pushed.push(image);
  }
  await pushImage(url, REPO, { seed: 'two', reference: 'v1.0' });
});
afterAll(() => session.close());

const short = (image: PushedImage | undefined) =>
  image?.digest.slice(0, 'sha256:'.length + 12) ?? '';

test('tag list shows what each tag is', async () => {
  const lines = (await session.done(`tag list ${REPO}`)).split('\n');
  expect(lines[0]).toMatch(/^TAG +DIGEST +SIZE +MOVED +BY +PULLED +PULLS$/);
  expect(lines[1]).toMatch(
    new RegExp(`^prod +${short(pushed[1])} +\\d+ B +\\S+ \\S+Z +admin +- +0$`),
  );
  expect(await session.done(`tag list ${REPO} --prefix v`)).not.toContain('prod');
  const [tag] = await session.json<{ digest: string }[]>(`tag list ${REPO} --limit 1`);
  expect(tag?.digest).toBe(pushed[1]?.digest as string);
});

test('tag history shows each move, and what is left', async () => {
  const text = await session.done(`tag history ${REPO}:prod`);
  const [head, second, first] = text.split('\n');
  expect(head).toMatch(/^MOVE +WHEN +FROM +TO +LEFT +WHY +BY +WITH$/);
  const [one, two] = pushed.map(short);
  expect(second).toMatch(
    new RegExp(`^2 +\\S+ \\S+Z +${one} +${two} +live +push +admin +password$`),
  );
  expect(first).toMatch(
    new RegExp(`^1 +\\S+ \\S+Z +- +${one} +released until \\S+ \\S+Z +push +admin +password$`),
  );
  expect(await session.done(`tag history ${REPO}:prod --full`)).toContain(
    pushed[0]?.digest as string,
  );
  const last = await session.json<unknown[]>(`tag history ${REPO}:prod --limit 1`);
  expect(last).toHaveLength(1);
});

test('repository show knows the repository by name and id', async () => {
  const { id } = await session.json<{ id: number }>(`repository show ${REPO}`);
  const text = await session.done(`repository show id:${id}`);
  expect(text).toMatch(/^Name +team\/api$/m);
  expect(text).toMatch(/^Tags +2$/m);
  expect(await session.done(`tag list id:${id}`)).toContain('prod');
  expect(await session.done(`tag history id:${id}:prod`)).toContain(short(pushed[0]));
});

async function pushBuilt(reference: string, version: string): Promise<void> {
  const { url } = session.registry;
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    config: {
      Env: [`VERSION=${version}`],
      Cmd: ['serve', version],
      ExposedPorts: { [`80${version}/tcp`]: {} },
    },
    history: [{ created_by: 'ADD base' }, { created_by: `RUN make ${version}` }],
  });
  const layers = ['the base', `built ${version}`];
  for (const blob of [config, ...layers]) await pushBlob(url, REPO, blob);
  const manifest = imageManifest({
    config: describeContent(config, OCI_CONFIG),
    layers: layers.map((layer) => describeContent(layer, OCI_LAYER)),
  });
  expect((await putManifest(url, REPO, { reference, manifest })).status).toBe(201);
  const child = {
    ...describeContent(manifest, OCI_MANIFEST),
    platform: { os: 'linux', architecture: 'amd64' },
  };
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
  const put = { reference: `${reference}-index`, manifest: index, type: OCI_INDEX };
  expect((await putManifest(url, REPO, put)).status).toBe(201);
}

test('compare shows what must be downloaded and what changed', async () => {
  await pushBuilt('b1', '1');
  await pushBuilt('b2', '2');
  const text = await session.done(`compare ${REPO}:b1 ${REPO}:b2`);
  expect(text).toMatch(/^To download: \d+ B of \d+ B\. Shared: 8 B\. Gone: \d+ B\.$/m);
  expect(text).toMatch(/^sha256:\S{12} +new +7 B +RUN make 2$/m);
  expect(text).toMatch(/^sha256:\S{12} +gone +7 B +RUN make 1$/m);
  expect(text).not.toContain('shared ');
  expect(text).toMatch(/^env VERSION +1 +2$/m);
  expect(text).toMatch(/^command +\["serve","1"\] +\["serve","2"\]$/m);
  expect(text).toMatch(/^port +801\/tcp +-$/m);
  expect(text).toMatch(/^step +- +RUN make 2$/m);
  expect(await session.done(`compare ${REPO}:b1 ${REPO}:b2 --full`)).toMatch(
    / shared +8 B +ADD base$/m,
  );
  const index = await session.done(`compare ${REPO}:b1-index ${REPO}:b2-index`);
  expect(index).toMatch(/^linux\/amd64: changed$/m);
  expect(index).toMatch(/^env VERSION +1 +2$/m);
  expect(await session.done(`compare ${REPO}:b1 ${REPO}:b1`)).toContain('Both are the same.');
  const { content } = await session.json<{ content: unknown }>(
    `compare ${REPO}@${pushed[0]?.digest} ${REPO}:prod`,
  );
  expect(content).not.toBeNull();
});

test('what is no version is refused with how to write one', async () => {
  for (const line of [
    `tag history ${REPO}`,
    'tag history id:12',
    `tag history ${REPO}@${pushed[0]?.digest}`,
    `compare ${REPO} ${REPO}:prod`,
    `compare ${REPO}@sha256:1 ${REPO}:prod`,
  ]) {
    const { code, err } = await session.cli(line);
    expect([line, code, err.includes('REPO:TAG')]).toEqual([line, 2, true]);
  }
  const { code, err } = await session.cli(`tag history ${REPO}:never`);
  expect([code, err]).toEqual([1, expect.stringContaining('never had a tag "never"')]);
});
