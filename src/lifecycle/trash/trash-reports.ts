// What purging an item of the trash would free: bytes that nothing else holds. A long read for whole
// namespaces, so it is made in the thread of reports.
import { findBlobId } from '../../metadata/blobs.ts';
import { findManifestState } from '../../metadata/manifests.ts';
import { hiddenPath } from '../../metadata/names.ts';
import { blobsHeldBy } from '../../metadata/purge-now.ts';
import type { Report, ReportSql } from '../../metadata/report.ts';
import {
  listTrash,
  readTrashItem,
  type TrashFilter,
  type TrashItem,
} from '../../metadata/trash-items.ts';
import {
  manifestsNaming,
  nextRepositoryAt,
  partsOfManifest,
  repositoriesHolding,
  sizesOfBlobs,
} from '../../metadata/trashed-content.ts';
import { windowAt } from '../history/remains.ts';

export interface ShownTrashItem extends TrashItem {
  /** It can be restored until then: milliseconds since 1970. */
  readonly until: number;
  /** That a purge would free; undefined: of a repository or namespace in a list, or not worked out. */
  readonly bytes: number | undefined;
}

export function trashReports() {
  return { trashPage, trashItem } satisfies Record<string, Report<never, unknown>>;
}

async function trashPage(
  sql: ReportSql,
  page: { filter: TrashFilter; after: number | undefined; limit: number },
): Promise<ShownTrashItem[]> {
  const items = await listTrash(sql, page);
  const windows = new Map<string, number>();
  const shown: ShownTrashItem[] = [];
  for (const item of items) {
    const window = windows.get(item.path) ?? (await windowAt(sql, item.path));
    windows.set(item.path, window);
    const isPlace = item.kind === 'repository' || item.kind === 'namespace';
    const bytes = isPlace ? undefined : await bytesOfItem(sql, item);
    shown.push({ ...item, until: item.deletedAt + window, bytes });
  }
  return shown;
}

async function trashItem(
  sql: ReportSql,
  { id }: { id: number },
): Promise<ShownTrashItem | undefined> {
  const item = await readTrashItem(sql, id);
  if (item === undefined) return undefined;
  const until = item.deletedAt + (await windowAt(sql, item.path));
  const isPlace = item.kind === 'repository' || item.kind === 'namespace';
  const bytes = isPlace ? await bytesOfPlace(sql, item) : await bytesOfItem(sql, item);
  return { ...item, until, bytes };
}

async function bytesOfItem(sql: ReportSql, item: TrashItem): Promise<number> {
  const { kind, digest, repository } = item;
  if (kind === 'tag' || digest === null || repository === null) return 0;
  const blob = await findBlobId(sql, digest);
  if (blob === undefined) return 0;
  const manifest =
    kind === 'manifest' ? await findManifestState(sql, { repository, blob }) : undefined;
  const parts =
    manifest === undefined
      ? await sizesOfBlobs(sql, [blob])
      : (await partsOfManifest(sql, manifest.id)).filter(({ isStored }) => isStored);
  const blobs = parts.map(({ id }) => id);
  const named = await manifestsNaming(sql, { repository, blobs, but: manifest?.id ?? 0 });
  const others = await repositoriesHolding(sql, { blobs, but: repository, most: 1 });
  return parts
    .filter(({ id }) => !named.has(id) && !others.has(id))
    .reduce((sum, { size }) => sum + size, 0);
}

/** Blobs looked at in one read. */
const PAGE = 500;

async function bytesOfPlace(sql: ReportSql, { id, path }: TrashItem): Promise<number> {
  const hidden = hiddenPath(id, path);
  const counted = new Set<number>();
  let bytes = 0;
  let repository = await nextRepositoryAt(sql, { path: hidden, after: 0 });
  while (repository !== undefined) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const held: readonly number[] = await blobsHeldBy(sql, { repository, after, limit: PAGE });
      const fresh = held.filter((blob) => !counted.has(blob));
      for (const blob of fresh) counted.add(blob);
      const others = await repositoriesHolding(sql, {
        blobs: fresh,
        but: repository,
        most: Number.MAX_SAFE_INTEGER,
      });
      for (const { id: blob, size } of await sizesOfBlobs(sql, fresh)) {
        const names = others.get(blob) ?? [];
        if (names.every((name) => name.startsWith(`~${id}/`))) bytes += size;
      }
      after = held.length < PAGE ? undefined : held.at(-1);
    }
    repository = await nextRepositoryAt(sql, { path: hidden, after: repository });
  }
  return bytes;
}
