import { expect, test } from 'bun:test';
import { type Digest, digestOf } from '../../oci/digest.ts';
import { type Content, compareContent } from './compare-content.ts';
import { readImageConfig } from './image-config.ts';
import { readVersionParts } from './version-parts.ts';

const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json';

function digest(number: number): Digest {
  return digestOf('sha256', String(number).padStart(64, '0'));
}

function descriptor(number: number, more: object = {}): object {
  return {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: digest(number),
    size: number,
    ...more,
  };
}

interface Given {
  readonly id: number;
  readonly layers: readonly object[];
  readonly config?: unknown;
  readonly configType?: string;
  readonly annotations?: object;
}

function content(given: Given): Content {
  const { id, layers, config = {}, configType = IMAGE_CONFIG, annotations } = given;
  const manifest = {
    schemaVersion: 2,
    config: { mediaType: configType, digest: digest(id + 1), size: 1000 },
    layers,
    annotations,
  };
  const stored = { digest: digest(id), mediaType: 'application/vnd.oci.image.manifest.v1+json' };
  const parts = readVersionParts(Buffer.from(JSON.stringify(manifest)), stored);
  if (parts.kind !== 'image') return { parts, config: undefined, notes: [] };
  return { parts, ...readImageConfig(Buffer.from(JSON.stringify(config))) };
}

function settingsOf(from: unknown, to: unknown) {
  const { settings } = compareContent({
    from: content({ id: 900, layers: [], config: from }),
    to: content({ id: 910, layers: [], config: to }),
  });
  if (settings === undefined) throw new Error('both are images');
  return settings;
}

test('a host downloads what it has not: each content once', () => {
  const from = content({ id: 900, layers: [descriptor(1), descriptor(20), descriptor(300)] });
  const to = content({
    id: 910,
    layers: [descriptor(1), descriptor(4000), descriptor(300), descriptor(4000)],
  });
  const { layers, totals } = compareContent({ from, to });
  expect(layers.map(({ size, change }) => [size, change])).toEqual([
    [1, 'shared'],
    [4000, 'new'],
    [300, 'shared'],
    [4000, 'new'],
    [20, 'gone'],
  ]);
  const [own, others] = [from.parts.size + 1000, to.parts.size + 1000];
  expect(totals).toEqual({
    from: own + 321,
    to: others + 4301,
    shared: 301,
    download: others + 4000,
    gone: own + 20,
  });
});

test('nothing is downloaded for what is the same', () => {
  const same = content({ id: 900, layers: [descriptor(1)] });
  const { totals, layers, settings } = compareContent({ from: same, to: same });
  expect([totals.download, totals.gone, layers.map(({ change }) => change)]).toEqual([
    0,
    0,
    ['shared'],
  ]);
  expect(settings).toEqual({
    platform: undefined,
    environment: [],
    entrypoint: undefined,
    command: undefined,
    user: undefined,
    workingDirectory: undefined,
    stopSignal: undefined,
    ports: { added: [], removed: [] },
    volumes: { added: [], removed: [] },
    labels: [],
  });
});

test('a version that is not there has no part', () => {
  const to = content({ id: 910, layers: [descriptor(1)] });
  const { totals, layers } = compareContent({ from: undefined, to });
  expect(totals).toMatchObject({ from: 0, shared: 0, gone: 0, download: totals.to });
  expect(layers.map(({ change }) => change)).toEqual(['new']);
});

test('settings: what was added, removed and changed', () => {
  const settings = settingsOf(
    {
      os: 'linux',
      architecture: 'amd64',
      config: {
        Env: ['PATH=/bin', 'MODE=a=b', 'OLD=1', 'TWICE=1', 'TWICE=2'],
        Entrypoint: ['/app'],
        Cmd: ['serve'],
        User: 'root',
        WorkingDir: '/',
        StopSignal: 'SIGTERM',
        ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
        Volumes: { '/data': {} },
        Labels: { version: '1', same: 'x' },
      },
    },
    {
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
      config: {
        Env: ['PATH=/bin', 'MODE=a=c', 'NEW=', 'TWICE=2'],
        Entrypoint: ['/app', '-v'],
        Cmd: null,
        User: '',
        WorkingDir: '/',
        StopSignal: 'SIGINT',
        ExposedPorts: { '443/tcp': {}, '8080/tcp': {} },
        Labels: { version: '2', same: 'x' },
      },
    },
  );
  expect(settings).toEqual({
    platform: { from: 'linux/amd64', to: 'linux/arm64/v8' },
    environment: [
      { name: 'MODE', from: 'a=b', to: 'a=c' },
      { name: 'NEW', from: null, to: '' },
      { name: 'OLD', from: '1', to: null },
    ],
    entrypoint: { from: ['/app'], to: ['/app', '-v'] },
    command: { from: ['serve'], to: null },
    user: { from: 'root', to: null },
    workingDirectory: undefined,
    stopSignal: { from: 'SIGTERM', to: 'SIGINT' },
    ports: { added: ['8080/tcp'], removed: ['80/tcp'] },
    volumes: { added: [], removed: ['/data'] },
    labels: [{ name: 'version', from: '1', to: '2' }],
  });
});

