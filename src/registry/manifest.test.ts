// Manifests pushed, deleted and listed: what must be there first, what may not go, what is undone.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { findManifestByDigest, findManifestByTag } from '../metadata/manifests.ts';
import { findRepository } from '../metadata/repositories.ts';
import { statement } from '../metadata/statement.ts';
import { readTagEvents } from '../metadata/tag-history.ts';
import { etagOf } from '../oci/condition.ts';
import { type Digest, referrersTag } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { ByteCache } from './byte-cache.ts';
import { finishUpload, pushBlob } from './finish-upload.ts';
import { type Guards, NO_GUARDS, type TagChange } from './guards.ts';
import { listReferrers, listRepositories, listTags } from './list.ts';
import { manifestBytes, openBlob, pullBlob, pullManifest } from './pull.ts';
import { pushManifest } from './push-manifest.ts';
import type { MissingParts, WriteCondition } from './put-manifest.command.ts';
import {
  bodyOf,
  ENDLESS_GRACE,
  EVERYTHING,
  type Node,
  openSuiteRegistry,
  REPOSITORY,
  refusalOf,
  SOMEONE,
  type SuiteRegistry,
  sha256,
} from './suite-registry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

let registry: SuiteRegistry;
let node: Node;
/** What the guard says of the next changes of tags. */
let forbid: ((change: TagChange) => boolean) | undefined;
const guards: Guards = {
  ...NO_GUARDS,
  async beforeTagChange(_tx, change) {
    if (forbid?.(change)) throw new RegistryError('DENIED', 'A rule forbids that.');
  },
};
beforeEach(async () => {
  forbid = undefined;
  registry = await openSuiteRegistry(guards);
  node = registry.node('one');
});
afterEach(() => registry.close());

const encode = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));

async function blob(text: string, repository = REPOSITORY) {
  const bytes = new Uint8Array(Buffer.from(text));
  const digest = sha256(bytes);
  await pushBlob(node, { repository, actor: 'x', digest, body: bodyOf(bytes) });
  return { digest, size: bytes.length };
}

interface Part {
  readonly digest: Digest;
  readonly size: number;
}

function image(parts: { config: Part; layers?: Part[]; subject?: Part; more?: object }) {
  return encode({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, ...parts.config },
    layers: (parts.layers ?? []).map((layer) => ({ mediaType: LAYER, ...layer })),
    ...(parts.subject && { subject: { mediaType: MANIFEST, ...parts.subject } }),
    ...parts.more,
  });
}

function index(children: object[], more: object = {}) {
  return encode({ schemaVersion: 2, mediaType: INDEX, manifests: children, ...more });
}

interface PushOptions {
  readonly tag?: string;
  readonly tags?: readonly string[];
  readonly missingParts?: MissingParts;
  readonly condition?: Partial<WriteCondition>;
  readonly repository?: RepositoryName;
}

async function push(bytes: Uint8Array, options: PushOptions = {}): Promise<Part> {
  const { tag, tags = [], missingParts = 'refuse', repository = REPOSITORY } = options;
  const digest = sha256(bytes);
  const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { mediaType: string };
  await pushManifest(
    { commands: registry.commands, missingParts },
    {
      repository,
      actor: SOMEONE,
      reference: tag === undefined ? { kind: 'digest', digest } : { kind: 'tag', tag: tag as Tag },
      tags: tags as Tag[],
      contentType: mediaType,
      bytes,
      condition: { ifMatch: null, ifNoneMatch: null, ...options.condition },
    },
  );
  return { digest, size: bytes.length };
}

const deletion = (digest: Digest) => ({ repository: REPOSITORY, actor: SOMEONE, digest });
const deleteBlob = (digest: Digest) => registry.commands.run('deleteBlob', deletion(digest));
const deleteManifest = (digest: Digest) =>
  registry.commands.run('deleteManifest', deletion(digest));
const deleteTag = (tag: string) =>
  registry.commands.run('deleteTag', { repository: REPOSITORY, actor: SOMEONE, tag: tag as Tag });

async function tagged(tag: string): Promise<Digest | undefined> {
  const key = { repository: REPOSITORY, tag: tag as Tag };
  return (await findManifestByTag(registry.sql, key))?.digest;
}

async function events(tag: string) {
  const repository = (await findRepository(registry.sql, REPOSITORY)) as number;
  return readTagEvents(registry.sql, { repository, name: tag as Tag, limit: 100 });
}

const outboxKinds = statement()((q) => q.selectFrom('outbox').select('kind').orderBy('id'));
async function outbox(): Promise<string[]> {
  return (await registry.sql.all(outboxKinds, {})).map((row) => row.kind);
}

