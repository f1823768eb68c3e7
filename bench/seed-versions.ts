// Fills an empty data directory with many repositories, tags and images, by SQL: as they would lie there if
// each had been pushed, with liveness and counters of use written, bytes that hash true, and as much garbage
// as is asked for. Beside it: seed-content.ts, what the images are; seed-rows.ts, how rows are written.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { migrateSqlite } from '../src/metadata/migrate.ts';
import { openSqliteWriter } from '../src/metadata/sqlite.ts';
import { type SeedBlob, SeedContent } from './seed-content.ts';
import { openSeedRows, type SeedRows } from './seed-rows.ts';

export interface SeedShape {
  /** Top namespace of all of them. */
  readonly namespace: string;
  readonly repositories: number;
  /** In each repository; each tag has an image of its own. */
  readonly tags: number;
  /** Moves of each tag, the last to its own image. */
  readonly moves: number;
  /** Images of each repository that tags left `releasedDays` ago: garbage. */
  readonly released: number;
  readonly releasedDays: number;
  /** Layers that all images of a repository share; one more is shared by all repositories. */
  readonly sharedLayers: number;
  /** Layers that an image has for itself. */
  readonly ownLayers: number;
  /** One in so many own layers is a file, the others lie in the database; 0 = none is. */
  readonly fileEvery: number;
  /** One in so many images has a referrer, such as a signature; 0 = none has. */
  readonly referrerEvery: number;
}

export const USUAL_SHAPE: SeedShape = {
  namespace: 'seed',
  repositories: 100,
  tags: 100,
  moves: 3,
  released: 0,
  releasedDays: 40,
  sharedLayers: 2,
  ownLayers: 1,
  fileEvery: 0,
  referrerEvery: 0,
};

export const DAY_MS = 24 * 60 * 60 * 1000;
/** The first image is so old, the last is new. */
const OLDEST_DAYS = 90;
/** As the outbox forgets them. */
const OUTBOX_DAYS = 30;

export interface Seeded {
  readonly tags: number;
  /** With their bytes, manifests included. */
  readonly blobs: number;
  readonly garbageBlobs: number;
  readonly seconds: number;
}

export function repositoryName({ namespace }: SeedShape, index: number): string {
  return `${namespace}/app-${String(index).padStart(5, '0')}`;
}

/** As versions are numbered, so that rules by their order have something to order. */
export function tagName(index: number): string {
  return `1.${index}.0`;
}

/** @throws when there is a database already. */
export async function seedVersions(directory: string, shape: SeedShape): Promise<Seeded> {
  const start = performance.now();
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'entrepot.db');
  const connection = openSqliteWriter(path, Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  connection.close();
  const rows = openSeedRows(path);
  const seed = new Seed({ rows, shape, blobs: join(directory, 'blobs', 'blobs') });
  for (let index = 0; index < shape.repositories; index += 1) seed.repository(index);
  const counts = seed.end();
  rows.close();
  return { ...counts, seconds: (performance.now() - start) / 1000 };
}

interface SeedImage {
  readonly blob: number;
  readonly manifest: number;
  readonly at: number;
}

class Seed {
  readonly #rows: SeedRows;
  readonly #shape: SeedShape;
  readonly #blobDirectory: string;
  readonly #content = new SeedContent();
  readonly #now = Date.now();
  readonly #namespace: number;
  readonly #scope: number;
  readonly #common: SeedBlob & { readonly id: number };
  #garbage = 0;
  #blobs = 0;
  #tags = 0;
  #files = 0;
  #images = 0;

  constructor({ rows, shape, blobs }: { rows: SeedRows; shape: SeedShape; blobs: string }) {
    this.#rows = rows;
    this.#shape = shape;
    this.#blobDirectory = blobs;
    this.#namespace = rows.namespace(shape.namespace, this.#now);
    this.#scope = rows.scope(shape.namespace, this.#now);
    this.#common = this.#blob(this.#content.layer('common'), { at: this.#now, isCounted: true });
  }

