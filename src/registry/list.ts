// Lists: tags of a repository, repositories, referrers of a manifest. All by pages.
import {
  findManifestByTag,
  heldManifestDigests,
  listReferrers as referrerRows,
} from '../metadata/manifests.ts';
import {
  findRepository,
  listedRepositories,
  listedRepositoriesAt,
  listedRepositoriesOf,
} from '../metadata/repositories.ts';
import type { Sql } from '../metadata/sql.ts';
import { listTags as tagRows } from '../metadata/tags.ts';
import { type Digest, isDigest, referrersTag } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { manifestBytes, type PullParts } from './pull.ts';

export interface Page {
  readonly items: readonly string[];
  /** Where the next page starts; undefined on the last one. */
  readonly next: string | undefined;
}

export interface PageRequest {
  /** At most so many; undefined = as many as a page takes. */
  readonly size: number | undefined;
  /** Begin after this; it need not exist (any more). */
  readonly last: string;
}

/** @throws RegistryError NAME_UNKNOWN. */
export async function listTags(
  sql: Sql,
  request: PageRequest & { repository: RepositoryName },
): Promise<Page> {
  const repository = await findRepository(sql, request.repository);
  if (repository === undefined) {
    throw new RegistryError('NAME_UNKNOWN', `There is no repository "${request.repository}".`);
  }
  return pageOf(request, (page) => tagRows(sql, { repository, ...page }));
}

/** Which repositories somebody may see. */
export interface VisibleRepositories {
  readonly isEverything: boolean;
  /** Everything at these paths and below. */
  readonly paths: readonly string[];
  /** Everything of these visibilities. */
  readonly visibilities: readonly ('public' | 'internal')[];
  /** Of what is not public. */
  mayShow(name: string): boolean;
}

/** Reads only rows that are shown, and of those no more than a page from each source. */
export async function listRepositories(
  sql: Sql,
  request: PageRequest & { visible: VisibleRepositories },
): Promise<Page> {
  const { visible } = request;
  if (visible.isEverything) return pageOf(request, (page) => listedRepositories(sql, page));
  return pageOf(request, (page) => visibleRepositories(sql, { ...page, visible }));
}

/** Names read at once from each source. */
const LEAST_READ = 100;

async function visibleRepositories(
  sql: Sql,
  page: { last: string; limit: number; visible: VisibleRepositories },
): Promise<string[]> {
  const { limit, visible } = page;
  const shown: string[] = [];
  let { last } = page;
  for (;;) {
    // Where scopes hide most names, a page's last row would else be looked for one by one.
    const wanted = Math.max(limit - shown.length, LEAST_READ);
    const sources = [
      ...visible.paths.map((path) => listedRepositoriesAt(sql, { path, last, limit: wanted })),
      ...visible.visibilities.map((visibility) =>
        listedRepositoriesOf(sql, { visibility, last, limit: wanted }),
      ),
    ];
    const found = await Promise.all(sources);
    const isPublic = new Set(found[visible.paths.length + visible.visibilities.indexOf('public')]);
    // Each source gave its first names, so the first of all of them are right.
    const names = [...new Set(found.flat())].sort(byBytes).slice(0, wanted);
    shown.push(...names.filter((name) => isPublic.has(name) || visible.mayShow(name)));
    const end = names.at(-1);
    if (names.length < wanted || shown.length >= limit || end === undefined) {
      return shown.slice(0, limit);
    }
    last = end;
  }
}

/** Names are ASCII, so their order by code units is that of their bytes. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Reads one item more than asked for: only that tells whether a next page is there. */
async function pageOf(
  request: PageRequest,
  read: (page: { last: string; limit: number }) => Promise<string[]>,
): Promise<Page> {
  const size = Math.min(request.size ?? LIMITS.pageSize, LIMITS.pageSize);
  if (size === 0) return { items: [], next: undefined };
  const items = await read({ last: request.last, limit: size + 1 });
  if (items.length <= size) return { items, next: undefined };
  items.pop();
  return { items, next: items.at(-1) };
}

export interface ReferrersPage {
  /** The JSON of one descriptor each. */
  readonly descriptors: readonly string[];
  readonly next: number | undefined;
}

export interface ReferrersRequest {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  /** Any of these; empty = all. */
  readonly artifactTypes: readonly string[];
  /** Where the page starts; 0 = at the beginning. */
  readonly after: number;
}

/** Rows read at once: bounds how long the request thread is held. */
const REFERRERS_AT_ONCE = 1_000;

/** Never unknown: a subject without referrers, or that does not exist, has an empty list (client behaviour 17). */
export async function listReferrers(
  parts: PullParts,
  request: ReferrersRequest,
): Promise<ReferrersPage> {
  const { repository, subject } = request;
  const descriptors: string[] = [];
  let bytes = 0;
  let after = request.after;
  for (;;) {
    const page = { repository, subject, after, limit: REFERRERS_AT_ONCE };
    const rows = await referrerRows(parts.sql, page);
    for (const row of rows) {
      if (isWanted(request, row.artifactType ?? undefined)) {
        bytes += Buffer.byteLength(row.descriptor) + 1;
        if (bytes > LIMITS.referrersPageBytes && descriptors.length > 0) {
          return { descriptors, next: after };
        }
        descriptors.push(row.descriptor);
      }
      after = row.manifestId;
    }
    if (rows.length < REFERRERS_AT_ONCE) break;
  }
  const fallback = await fallbackReferrers(parts, request);
  for (const descriptor of fallback) bytes += Buffer.byteLength(descriptor) + 1;
  // They come last and all at once: a fallback tag is one manifest, which is bounded itself.
  if (bytes > LIMITS.referrersPageBytes && descriptors.length > 0 && fallback.length > 0) {
    return { descriptors, next: after };
  }
  descriptors.push(...fallback);
  return { descriptors, next: undefined };
}

function isWanted(request: ReferrersRequest, artifactType: string | undefined): boolean {
  if (request.artifactTypes.length === 0) return true;
  return artifactType !== undefined && request.artifactTypes.includes(artifactType);
}

/**
 * Referrers that a client without the referrers API listed in an index under the fallback tag, and that
 * do not name their subject themselves (spec, "Referrers Tag Schema"; "Enabling the Referrers API").
 */
async function fallbackReferrers(parts: PullParts, request: ReferrersRequest): Promise<string[]> {
  const { repository, subject } = request;
  const tag = referrersTag(subject) as Tag;
  const index = await findManifestByTag(parts.sql, { repository, tag });
  if (index === undefined) return [];
  const listed = descriptorsOf(await manifestBytes(parts, index));
  const wanted = listed.filter((d) => isWanted(request, d.artifactType));
  const digests = wanted.map((d) => d.digest);
  const held = await heldManifestDigests(parts.sql, { repository, subject, digests });
  const unique = new Map(wanted.map((d) => [d.digest, d]));
  return [...unique.values()].filter((d) => held.has(d.digest)).map((d) => JSON.stringify(d));
}

interface ListedDescriptor {
  readonly digest: Digest;
  readonly artifactType?: string;
}

/** Descriptors of an index; nothing for what is not one. */
function descriptorsOf(bytes: Uint8Array): ListedDescriptor[] {
  // It was parsed as a manifest when it was pushed: it is JSON, and an object.
  const index = JSON.parse(Buffer.from(bytes).toString()) as { manifests?: unknown };
  if (!Array.isArray(index.manifests)) return [];
  return index.manifests.filter(
    (d): d is ListedDescriptor => typeof d?.digest === 'string' && isDigest(d.digest),
  );
}