const parts = () => ({
  sql: registry.sql,
  blobs: node.blobs,
  cache: new ByteCache(1_000_000),
  grace: ENDLESS_GRACE,
});

describe('a push of a manifest', () => {
  const absent = { digest: sha256(encode('absent')), size: 3 };

  test('needs its parts, each mode what it says', async () => {
    const config = await blob('{}');
    const withLayer = image({ config, layers: [absent] });
    const child = { mediaType: MANIFEST, ...absent };
    for (const [mode, layerCode, childCode] of [
      ['refuse', 'MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN'],
      ['index-children', 'MANIFEST_BLOB_UNKNOWN', 'none'],
      ['any', 'none', 'none'],
    ] as const) {
      expect(await refusalOf(push(withLayer, { missingParts: mode }))).toBe(layerCode);
      expect(await refusalOf(push(index([child]), { missingParts: mode }))).toBe(childCode);
    }
    // Even where it may be named, a missing part is never held.
    const key = { repository: REPOSITORY, digest: absent.digest };
    expect(await refusalOf(pullBlob(parts(), key))).toBe('BLOB_UNKNOWN');
  });

  test('names the parts that are missing', async () => {
    const error = await push(image({ config: absent, layers: [absent] })).catch((e) => e);
    expect(error.detail).toEqual({ missing: [absent.digest, absent.digest] });
    expect(error.message).toContain(absent.digest);
    expect(await findRepository(registry.sql, REPOSITORY)).toBeUndefined();
  });

  test('takes a part of another repository for missing', async () => {
    const config = await blob('{}', 'team/other' as RepositoryName);
    expect(await refusalOf(push(image({ config })))).toBe('MANIFEST_BLOB_UNKNOWN');
  });

  test('accepts a build cache: an index of blobs', async () => {
    const layer = await blob('layer');
    const config = await blob('{"cache":1}');
    const cache = index([
      { mediaType: LAYER, ...layer },
      { mediaType: 'application/vnd.buildkit.cacheconfig.v0', ...config },
    ]);
    await push(cache, { tag: 'cache' });
    expect(await refusalOf(deleteBlob(layer.digest))).toBe('DENIED');
  });

  test('needs what the manifests that it names have lost since, at any depth', async () => {
    const config = await blob('{}');
    const [kept, lost] = [await blob('kept'), await blob('lost')];
    const whole = await push(image({ config, layers: [kept] }));
    const broken = await push(image({ config, layers: [kept, lost] }));
    const inner = await push(index([{ mediaType: MANIFEST, ...broken }]));
    // Nothing tagged needs it, so it may go.
    await deleteBlob(lost.digest);
    const over = (...children: Part[]) =>
      index(children.map((child) => ({ mediaType: MANIFEST, ...child })));
    const error = await push(over(whole, broken), { tag: 'v1' }).catch((e) => e);
    expect([error.code, error.detail]).toEqual([
      'MANIFEST_BLOB_UNKNOWN',
      { missing: [lost.digest] },
    ]);
    expect(await refusalOf(push(over(inner), { tag: 'v1' }))).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(await tagged('v1')).toBeUndefined();
    await push(over(whole), { tag: 'v1' });
    await push(over(inner), { tag: 'v2', missingParts: 'any' });
    await blob('lost');
    await push(over(inner, whole), { tag: 'v3' });
  });

  test('takes a manifest with foreign layers below it for whole', async () => {
    const config = await blob('{}');
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://example.com/layer'],
      ...absent,
    };
    const child = await push(image({ config, more: { layers: [foreign] } }));
    await push(index([{ mediaType: MANIFEST, ...child }]), { tag: 'windows' });
    expect(await tagged('windows')).toBeDefined();
  });

  test('needs neither foreign layers nor its subject', async () => {
    const config = await blob('{}');
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://example.com/layer'],
      ...absent,
    };
    const bytes = image({ config, subject: absent, more: { layers: [foreign] } });
    await push(bytes, { tag: 'v1' });
  });

  test('keeps just the bytes that came, also when they came as a blob before', async () => {
    const config = await blob('{}');
    for (const filling of ['small', 'x'.repeat(LIMITS.smallBlobBytes)]) {
      const bytes = image({ config, more: { annotations: { filling } } });
      const { digest } = await blob(Buffer.from(bytes).toString());
      await push(bytes, { tag: 'v1' });
      const found = await pullManifest(parts(), {
        repository: REPOSITORY,
        reference: { kind: 'digest', digest },
      });
      const kept = await manifestBytes(parts(), found);
      expect(Buffer.from(kept).equals(bytes)).toBe(true);
      const asBlob = await pullBlob(parts(), { repository: REPOSITORY, digest });
      const opened = await openBlob(parts(), asBlob);
      expect(opened.kind === 'bytes' ? opened.bytes.length : opened.size).toBe(bytes.length);
    }
  });

  test('writes one event and one notice for each tag that moved, and none for one that did not', async () => {
    const config = await blob('{}');
    const bytes = image({ config });
    await push(bytes, { tags: ['b', 'a', 'b'] });
    await push(bytes, { tag: 'a' });
    expect((await events('a')).map(({ sequence, cause }) => [sequence, cause])).toEqual([
      [1, 'push'],
    ]);
    expect(await outbox()).toEqual(['push', 'tag', 'tag', 'push']);
    const page = await listTags(registry.sql, {
      repository: REPOSITORY,
      size: undefined,
      last: '',
    });
    expect(page.items).toEqual(['a', 'b']);
  });

  test('is in the catalog only once it held a manifest', async () => {
    const config = await blob('{}');
    const all = () =>
      listRepositories(registry.sql, { size: undefined, last: '', visible: EVERYTHING });
    expect((await all()).items).toEqual([]);
    await push(image({ config }));
    expect((await all()).items).toEqual([REPOSITORY]);
  });
});