  repository(index: number): void {
    const { tags, moves, released, releasedDays, sharedLayers } = this.#shape;
    const rows = this.#rows;
    const at = this.#now - OLDEST_DAYS * DAY_MS;
    const repository = rows.repository({
      name: repositoryName(this.#shape, index),
      namespace: this.#namespace,
      at,
    });
    const base = [this.#common];
    rows.right({ repository, blob: this.#common.id, at, unheldSince: null });
    for (let layer = 0; layer < sharedLayers; layer += 1) {
      const bytes = this.#content.layer(`${index} base ${layer}`);
      base.push(this.#linked(repository, bytes, { at, unheldSince: null }));
    }
    const ended = this.#now - releasedDays * DAY_MS;
    const old: SeedImage[] = [];
    for (let image = 0; image < released; image += 1) {
      old.push(this.#image(repository, { base, at: ended - DAY_MS, unheldSince: ended }));
    }
    const images: SeedImage[] = [];
    for (let tag = 0; tag < tags; tag += 1) {
      const age = Math.floor(OLDEST_DAYS * DAY_MS * (1 - (tag + 1) / tags));
      images.push(this.#image(repository, { base, at: this.#now - age, unheldSince: null }));
    }
    for (const [tag, image] of images.entries()) {
      const left = old.filter((_, which) => which % tags === tag);
      this.#tag(repository, {
        tag,
        image,
        before: [...left, ...images.slice(Math.max(0, tag - moves), tag).reverse()],
        least: left.length,
      });
    }
  }

  /** Moves through what it was before, at least `least` of them, to its own image. */
  #tag(
    repository: number,
    {
      tag,
      image,
      before,
      least,
    }: { tag: number; image: SeedImage; before: readonly SeedImage[]; least: number },
  ): void {
    const path = [...before.slice(0, Math.max(least, this.#shape.moves - 1)), image];
    const id = this.#rows.tag({
      repository,
      name: tagName(tag),
      manifest: image.manifest,
      sequence: path.length,
    });
    for (const [move, { blob }] of path.entries()) {
      this.#rows.move({
        tag: id,
        sequence: move + 1,
        from: path[move - 1]?.blob ?? null,
        to: blob,
        // A label that never runs backwards, and ends with the last push.
        at: image.at - (path.length - 1 - move) * 1000,
      });
    }
    if (tag % 2 === 0) this.#rows.pulls({ tag: id, manifest: image.manifest, at: image.at });
    this.#tags += 1;
  }

  #image(
    repository: number,
    time: {
      base: readonly (SeedBlob & { readonly id: number })[];
      at: number;
      unheldSince: number | null;
    },
  ): SeedImage {
    const { base, at, unheldSince } = time;
    this.#images += 1;
    const own = Array.from({ length: this.#shape.ownLayers }, (_, layer) => {
      const bytes = this.#content.layer(`${this.#images} own ${layer}`);
      return this.#linked(repository, bytes, { at, unheldSince, mayBeFile: true });
    });
    const config = this.#linked(repository, this.#content.config(this.#images), {
      at,
      unheldSince,
    });
    const layers = [...base, ...own];
    const blob = this.#blob(this.#content.manifest(config, layers), {
      at,
      isCounted: unheldSince === null,
    });
    const manifest = this.#rows.manifest({
      repository,
      blob: blob.id,
      at,
      releasedAt: unheldSince,
    });
    this.#rows.reference({ repository, manifest, child: config.id, kind: 'config' });
    for (const { id } of layers)
      this.#rows.reference({ repository, manifest, child: id, kind: 'layer' });
    if (unheldSince === null && at > this.#now - OUTBOX_DAYS * DAY_MS) {
      this.#rows.announce({ repository, digest: blob.digest, at });
    }
    const { referrerEvery } = this.#shape;
    if (referrerEvery > 0 && this.#images % referrerEvery === 0) {
      this.#referrer(repository, { subject: blob, config, at, unheldSince });
    }
    return { blob: blob.id, manifest, at };
  }

  #referrer(
    repository: number,
    of: {
      subject: SeedBlob & { id: number };
      config: SeedBlob & { id: number };
      at: number;
      unheldSince: number | null;
    },
  ): void {
    const { subject, config, at, unheldSince } = of;
    const content = this.#content.manifest(config, [], subject);
    const blob = this.#blob(content, { at, isCounted: unheldSince === null });
    const manifest = this.#rows.manifest({
      repository,
      blob: blob.id,
      at,
      releasedAt: unheldSince,
      subject: subject.id,
    });
    this.#rows.reference({ repository, manifest, child: config.id, kind: 'config' });
    this.#rows.reference({ repository, manifest, child: subject.id, kind: 'subject' });
    this.#rows.referrer({
      repository,
      subject: subject.id,
      manifest,
      descriptor: this.#content.descriptor(blob),
    });
  }

  #linked(
    repository: number,
    blob: SeedBlob,
    {
      at,
      unheldSince,
      mayBeFile = false,
    }: { at: number; unheldSince: number | null; mayBeFile?: boolean },
  ): SeedBlob & { readonly id: number } {
    const stored = this.#blob(blob, { at, isCounted: unheldSince === null, mayBeFile });
    this.#rows.right({ repository, blob: stored.id, at, unheldSince });
    return stored;
  }

  #blob(
    blob: SeedBlob,
    { at, isCounted, mayBeFile = false }: { at: number; isCounted: boolean; mayBeFile?: boolean },
  ): SeedBlob & { readonly id: number } {
    const { fileEvery } = this.#shape;
    this.#blobs += 1;
    if (!isCounted) this.#garbage += 1;
    const isFile = mayBeFile && fileEvery > 0 && this.#blobs % fileEvery === 0;
    const key = isFile ? this.#file(blob) : null;
    const id = this.#rows.blob({ ...blob, at, key });
    if (isCounted) this.#rows.counted({ scope: this.#scope, blob: id, size: blob.bytes.length });
    return { ...blob, id };
  }

  #file({ digest, bytes }: SeedBlob): string {
    const hex = digest.slice('sha256:'.length);
    const key = `sha256/${hex.slice(0, 2)}/${hex}.seed${this.#files}`;
    const path = join(this.#blobDirectory, key);
    if (this.#files < 5_000) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    this.#files += 1;
    return key;
  }

  end(): Omit<Seeded, 'seconds'> {
    const { repositories } = this.#shape;
    this.#rows.settle({ scope: this.#scope, tags: this.#tags, repositories });
    return { tags: this.#tags, blobs: this.#blobs, garbageBlobs: this.#garbage };
  }
}
