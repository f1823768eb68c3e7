// The platforms that an index names for its manifests. What cannot be read is no index.
import { type Digest, isDigest } from '../../oci/digest.ts';

export interface NamedPlatform {
  readonly digest: Digest;
  readonly platform: string | undefined;
}

/** @param bytes of a manifest of any kind. @returns each digest once, in the order of the index. */
export function platformsOf(bytes: Uint8Array | undefined): NamedPlatform[] {
  const entries = fieldOf(parse(bytes), 'manifests');
  if (!Array.isArray(entries)) return [];
  const named = new Map<string, NamedPlatform>();
  for (const entry of entries) {
    const digest = fieldOf(entry, 'digest');
    if (typeof digest !== 'string' || !isDigest(digest) || named.has(digest)) continue;
    named.set(digest, { digest, platform: platformText(fieldOf(entry, 'platform')) });
  }
  return [...named.values()];
}

function platformText(platform: unknown): string | undefined {
  const parts = ['os', 'architecture', 'variant'].map((name) => fieldOf(platform, name));
  const text = parts.filter((part) => typeof part === 'string' && part !== '').join('/');
  return text === '' ? undefined : text;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function parse(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