describe('a condition', () => {
  let one: Uint8Array;
  let two: Uint8Array;
  beforeEach(async () => {
    const config = await blob('{}');
    one = image({ config, more: { annotations: { n: '1' } } });
    two = image({ config, more: { annotations: { n: '2' } } });
  });
  const etag = (bytes: Uint8Array) => etagOf(sha256(bytes));

  test('on a tag holds or changes nothing', async () => {
    const onlyNew = { condition: { ifNoneMatch: '*' }, tag: 'v1' };
    await push(one, onlyNew);
    expect(await refusalOf(push(two, onlyNew))).toBe('PRECONDITION_FAILED');
    expect(await refusalOf(push(two, { tag: 'v1', condition: { ifMatch: etag(two) } }))).toBe(
      'PRECONDITION_FAILED',
    );
    expect(await tagged('v1')).toBe(sha256(one));
    expect(await events('v1')).toHaveLength(1);
    const key = { repository: REPOSITORY, digest: sha256(two) };
    expect(await findManifestByDigest(registry.sql, key)).toBeUndefined();
    await push(two, { tag: 'v1', condition: { ifMatch: etag(one) } });
    expect(await tagged('v1')).toBe(sha256(two));
    await deleteTag('v1');
    expect(await refusalOf(push(one, { tag: 'v1', condition: { ifMatch: '*' } }))).toBe(
      'PRECONDITION_FAILED',
    );
    await push(one, onlyNew);
  });

  test('on several tags holds for each or changes none', async () => {
    await push(one, { tag: 'b' });
    const condition = { ifNoneMatch: '*' };
    expect(await refusalOf(push(two, { tags: ['a', 'b'], condition }))).toBe('PRECONDITION_FAILED');
    expect(await tagged('a')).toBeUndefined();
    await push(two, { tags: ['a', 'c'], condition });
    expect(await tagged('c')).toBe(sha256(two));
  });

  test('on a digest looks at that manifest', async () => {
    const condition = { ifNoneMatch: '*' };
    await push(one, { condition });
    expect(await refusalOf(push(one, { condition }))).toBe('PRECONDITION_FAILED');
    await push(one, { condition: { ifMatch: etag(one) } });
    await deleteManifest(sha256(one));
    await push(one, { condition });
  });
});

describe('a guard that forbids', () => {
  test('undoes a whole push', async () => {
    const config = await blob('{}');
    const before = await outbox();
    forbid = (change) => change.tag === 'b';
    const bytes = image({ config });
    expect(await refusalOf(push(bytes, { tags: ['a', 'b'] }))).toBe('DENIED');
    const key = { repository: REPOSITORY, digest: sha256(bytes) };
    expect(await findManifestByDigest(registry.sql, key)).toBeUndefined();
    expect(await tagged('a')).toBeUndefined();
    expect(await events('a')).toEqual([]);
    expect(await outbox()).toEqual(before);
    expect(
      (await listRepositories(registry.sql, { size: 9, last: '', visible: EVERYTHING })).items,
    ).toEqual([]);
  });

  test('undoes a whole delete, and is told what would change', async () => {
    const config = await blob('{}');
    const { digest } = await push(image({ config }), { tags: ['a', 'b'] });
    const before = await outbox();
    const seen: unknown[] = [];
    forbid = (change) => {
      seen.push([change.tag, change.from, change.to]);
      return change.tag === 'b';
    };
    expect(await refusalOf(deleteManifest(digest))).toBe('DENIED');
    expect(seen).toEqual([
      ['a', digest, undefined],
      ['b', digest, undefined],
    ]);
    expect(await tagged('a')).toBe(digest);
    expect(await outbox()).toEqual(before);
    expect(await refusalOf(deleteTag('b'))).toBe('DENIED');
    await deleteTag('a');
  });
});

