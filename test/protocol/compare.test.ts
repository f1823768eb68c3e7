// Comparing two versions through the management API: what is read, from where, and for whom.
import { expect } from 'bun:test';
import { addAccessToken, addUser, grant } from '../support/people.ts';
import { ADMIN, askApi, bearer } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import {
  describeContent,
  digestOf,
  imageManifest,
  newName,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  pushBlob,
  putManifest,
} from './push.ts';

interface Made {
  readonly digest: string;
  readonly size: number;
}

interface Comparison {
  readonly from: Record<string, unknown>;
  readonly to: Record<string, unknown>;
  readonly isSame: boolean;
  readonly content: Content | null;
  readonly platforms: { name: string; change: string; content: Content | null }[] | null;
  readonly annotations: unknown[];
  readonly notes: string[];
}

interface Content {
  readonly layers: Record<string, unknown>[];
  readonly totals: Record<string, number>;
  readonly settings: Record<string, unknown> | null;
  readonly notes: string[];
}

interface Image {
  readonly reference?: string;
  readonly config?: string;
  readonly layers?: readonly string[];
  readonly configType?: string;
}

onBothEngines('comparing two versions', ({ test, registry }) => {
  const push = async (name: string, image: Image): Promise<Made> => {
    const { url } = registry();
    const { config = '{}', layers = ['layer'], configType = OCI_CONFIG } = image;
    for (const blob of [config, ...layers]) await pushBlob(url, name, blob);
    const manifest = imageManifest({
      config: describeContent(config, configType),
      layers: layers.map((layer) => describeContent(layer, OCI_LAYER)),
    });
    const digest = digestOf(manifest);
    const reference = image.reference ?? digest;
    expect((await putManifest(url, name, { reference, manifest })).status).toBe(201);
    return { digest, size: manifest.length };
  };
  const pushIndex = async (name: string, reference: string, children: [Made, string][]) => {
    const manifests = children.map(([{ digest, size }, platform]) => {
      const [os, architecture] = platform.split('/');
      return { mediaType: OCI_MANIFEST, digest, size, platform: { os, architecture } };
    });
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    const put = { reference, manifest, type: OCI_INDEX };
    expect((await putManifest(registry().url, name, put)).status).toBe(201);
  };
  const ask = (name: string, query: string, headers: Record<string, string> = ADMIN) => {
    const path = `/repositories/${encodeURIComponent(name)}/compare?${query}`;
    return askApi(registry().url, { method: 'GET', path, headers });
  };
  const compare = async (name: string, query: string): Promise<Comparison> => {
    const answer = await ask(name, query);
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body as unknown as Comparison;
  };

  test('two images, by tag and by digest', async () => {
    const name = newName();
    const config = (version: string) =>
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        config: { Env: [`VERSION=${version}`] },
      });
    await push(name, { reference: 'v1', config: config('1'), layers: ['base', 'old'] });
    const { digest, size } = await push(name, {
      reference: 'v2',
      config: config('2'),
      layers: ['base', 'newer'],
    });
    const found = await compare(name, 'from=v1&to=v2');
    expect(found).toMatchObject({ isSame: false, platforms: null, notes: [] });
    expect(found.to).toEqual({
      repository: name,
      digest,
      kind: 'image',
      mediaType: OCI_MANIFEST,
      artifactType: null,
    });
    expect(found.content?.layers.map((layer) => [layer.change, layer.size])).toEqual([
      ['shared', 4],
      ['new', 5],
      ['gone', 3],
    ]);
    expect(found.content?.totals.download).toBe(size + config('2').length + 5);
    expect(found.content?.settings).toMatchObject({
      environment: [{ name: 'VERSION', from: '1', to: '2' }],
      entrypoint: null,
    });
    expect(await compare(name, `from=v1&to=${digest}`)).toEqual(found);
    expect(await compare(name, `from=${digest}&to=v2`)).toMatchObject({ isSame: true });
  });

  test('a configuration that lies in a file, one that is too large, one that is odd', async () => {
    const name = newName();
    const padded = (bytes: number, user: string) =>
      JSON.stringify({ config: { User: user }, comment: 'x'.repeat(bytes) });
    await push(name, { reference: 'file', config: padded(100_000, 'app') });
    await push(name, { reference: 'large', config: padded(1024 * 1024, 'app') });
    await push(name, { reference: 'odd', config: 'not json' });
    await push(name, { reference: 'small', config: padded(1, 'root') });
    const inFile = await compare(name, 'from=small&to=file');
    expect(inFile.content?.settings).toMatchObject({ user: { from: 'root', to: 'app' } });
    for (const [tag, why] of [
      ['large', 'Of the second: The configuration has'],
      ['odd', 'Of the second: The configuration is no JSON'],
    ] as const) {
      const { content } = await compare(name, `from=small&to=${tag}`);
      expect(content?.settings).toBeNull();
      expect(content?.notes).toEqual([expect.stringContaining(why)]);
      expect(content?.layers).toHaveLength(1);
    }
  });

  test('indexes are compared platform by platform', async () => {
    const name = newName();
    const same = await push(name, {
      config: '{"os":"linux","architecture":"s390x"}',
      layers: ['s'],
    });
    const one = await push(name, {
      config: '{"os":"linux","architecture":"amd64"}',
      layers: ['a'],
    });
    const two = await push(name, {
      reference: 'image',
      config: '{"os":"linux","architecture":"amd64","comment":"2"}',
      layers: ['a', 'b'],
    });
    const arm = await push(name, {
      config: '{"os":"linux","architecture":"arm64"}',
      layers: ['arm'],
    });
    await pushIndex(name, 'v1', [
      [same, 'linux/s390x'],
      [one, 'linux/amd64'],
    ]);
    await pushIndex(name, 'v2', [
      [two, 'linux/amd64'],
      [arm, 'linux/arm64'],
      [same, 'linux/s390x'],
    ]);
    const { content, platforms } = await compare(name, 'from=v1&to=v2');
    expect(content).toBeNull();
    expect(platforms?.map(({ name: platform, change }) => [platform, change])).toEqual([
      ['linux/amd64', 'changed'],
      ['linux/arm64', 'added'],
      ['linux/s390x', 'same'],
    ]);
    const [changed, added, kept] = platforms ?? [];
    expect(changed?.content?.layers.map(({ change }) => change)).toEqual(['shared', 'new']);
    expect(added?.content?.totals.download).toBe(added?.content?.totals.to as number);
    expect(kept?.content).toBeNull();
    const mixed = await compare(name, 'from=v1&to=image');
    expect(mixed.platforms?.map(({ name: platform, change }) => [platform, change])).toEqual([
      ['linux/amd64', 'changed'],
      ['linux/s390x', 'removed'],
    ]);
  });

  test('an index that differs in very many platforms is compared in bounds', async () => {
    const name = newName();
    const PLATFORMS = 40;
    for (const reference of ['v1', 'v2']) {
      const children: [Made, string][] = [];
      for (let at = 0; at < PLATFORMS; at += 1) {
        children.push([await push(name, { layers: [`${reference} ${at}`] }), `linux/a${at}`]);
      }
      await pushIndex(name, reference, children);
    }
    const { platforms, notes } = await compare(name, 'from=v1&to=v2');
    expect(platforms?.map(({ change }) => change)).toEqual(
      Array.from({ length: PLATFORMS }, () => 'changed'),
    );
    expect(platforms?.filter(({ content }) => content !== null)).toHaveLength(32);
    expect(notes).toEqual([expect.stringContaining('many platforms')]);
  });

  test('versions of two repositories, and an artifact', async () => {
    const [name, other] = [newName(), newName()];
    const configType = 'application/vnd.example.config.v1+json';
    await push(name, { reference: 'v1', configType, layers: ['shared', 'a'] });
    await push(other, { reference: 'v1', configType, layers: ['shared', 'b'] });
    const found = await compare(name, `from=v1&to=v1&with=${encodeURIComponent(other)}`);
    expect(found.to).toMatchObject({
      repository: other,
      kind: 'artifact',
      artifactType: configType,
    });
    expect(found.content?.settings).toBeNull();
    expect(found.content?.layers.map(({ change }) => change)).toEqual(['shared', 'new', 'gone']);
  });

  test('what is not there is not found, what is no reference is refused', async () => {
    const name = newName();
    await push(name, { reference: 'v1' });
    const absent = `sha256:${'0'.repeat(64)}`;
    for (const [query, status] of [
      ['from=v1&to=v2', 404],
      [`from=v1&to=${absent}`, 404],
      ['from=v1&to=v1&with=not%2Fthere', 404],
      ['from=v1', 400],
      ['from=v1&to=-', 400],
      ['from=v1&to=sha256:1', 400],
    ] as const) {
      expect([query, (await ask(name, query)).status]).toEqual([query, status]);
    }
  });
});

