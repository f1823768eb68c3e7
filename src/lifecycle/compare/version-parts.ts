// What a comparison must know of a manifest: its parts with their sizes, in their order. It was checked when
// it was pushed; what nobody checked then is left out here when it is odd. Pure.
import { type Digest, isDigest } from '../../oci/digest.ts';
import { isJsonObject, type JsonObject, parseManifestJson } from '../../oci/manifest-json.ts';
import { type Platform, platformOf } from './platform.ts';

export interface Part {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly annotations: ReadonlyMap<string, string>;
}

/** What an index names. */
export interface Child extends Part {
  readonly platform: Platform | undefined;
  readonly artifactType: string | undefined;
}

export type VersionKind = 'image' | 'index' | 'artifact';

export interface VersionParts {
  readonly kind: VersionKind;
  readonly digest: Digest;
  /** Of the manifest itself. */
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly annotations: ReadonlyMap<string, string>;
  readonly config: Part | undefined;
  readonly layers: readonly Part[];
  /** Of an index. */
  readonly children: readonly Child[];
}

/** Configurations that say how a container runs; by any other an artifact tells what it is. */
const IMAGE_CONFIGS: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);

export function readVersionParts(
  bytes: Uint8Array,
  stored: { readonly digest: Digest; readonly mediaType: string },
): VersionParts {
  const json = parseManifestJson(bytes);
  const config = partOf(json.config);
  const layers = partsOf(json.layers ?? json.blobs);
  const isIndex = Array.isArray(json.manifests);
  const isImage = config !== undefined && IMAGE_CONFIGS.has(config.mediaType.toLowerCase());
  return {
    kind: isIndex ? 'index' : isImage ? 'image' : 'artifact',
    digest: stored.digest,
    size: bytes.length,
    mediaType: stored.mediaType,
    artifactType: textOf(json.artifactType) ?? (isImage ? undefined : config?.mediaType),
    annotations: textsOf(json.annotations),
    config,
    layers,
    children: childrenOf(json.manifests),
  };
}

function childrenOf(list: unknown): Child[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) => {
    const part = partOf(entry);
    if (part === undefined) return [];
    const { platform, artifactType } = entry as JsonObject;
    return [{ ...part, platform: platformOf(platform), artifactType: textOf(artifactType) }];
  });
}

function partsOf(list: unknown): Part[] {
  return Array.isArray(list) ? list.flatMap((entry) => partOf(entry) ?? []) : [];
}

function partOf(value: unknown): Part | undefined {
  if (!isJsonObject(value)) return undefined;
  const { digest, size } = value;
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return undefined;
  const mediaType = textOf(value.mediaType) ?? '';
  return { digest, size, mediaType, annotations: textsOf(value.annotations) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): ReadonlyMap<string, string> {
  if (!isJsonObject(value)) return new Map();
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return new Map(texts);
}
