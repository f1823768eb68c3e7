// A registry made up by a seed, as rows: repositories that share blobs, indexes of indexes, referrers, leases,
// things released and in the trash. What is live is worked out here from the roots, so that the rows are as the
// program would have written them.
import type { SqlValue } from '../../src/metadata/statement.ts';

export interface MadeManifest {
  readonly id: number;
  readonly blob: number;
  readonly subject: number | undefined;
  readonly references: readonly { readonly child: number; readonly kind: string }[];
  state: 'live' | 'released' | 'deleted';
}

export interface MadeRepository {
  readonly id: number;
  readonly name: string;
  readonly manifests: MadeManifest[];
  /** By blob. */
  readonly rights: Map<number, 'counted' | 'uncounted' | 'gone'>;
  /** Manifest by name of the tag. */
  readonly tags: Map<string, MadeManifest>;
  readonly leased: Set<MadeManifest>;
  /** Pushed by digest, and held by nothing since. */
  readonly loose: Set<MadeManifest>;
}

export interface MadeRegistry {
  readonly repositories: readonly MadeRepository[];
  /** Bytes by blob. */
  readonly sizes: ReadonlyMap<number, number>;
}

/** Repeatable: one seed, one registry. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NAMES = ['team/app', 'team/app/sub', 'team-b/x', 'team/web', 'other', '~7', '~7/inner'];
const LAYERS = 12;

export function makeRegistry(seed: number): MadeRegistry {
  const random = randomOf(seed);
  const sizes = new Map<number, number>();
  const newBlob = () => {
    sizes.set(sizes.size + 1, 1 + random(1_000));
    return sizes.size;
  };
  for (let layer = 0; layer < LAYERS; layer += 1) newBlob();
  // Manifests of the same bytes lie in several repositories.
  const bodies = Array.from({ length: 14 }, () => newBlob());
  let lastId = 0;
  const repositories = NAMES.map((name, index): MadeRepository => {
    const manifests: MadeManifest[] = [];
    const rights: MadeRepository['rights'] = new Map();
    for (const [body, blob] of bodies.entries()) {
      if (random(3) === 0) continue;
      // What a body names depends on it alone.
      const own = randomOf(seed * 1_000 + body);
      const references = new Map<string, { child: number; kind: string }>();
      const refer = (child: number, kind: string) =>
        references.set(`${child} ${kind}`, { child, kind });
      const isIndex = body > 6 && own(2) === 0;
      for (let part = 0; part < 3; part += 1) {
        if (isIndex)
          refer(own(5) === 0 ? 1 + own(LAYERS) : (bodies[own(body)] as number), 'manifest');
        else refer(1 + own(LAYERS), ['config', 'layer', 'layer', 'foreign'][own(4)] as string);
      }
      const subject = body > 0 && own(3) === 0 ? bodies[own(body)] : undefined;
      if (subject !== undefined) refer(subject, 'subject');
      lastId += 1;
      manifests.push({
        id: lastId,
        blob,
        subject,
        references: [...references.values()],
        state: 'released',
      });
    }
    for (const { references } of manifests) {
      for (const { child, kind } of references) {
        // Some parts are missing.
        if (kind !== 'subject' && child <= LAYERS && random(8) > 0) rights.set(child, 'uncounted');
      }
    }
    const made = {
      id: index + 1,
      name,
      manifests,
      rights,
      tags: new Map<string, MadeManifest>(),
      leased: new Set<MadeManifest>(),
      loose: new Set<MadeManifest>(),
    };
    for (const manifest of manifests) if (random(6) === 0) manifest.state = 'deleted';
    for (let tag = 0; tag < 4; tag += 1) {
      const manifest = manifests[random(manifests.length)];
      if (manifest?.state === 'released') made.tags.set(`v${tag}`, manifest);
    }
    const [leased, loose] = [
      manifests[random(manifests.length)],
      manifests[random(manifests.length)],
    ];
    if (leased?.state === 'released' && random(2) === 0) made.leased.add(leased);
    if (loose?.state === 'released' && !reach(made, rootsOf(made)).has(loose))
      made.loose.add(loose);
    for (const manifest of reach(made, rootsOf(made))) manifest.state = 'live';
    for (const blob of rights.keys()) {
      const isNamed = manifests.some((m) => m.state === 'live' && names(m, blob));
      if (isNamed || random(6) === 0) rights.set(blob, 'counted');
      else if (random(3) === 0) rights.set(blob, 'gone');
    }
    return made;
  });
  return { repositories, sizes };
}

export function names(manifest: MadeManifest, blob: number): boolean {
  return manifest.references.some(({ child, kind }) => child === blob && kind !== 'subject');
}

export function rootsOf({ tags, leased, loose }: MadeRepository): MadeManifest[] {
  return [...tags.values(), ...leased, ...loose];
}

/** From the roots to all that they hold: children of indexes and referrers, that are not in the trash. */
export function reach(
  { manifests }: Pick<MadeRepository, 'manifests'>,
  roots: readonly MadeManifest[],
): Set<MadeManifest> {
  const reached = new Set(roots);
  for (const one of reached) {
    for (const other of manifests) {
      const isChild = one.references.some((r) => r.kind === 'manifest' && r.child === other.blob);
      if (other.state !== 'deleted' && (isChild || other.subject === one.blob)) reached.add(other);
    }
  }
  return reached;
}

/** As rows, for an empty database that has the root namespace. */
export function* rowsOf({ repositories, sizes }: MadeRegistry): Generator<{
  readonly table: string;
  readonly row: Readonly<Record<string, SqlValue>>;
}> {
  for (const [id, size] of sizes) {
    const digest = Uint8Array.from({ length: 33 }, (_, at) => (at === 0 ? 1 : at > 28 ? id : at));
    yield {
      table: 'blobs',
      row: { id, digest, size, storage_key: `key${id}`, state: 'stored', created_at: 1 },
    };
  }
  for (const { id, name, manifests, rights, tags, leased } of repositories) {
    const listed = name.startsWith('~') ? 2 : 1;
    yield { table: 'repositories', row: { id, name, namespace_id: 1, listed, created_at: 1 } };
    for (const [blob_id, right] of rights) {
      const deleted_at = right === 'gone' ? 5 : null;
      const is_counted = right === 'counted' ? 1 : 0;
      yield {
        table: 'repository_blobs',
        row: { repository_id: id, blob_id, created_at: 1, deleted_at, is_counted },
      };
    }
    for (const { id: manifest, blob, subject = null, references, state } of manifests) {
      const deleted_at = state === 'deleted' ? 5 : null;
      const released_at = state === 'released' ? 5 : null;
      const type = { media_type: 'application/vnd.oci.image.manifest.v1+json', created_at: 1 };
      const row = { id: manifest, repository_id: id, blob_id: blob, subject_id: subject };
      yield { table: 'manifests', row: { ...row, ...type, deleted_at, released_at } };
      for (const { child, kind } of references) {
        const reference = { parent_id: manifest, child_id: child, kind, repository_id: id };
        yield { table: 'manifest_references', row: reference };
      }
    }
    for (const [tag, { id: manifest_id }] of tags) {
      yield { table: 'tags', row: { repository_id: id, name: tag, manifest_id, sequence: 1 } };
    }
    for (const { blob } of leased) {
      yield { table: 'lease_items', row: { lease_id: 1, repository_id: id, blob_id: blob } };
    }
  }
}
