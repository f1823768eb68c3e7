// What an image runs on, as clients write it: `linux/arm64/v8`.
import { isJsonObject } from '../../oci/manifest-json.ts';

export interface Platform {
  /** `linux/arm64/v8` */
  readonly name: string;
  /** Of Windows, where one index has the same platform in several versions; '' = none. */
  readonly version: string;
}

/** @returns undefined when it says neither system nor architecture. */
export function platformOf(value: unknown): Platform | undefined {
  if (!isJsonObject(value)) return undefined;
  const { os, architecture, variant } = value;
  const parts = [os, architecture, variant].filter(
    (part) => typeof part === 'string' && part !== '',
  );
  if (parts.length === 0) return undefined;
  const version = value['os.version'];
  return { name: parts.join('/'), version: typeof version === 'string' ? version : '' };
}

export function showPlatform({ name, version }: Platform): string {
  return version === '' ? name : `${name} ${version}`;
}
