// Two images, or two artifacts: which layers they share, what a host that has the one must download for
// the other, and what changed in how they run and how they were built. Pure.
import {
  type Change,
  changeOf,
  type LineChanges,
  lineChanges,
  type SetChanges,
  type Sides,
  setChanges,
  type ValueChange,
  valueChanges,
} from './changes.ts';
import type { ImageConfig } from './image-config.ts';
import { showPlatform } from './platform.ts';
import type { Part, VersionParts } from './version-parts.ts';

/** A version with its configuration, where that could be read. */
export interface Content {
  readonly parts: VersionParts;
  readonly config: ImageConfig | undefined;
  /** What could not be read of it, in sentences. */
  readonly notes: readonly string[];
}

export interface ComparedLayer {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly change: 'shared' | 'new' | 'gone';
  /** The step that made it, or the name of the file. */
  readonly made: string | null;
}

/** Bytes; each content once. Manifest and configuration count too. */
export interface Totals {
  readonly from: number;
  readonly to: number;
  readonly shared: number;
  /** What a host that has `from` must download for `to`. */
  readonly download: number;
  /** What `to` does without. */
  readonly gone: number;
}

export interface SettingChanges {
  readonly platform: Change<string> | undefined;
  readonly environment: readonly ValueChange[];
  readonly entrypoint: Change<readonly string[]> | undefined;
  readonly command: Change<readonly string[]> | undefined;
  readonly user: Change<string> | undefined;
  readonly workingDirectory: Change<string> | undefined;
  readonly stopSignal: Change<string> | undefined;
  readonly ports: SetChanges;
  readonly volumes: SetChanges;
  readonly labels: readonly ValueChange[];
}

export interface ContentComparison {
  readonly layers: readonly ComparedLayer[];
  readonly totals: Totals;
  readonly annotations: readonly ValueChange[];
  /** Undefined when not both are images whose configuration could be read. */
  readonly settings: SettingChanges | undefined;
  readonly steps: LineChanges | undefined;
  readonly notes: readonly string[];
}

/** Undefined on one side: there is no such version, and all of the other is new or gone. */
export function compareContent(sides: Sides<Content | undefined>): ContentComparison {
  const { from, to } = sides;
  const [before, after] = [from?.config, to?.config];
  const configs = before && after && { from: before, to: after };
  return {
    layers: comparedLayers(sides),
    totals: totalsOf(sides),
    annotations: valueChanges({
      from: from?.parts.annotations ?? new Map(),
      to: to?.parts.annotations ?? new Map(),
    }),
    settings: configs && settingChanges(configs),
    steps:
      configs &&
      lineChanges({
        from: configs.from.steps.map(({ text }) => text),
        to: configs.to.steps.map(({ text }) => text),
      }),
    notes: [
      ...(from?.notes.map((note) => `Of the first: ${note}`) ?? []),
      ...(to?.notes.map((note) => `Of the second: ${note}`) ?? []),
    ],
  };
}

function comparedLayers({ from, to }: Sides<Content | undefined>): ComparedLayer[] {
  const [before, after] = [madeLayers(from), madeLayers(to)];
  const had = new Set(before.map(({ digest }) => digest));
  const has = new Set(after.map(({ digest }) => digest));
  return [
    ...after.map((layer) => ({
      ...layer,
      change: had.has(layer.digest) ? ('shared' as const) : ('new' as const),
    })),
    ...before
      .filter(({ digest }) => !has.has(digest))
      .map((layer) => ({ ...layer, change: 'gone' as const })),
  ];
}

function madeLayers(content: Content | undefined): Omit<ComparedLayer, 'change'>[] {
  if (content === undefined) return [];
  const { layers } = content.parts;
  const steps = content.config?.steps.filter(({ isEmpty }) => !isEmpty) ?? [];
  // Some builders leave steps out: then nobody knows which step made which layer.
  const isTold = steps.length === layers.length;
  return layers.map(({ digest, mediaType, size, annotations }, at) => ({
    digest,
    mediaType,
    size,
    made: (isTold && steps[at]?.text) || (annotations.get(FILE_NAME) ?? null),
  }));
}

/** How ORAS names the file that a layer is. */
const FILE_NAME = 'org.opencontainers.image.title';

function totalsOf({ from, to }: Sides<Content | undefined>): Totals {
  const [before, after] = [sizesOf(from), sizesOf(to)];
  const shared = sum([...after].filter(([digest]) => before.has(digest)));
  const [all, wanted] = [sum([...before]), sum([...after])];
  return { from: all, to: wanted, shared, download: wanted - shared, gone: all - shared };
}

function sizesOf(content: Content | undefined): ReadonlyMap<string, number> {
  if (content === undefined) return new Map();
  const { digest, size, config, layers } = content.parts;
  const parts: readonly Pick<Part, 'digest' | 'size'>[] = [
    { digest, size },
    ...(config === undefined ? [] : [config]),
    ...layers,
  ];
  return new Map(parts.map((part) => [part.digest, part.size]));
}

function sum(sizes: readonly (readonly [string, number])[]): number {
  return sizes.reduce((total, [, size]) => total + size, 0);
}

function settingChanges({ from, to }: Sides<ImageConfig>): SettingChanges {
  const of = <T>(read: (config: ImageConfig) => T): Sides<T> => ({
    from: read(from),
    to: read(to),
  });
  return {
    platform: changeOf(of(({ platform }) => platform && showPlatform(platform))),
    environment: valueChanges(of(({ environment }) => environment)),
    entrypoint: changeOf(of(({ entrypoint }) => entrypoint)),
    command: changeOf(of(({ command }) => command)),
    user: changeOf(of(({ user }) => user)),
    workingDirectory: changeOf(of(({ workingDirectory }) => workingDirectory)),
    stopSignal: changeOf(of(({ stopSignal }) => stopSignal)),
    ports: setChanges(of(({ ports }) => ports)),
    volumes: setChanges(of(({ volumes }) => volumes)),
    labels: valueChanges(of(({ labels }) => labels)),
  };
}