describe('deleting', () => {
  test('is refused for what a tag needs, and names the tags', async () => {
    const [config, layer] = [await blob('{}'), await blob('layer')];
    const child = await push(image({ config, layers: [layer] }));
    const list = index([{ mediaType: MANIFEST, ...child }]);
    await push(list, { tags: ['v1', 'v2'] });
    for (const work of [
      deleteBlob(layer.digest),
      deleteBlob(config.digest),
      deleteManifest(child.digest),
    ]) {
      const error = await work.catch((e) => e);
      expect(error.code).toBe('DENIED');
      expect(error.detail).toEqual({ tags: ['v1', 'v2'] });
      expect(error.message).toContain('v1, v2');
    }
    expect(await tagged('v1')).toBe(sha256(list));
  });

  test('says so when more tags need a part than it names', async () => {
    const [config, layer] = [await blob('{}'), await blob('layer')];
    const tags = ['a', 'b', 'c', 'd', 'e', 'f'];
    await push(image({ config, layers: [layer] }), { tags });
    const error = await deleteBlob(layer.digest).catch((e) => e);
    expect(error.detail).toEqual({ tags: tags.slice(0, 5) });
    expect(error.message).toContain('a, b, c, d, e and others');
  });

  test('is possible from the top down, and then everything is unknown', async () => {
    const [config, layer] = [await blob('{}'), await blob('layer')];
    const child = await push(image({ config, layers: [layer] }), { tag: 'child' });
    const { digest } = await push(index([{ mediaType: MANIFEST, ...child }]), { tag: 'v1' });
    await deleteManifest(digest);
    expect(await tagged('v1')).toBeUndefined();
    await deleteManifest(child.digest);
    expect(await tagged('child')).toBeUndefined();
    await deleteBlob(layer.digest);
    expect(await refusalOf(deleteManifest(digest))).toBe('MANIFEST_UNKNOWN');
    expect(await refusalOf(deleteBlob(layer.digest))).toBe('BLOB_UNKNOWN');
    expect(await refusalOf(deleteTag('v1'))).toBe('MANIFEST_UNKNOWN');
    expect((await events('v1')).map((event) => event.cause)).toEqual(['delete-manifest', 'push']);
    expect(await outbox()).toEqual([
      ...['push', 'tag', 'push', 'tag'],
      ...['tag', 'delete-manifest', 'tag', 'delete-manifest', 'delete-blob'],
    ]);
  });

  test('of a tag leaves its manifest', async () => {
    const config = await blob('{}');
    const { digest } = await push(image({ config }), { tag: 'v1' });
    await deleteTag('v1');
    expect(await refusalOf(deleteTag('v1'))).toBe('MANIFEST_UNKNOWN');
    const key = { repository: REPOSITORY, digest };
    expect(await findManifestByDigest(registry.sql, key)).toBeDefined();
    await push(image({ config }), { tag: 'v1' });
    expect((await events('v1')).map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  });

  test('is taken back by a push, with its place among the referrers', async () => {
    const config = await blob('{}');
    const subject = await push(image({ config }), { tag: 'v1' });
    const bytes = image({ config, subject });
    const { digest } = await push(bytes);
    const list = () =>
      listReferrers(parts(), {
        repository: REPOSITORY,
        subject: subject.digest,
        artifactTypes: [],
        after: 0,
      });
    expect((await list()).descriptors).toHaveLength(1);
    await deleteManifest(digest);
    expect((await list()).descriptors).toEqual([]);
    await push(bytes);
    expect((await list()).descriptors).toHaveLength(1);
  });

  test('in a repository that is not there says so', async () => {
    const nowhere = { repository: 'no/where' as RepositoryName, actor: SOMEONE };
    const digest = sha256(encode(1));
    for (const work of [
      registry.commands.run('deleteBlob', { ...nowhere, digest }),
      registry.commands.run('deleteManifest', { ...nowhere, digest }),
      registry.commands.run('deleteTag', { ...nowhere, tag: 'v1' as Tag }),
    ]) {
      expect(await refusalOf(work)).toBe('NAME_UNKNOWN');
    }
  });
});

describe('referrers', () => {
  let config: Part;
  let subject: Part;
  beforeEach(async () => {
    config = await blob('{}');
    subject = await push(image({ config }), { tag: 'v1' });
  });
  const referrer = (n: number, more: object = {}) =>
    image({ config, subject, more: { artifactType: `a/t${n % 2}`, ...more } });
  const list = (artifactTypes: string[] = [], after = 0) =>
    listReferrers(parts(), {
      repository: REPOSITORY,
      subject: subject.digest,
      artifactTypes,
      after,
    });
  const noteOf = (descriptor: string) => JSON.parse(descriptor).annotations?.n as string;

  test('come in pages under the limit, each once, whatever the filter', async () => {
    const filling = 'x'.repeat(900_000);
    for (let n = 0; n < 8; n += 1) {
      await push(referrer(n, { annotations: { n: `${n}`, filling } }));
    }
    for (const [types, wanted] of [
      [[], ['0', '1', '2', '3', '4', '5', '6', '7']],
      [['a/t1'], ['1', '3', '5', '7']],
      [
        ['a/t1', 'a/t0'],
        ['0', '1', '2', '3', '4', '5', '6', '7'],
      ],
      [['a/none'], []],
    ] as [string[], string[]][]) {
      const seen: string[] = [];
      let after: number | undefined = 0;
      while (after !== undefined) {
        const page = await list(types, after);
        const bytes = page.descriptors.reduce((sum, one) => sum + Buffer.byteLength(one) + 1, 0);
        expect(bytes).toBeLessThanOrEqual(LIMITS.referrersPageBytes);
        seen.push(...page.descriptors.map(noteOf));
        after = page.next;
      }
      expect(seen).toEqual(wanted);
    }
  });

  test('take in those of a fallback tag, each once, without those that are known or gone', async () => {
    const known = await push(referrer(1, { annotations: { n: 'known' } }));
    const silent = await push(image({ config, more: { annotations: { n: 'silent' } } }));
    const gone = { digest: sha256(encode('gone')), size: 1 };
    const entry = (part: Part, n: string) => ({ mediaType: MANIFEST, ...part, annotations: { n } });
    const fallback = index([
      entry(known, 'known'),
      entry(silent, 'silent'),
      entry(silent, 'silent'),
      entry(gone, 'gone'),
    ]);
    const tag = referrersTag(subject.digest);
    await push(fallback, { tag, missingParts: 'any' });
    expect((await list()).descriptors.map(noteOf)).toEqual(['known', 'silent']);
  });

  test('of a fallback tag do not make a page too large', async () => {
    const filling = 'x'.repeat(900_000);
    for (let n = 0; n < 3; n += 1) await push(referrer(n, { annotations: { n: `${n}`, filling } }));
    const silent = await push(image({ config, more: { annotations: { n: 'silent' } } }));
    const entry = { mediaType: MANIFEST, ...silent, annotations: { n: 'silent', filling } };
    await push(index([entry]), { tag: referrersTag(subject.digest) });
    const first = await list();
    expect(first.descriptors.map(noteOf)).toEqual(['0', '1', '2']);
    const second = await list([], first.next);
    expect(second.descriptors.map(noteOf)).toEqual(['silent']);
    expect(second.next).toBeUndefined();
  });

  test('a fallback tag that is no index is no list', async () => {
    await push(image({ config }), { tag: referrersTag(subject.digest) });
    expect(await list()).toEqual({ descriptors: [], next: undefined });
  });
});

test('a manifest can be finished as an upload and pushed at the same time', async () => {
  const config = await blob('{}');
  const bytes = image({ config, more: { annotations: { filling: 'x'.repeat(60_000) } } });
  const id = node.newId();
  await registry.commands.run('startUpload', {
    id,
    repository: REPOSITORY,
    actor: 'x',
    algorithm: 'sha256',
  });
  const finish = { repository: REPOSITORY, id, start: undefined, digest: sha256(bytes) };
  await Promise.all([
    finishUpload(node, { ...finish, body: bodyOf(bytes) }),
    push(bytes, { tag: 'v1' }),
  ]);
  const reference = { kind: 'tag', tag: 'v1' as Tag } as const;
  const found = await pullManifest(parts(), { repository: REPOSITORY, reference });
  expect(Buffer.from(await manifestBytes(parts(), found)).equals(bytes)).toBe(true);
});