test('build steps are compared by their text, and name the layers that they made', () => {
  const step = (text: string, isEmpty = false) => ({
    created_by: text,
    ...(isEmpty && { empty_layer: true }),
  });
  const from = content({
    id: 900,
    layers: [descriptor(1), descriptor(2)],
    config: {
      history: [step('ADD base'), step('ENV A=1', true), step('RUN make'), step('ENV A=1', true)],
    },
  });
  const to = content({
    id: 910,
    layers: [descriptor(1), descriptor(3)],
    config: { history: [step('ADD base'), step('ENV A=1', true), step('RUN make all')] },
  });
  const { steps, layers } = compareContent({ from, to });
  expect(steps).toEqual({ shared: 2, added: ['RUN make all'], removed: ['RUN make', 'ENV A=1'] });
  expect(layers.map(({ made, change }) => [made, change])).toEqual([
    ['ADD base', 'shared'],
    ['RUN make all', 'new'],
    ['RUN make', 'gone'],
  ]);
});

test('where steps are missing, no layer is said to be made by another', () => {
  const config = { history: [{ created_by: 'RUN a' }] };
  const to = content({ id: 910, layers: [descriptor(1), descriptor(2)], config });
  expect(compareContent({ from: to, to }).layers.map(({ made }) => made)).toEqual([null, null]);
});

test('an artifact is compared by its layers and annotations', () => {
  const file = (number: number, title: string) =>
    descriptor(number, { annotations: { 'org.opencontainers.image.title': title } });
  const configType = 'application/vnd.cncf.helm.config.v1+json';
  const from = content({
    id: 900,
    configType,
    layers: [file(1, 'a.tgz')],
    annotations: { v: '1' },
  });
  const to = content({ id: 910, configType, layers: [file(2, 'b.tgz')], annotations: { w: '1' } });
  expect(from.parts).toMatchObject({ kind: 'artifact', artifactType: configType });
  const { settings, steps, layers, annotations } = compareContent({ from, to });
  expect([settings, steps]).toEqual([undefined, undefined]);
  expect(layers.map(({ made, change }) => [made, change])).toEqual([
    ['b.tgz', 'new'],
    ['a.tgz', 'gone'],
  ]);
  expect(annotations).toEqual([
    { name: 'v', from: '1', to: null },
    { name: 'w', from: null, to: '1' },
  ]);
});

test.each([
  ['no JSON', '{'],
  ['no object', '[]'],
  ['too deep', `${'['.repeat(5000)}${']'.repeat(5000)}`],
  ['no UTF-8', '\xff'],
])('a configuration that is %s is told and is no error', (_, text) => {
  const read = readImageConfig(Buffer.from(text, 'latin1'));
  expect(read).toEqual({
    config: undefined,
    notes: ['The configuration is no JSON object that can be read.'],
  });
});

test('of an odd configuration the rest is read', () => {
  const config = {
    Env: [1],
    Entrypoint: '/app',
    Labels: { a: 1 },
    Volumes: [],
    User: 7,
    Cmd: ['x'],
  };
  const read = readImageConfig(Buffer.from(JSON.stringify({ config, history: [null] })));
  expect(read.config?.command).toEqual(['x']);
  const names = ['Env', 'Labels', 'Volumes', 'Entrypoint', 'User', 'history'];
  expect(read.notes).toEqual(
    names.map((name) => `${name} of the configuration is odd, and not compared.`),
  );
  const nothing = readImageConfig(Buffer.from('{"config":null}'));
  expect([nothing.notes, nothing.config?.environment.size]).toEqual([[], 0]);
});
