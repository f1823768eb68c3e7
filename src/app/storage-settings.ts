// Where the database and the blobs are, read from one text each: `sqlite:`, `postgres://…`, `file:`,
// `s3://…`. Paths stay as they were written; configuration.ts makes them absolute.
import { SettingProblem } from './setting-values.ts';

/** `path` undefined: the usual file in the data directory. */
export type DatabaseSetting =
  | { readonly kind: 'sqlite'; readonly path: string | undefined }
  | { readonly kind: 'postgres'; readonly url: string };

export type BlobsSetting = { readonly kind: 'file'; readonly path: string | undefined };

export interface ObjectStoreAddress {
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

function pathAfter(scheme: string, text: string): string | undefined {
  const path = text.slice(scheme.length).replace(/^\/\/(?=\/)/, '');
  if (path.startsWith('//') || path.includes('\0') || path.startsWith(':')) {
    throw new SettingProblem(
      `"${text}" holds no path: write ${scheme} alone, or ${scheme}/var/lib/entrepot/…`,
    );
  }
  return path === '' ? undefined : path;
}

export function parseDatabase(text: string): DatabaseSetting {
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', path: pathAfter('sqlite:', text) };
  if (/^postgres(ql)?:/.test(text)) {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw new SettingProblem(
        'That is not a PostgreSQL URL: write postgres://user:password@host:5432/database.',
      );
    }
    if (url.hostname === '' || url.pathname.length < 2) {
      throw new SettingProblem(
        'The PostgreSQL URL must name a host and a database: postgres://user@host/database.',
      );
    }
    return { kind: 'postgres', url: text };
  }
  const scheme = /^[a-z0-9+]+:/.exec(text)?.[0] ?? text;
  throw new SettingProblem(
    `"${scheme}" is not a database: write sqlite: or postgres://user@host/database.`,
  );
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** Slower than that, a piece that is read at once would take longer than a job may be silent. */
const SLOWEST_RATE = 64 * 1024;

/** @returns bytes a second; 0 = off. */
export function parseRate(text: string): number {
  if (text === 'off' || text === '0') return 0;
  const [, amount, unit = ''] = /^(\d{1,6})([KMG]iB|[kMG]B)$/.exec(text) ?? [];
  const rate = Number(amount) * (UNIT_BYTES[unit] ?? Number.NaN);
  if (rate >= SLOWEST_RATE) return rate;
  throw new SettingProblem(
    `"${text}" is not a rate: write bytes a second such as 8MiB, at least 64KiB, or off.`,
  );
}

export function formatRate(bytesPerSecond: number): string {
  if (bytesPerSecond === 0) return 'off';
  for (const unit of ['GiB', 'MiB', 'GB', 'MB', 'KiB', 'kB'] as const) {
    const size = UNIT_BYTES[unit] ?? 1;
    if (bytesPerSecond % size === 0) return `${bytesPerSecond / size}${unit}`;
  }
  return `${bytesPerSecond}`;
}

/** More would refuse pushes to a disk that is half empty. */
const MOST_PERCENT = 50;

/** @returns percent; 0 = off. */
export function parsePercent(text: string): number {
  const [, amount] = /^(\d{1,2}(?:\.\d)?) ?%?$/.exec(text) ?? [];
  const percent = text === 'off' ? 0 : Number(amount ?? Number.NaN);
  if (percent <= MOST_PERCENT) return percent;
  throw new SettingProblem(
    `"${text}" is not a share of the disk: write percent from 0 to ${MOST_PERCENT}, such as 5, or off.`,
  );
}

const S3_PARAMETERS = ['endpoint', 'region'];

export function parseObjectStore(text: string): ObjectStoreAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SettingProblem(
      'That is not the address of a bucket: write s3://bucket/prefix?endpoint=https://….',
    );
  }
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) {
    throw new SettingProblem(
      `"${url.hostname}" is not a bucket name (3 to 63 lower-case letters, digits, . and -).`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new SettingProblem('The keys of the bucket do not belong in its address.');
  }
  for (const name of url.searchParams.keys()) {
    if (!S3_PARAMETERS.includes(name)) {
      throw new SettingProblem(
        `"${name}" is not known for s3: there are ${S3_PARAMETERS.join(' and ')}.`,
      );
    }
  }
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:\/\/[^/]+\/?$/.test(endpoint)) {
    throw new SettingProblem(
      `"${endpoint}" is not an endpoint: write https://host or http://host:port.`,
    );
  }
  const region = url.searchParams.get('region') ?? undefined;
  return { bucket: url.hostname, prefix: url.pathname.replace(/^\/+|\/+$/g, ''), endpoint, region };
}

export function parseBlobs(text: string): BlobsSetting {
  if (text.startsWith('file:')) return { kind: 'file', path: pathAfter('file:', text) };
  if (text.startsWith('s3:')) {
    const { bucket } = parseObjectStore(text);
    throw new SettingProblem(
      `Blobs in S3 (bucket ${bucket}) are not supported yet: use file: or file:/path.`,
    );
  }
  const scheme = /^[a-z0-9+]+:/.exec(text)?.[0] ?? text;
  throw new SettingProblem(
    `"${scheme}" is not a place for blobs: write file: or file:/var/lib/entrepot/blobs.`,
  );
}