onBothEngines(
  'comparing what one may not see',
  ({ test, registry }) => {
    test('is answered as if it were not there', async () => {
      const { url } = registry();
      const [mine, theirs] = [newName(), newName()];
      for (const name of [mine, theirs]) {
        const id = await grant(registry(), {
          to: { kind: 'anyone', id: 0 },
          path: name,
          role: 'writer',
        });
        await pushBlob(url, name, '{}');
        const config = describeContent('{}', OCI_CONFIG);
        for (const reference of ['v1', 'prod-1']) {
          await putManifest(url, name, {
            reference,
            manifest: imageManifest({ config, layers: [] }),
          });
        }
        await askApi(url, { method: 'DELETE', path: `/grants/${id}`, headers: ADMIN });
      }
      const owner = { kind: 'user', id: await addUser(registry(), { name: 'bob' }) } as const;
      await grant(registry(), { to: owner, path: mine, role: 'reader', tags: ['prod-*'] });
      const headers = bearer((await addAccessToken(registry(), { owner })).secret);
      const ask = async (query: string) => {
        const path = `/repositories/${encodeURIComponent(mine)}/compare?${query}`;
        const { status, text } = await askApi(url, { method: 'GET', path, headers });
        return [status, text.replace(/"requestId":"[^"]*"/, '').replaceAll(/v1|v2/g, 'TAG')];
      };
      expect((await ask('from=prod-1&to=prod-1'))[0]).toBe(200);
      const hidden = await ask('from=prod-1&to=v1');
      expect(hidden[0]).toBe(404);
      expect(hidden).toEqual(await ask('from=prod-1&to=v2'));
      const elsewhere = await ask(`from=prod-1&to=v1&with=${encodeURIComponent(theirs)}`);
      expect(elsewhere[0]).toBe(404);
    });
  },
  { isPrivate: true },
);

onBothEngines(
  'comparing indexes that are not held whole',
  ({ test, registry }) => {
    test('goes as far as they are, and says so', async () => {
      const { url } = registry();
      const name = newName();
      for (const reference of ['v1', 'v2']) {
        const child = describeContent(reference, OCI_MANIFEST);
        const manifests = [{ ...child, platform: { os: 'linux', architecture: 'amd64' } }];
        const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
        const put = { reference, manifest, type: OCI_INDEX };
        expect((await putManifest(url, name, put)).status).toBe(201);
      }
      const path = `/repositories/${encodeURIComponent(name)}/compare?from=v1&to=v2`;
      const { body } = await askApi(url, { method: 'GET', path, headers: ADMIN });
      const { platforms, notes } = body as unknown as Comparison;
      expect(platforms).toMatchObject([{ name: 'linux/amd64', change: 'changed', content: null }]);
      expect(notes).toEqual(
        ['v1', 'v2'].map(
          (text) => `"${name}" has no manifest ${digestOf(text)}: it was not compared.`,
        ),
      );
    });
  },
  { missingParts: 'index-children' },
);
