// What happens at once in a history on PostgreSQL: the real commands, with arguments that the seed picks.

import { hashBytes } from '../../../src/blobs/hasher.ts';
import { SYSTEM } from '../../../src/metadata/audit.ts';
import type { Commands } from '../../../src/metadata/command.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import type { RepositoryName } from '../../../src/oci/repository-name.ts';
import type { Tag } from '../../../src/oci/tag.ts';
import { pushManifest } from '../../../src/registry/push-manifest.ts';
import type { SimulationCommands } from '../commands.ts';
import type { Random } from '../random.ts';
import type { Connection } from './connection.ts';

const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const TAGS = ['one', 'two'] as Tag[];
/** After everything that was written now. */
const LATER_MS = 60 * 60 * 1000;
const BLOBS = 4;

interface Known {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly isIndex: boolean;
}

export interface PlaceOfHistory {
  readonly path: string;
  readonly connection: Connection;
  readonly random: Random;
}

export class Operations {
  readonly #place: PlaceOfHistory;
  readonly #repositories: readonly RepositoryName[];
  readonly #known: Known[] = [];
  readonly #blobs: readonly Uint8Array[];
  #marks = 0;

  constructor(place: PlaceOfHistory) {
    this.#place = place;
    this.#repositories = [`${place.path}/a`, `${place.path}/b`] as RepositoryName[];
    this.#blobs = Array.from({ length: BLOBS }, (_, at) =>
      new TextEncoder().encode(`blob ${at} of ${place.path}${' '.repeat(at * 10)}`),
    );
  }

  /** What was there before: images, an index, tags that moved, things in the trash. */
  async prepare(commands: Commands<SimulationCommands>): Promise<void> {
    const { random } = this.#place;
    const repository = this.#repositories[0] as RepositoryName;
    for (const bytes of this.#blobs) await this.#upload(commands, repository, bytes);
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      await this.#pushImage(commands, repository);
    }
    if (random.chance(0.7)) await this.#pushIndex(commands, repository);
    for (let count = random.between(0, 3); count > 0; count -= 1) await this.any(commands);
  }

  /** One thing that people or the collector do. */
  async any(commands: Commands<SimulationCommands>): Promise<void> {
    const { random } = this.#place;
    const repository = random.pick(this.#repositories);
    const luck = random.below(100);
    if (luck < 16) return this.#pushImage(commands, repository);
    if (luck < 24) return this.#pushIndex(commands, repository);
    if (luck < 30) return this.#upload(commands, repository, random.pick(this.#blobs));
    if (luck < 36) return this.#mount(commands);
    if (luck < 44) return this.#deleteTag(commands, repository);
    if (luck < 52) return this.#deleteManifest(commands);
    if (luck < 55) return this.#deleteBlob(commands, repository);
    if (luck < 63) return this.#restore(commands);
    if (luck < 70) return this.#setTag(commands);
    if (luck < 76) return this.#lease(commands);
    return this.collectStep(commands);
  }

  /** What it is given was read before: anything may have come since. */
  async collectStep(commands: Commands<SimulationCommands>, step?: number): Promise<void> {
    const { random, connection, path } = this.#place;
    const which = step ?? random.below(3);
    const now = Date.now() + LATER_MS;
    if (which === 2) {
      const rows = await connection.unsafe('select id from blobs where unheld_since is not null');
      await commands.run('collectBlobs', { blobs: rows.map(({ id }) => id as number) });
      return;
    }
    const repositories = await connection.unsafe(
      'select id from repositories where name like $1 order by id',
      [`${path}/%`],
    );
    for (const { id: repository } of repositories as unknown as { id: number }[]) {
      if (which === 0) {
        const rows = await connection.unsafe(
          `select id from manifests where repository_id = $1
           and (released_at is not null or deleted_at is not null)`,
          [repository],
        );
        const manifests = rows.map(({ id }) => id as number);
        await commands.run('collectManifests', { repository, manifests, before: now, early: 0 });
      } else {
        const rows = await connection.unsafe(
          'select blob_id from repository_blobs where repository_id = $1 and unheld_since is not null',
          [repository],
        );
        const blobs = rows.map(({ blob_id }) => blob_id as number);
        const limits = { deletedBefore: now, graceMs: 0, windowMs: 0 };
        // Also what was put off.
        const unheldBefore = now * 2;
        await commands.run('collectRights', { repository, blobs, unheldBefore, ...limits });
      }
    }
  }

  async #upload(
    commands: Commands<SimulationCommands>,
    repository: RepositoryName,
    bytes: Uint8Array,
  ): Promise<void> {
    const digest = hashBytes('sha256', bytes);
    const place = { payload: bytes };
    const upload = { upload: undefined, repository, digest, size: bytes.length, place };
    await commands.run('finishUpload', upload);
  }

  async #pushImage(
    commands: Commands<SimulationCommands>,
    repository: RepositoryName,
  ): Promise<void> {
    const { random } = this.#place;
    const parts = [random.pick(this.#blobs), random.pick(this.#blobs)];
    const [config, layer] = parts.map((bytes) => describe(bytes, 'application/octet-stream'));
    const mark = random.chance(0.4) ? 'same' : this.#mark();
    const known = this.#known.filter((one) => one.repository === repository);
    const subject = known.length > 0 && random.chance(0.25) ? random.pick(known) : undefined;
    const json = {
      ...{ schemaVersion: 2, mediaType: IMAGE, config, layers: [layer], annotations: { mark } },
      ...(subject && { subject: { mediaType: IMAGE, digest: subject.digest, size: 2 } }),
    };
    await this.#push(commands, { repository, json, isIndex: false });
  }

  async #pushIndex(
    commands: Commands<SimulationCommands>,
    repository: RepositoryName,
  ): Promise<void> {
    const { random } = this.#place;
    const known = this.#known.filter((one) => one.repository === repository && !one.isIndex);
    if (known.length === 0) return;
    const children = [...new Set([random.pick(known), random.pick(known)])];
    const manifests = children.map(({ digest }) => ({ mediaType: IMAGE, digest, size: 2 }));
    const mark = this.#mark();
    const json = { schemaVersion: 2, mediaType: INDEX, manifests, annotations: { mark } };
    await this.#push(commands, { repository, json, isIndex: true });
  }

  #mark(): string {
    this.#marks += 1;
    return String(this.#marks);
  }

  async #push(
    commands: Commands<SimulationCommands>,
    push: { repository: RepositoryName; json: { mediaType: string }; isIndex: boolean },
  ): Promise<void> {
    const { random } = this.#place;
    const { repository, json, isIndex } = push;
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    const digest = hashBytes('sha256', bytes);
    this.#known.push({ repository, digest, isIndex });
    const tag = random.pick(TAGS);
    const reference = random.chance(0.8)
      ? ({ kind: 'tag', tag } as const)
      : ({ kind: 'digest', digest } as const);
    await pushManifest(
      { commands, missingParts: 'refuse' },
      {
        ...{ repository, actor: SYSTEM, reference, tags: [], bytes },
        contentType: json.mediaType,
        condition: { ifMatch: null, ifNoneMatch: null },
      },
    );
  }

  async #mount(commands: Commands<SimulationCommands>): Promise<void> {
    const [from, repository] = this.#repositories as [RepositoryName, RepositoryName];
    const digest = hashBytes('sha256', this.#place.random.pick(this.#blobs));
    await commands.run('mountBlob', { repository, from, digest });
  }

  async #deleteTag(
    commands: Commands<SimulationCommands>,
    repository: RepositoryName,
  ): Promise<void> {
    const tag = this.#place.random.pick(TAGS);
    await commands.run('deleteTag', { repository, actor: SYSTEM, tag });
  }

  async #deleteManifest(commands: Commands<SimulationCommands>): Promise<void> {
    const { repository, digest } = this.#place.random.pick(this.#known);
    await commands.run('deleteManifest', { repository, actor: SYSTEM, digest });
  }

  async #deleteBlob(
    commands: Commands<SimulationCommands>,
    repository: RepositoryName,
  ): Promise<void> {
    const digest = hashBytes('sha256', this.#place.random.pick(this.#blobs));
    await commands.run('deleteBlob', { repository, actor: SYSTEM, digest });
  }

  async #restore(commands: Commands<SimulationCommands>): Promise<void> {
    const { connection, random, path } = this.#place;
    const items = await connection.unsafe('select id from trash where path like $1 order by id', [
      `${path}/%`,
    ]);
    if (items.length === 0) return;
    const { id } = random.pick(items) as unknown as { id: number };
    const isReplacing = random.chance(0.5);
    await commands.run('restoreItem', { id, actor: SYSTEM, isReplacing, tags: null });
  }

  async #setTag(commands: Commands<SimulationCommands>): Promise<void> {
    const { random } = this.#place;
    const { repository, digest } = random.pick(this.#known);
    const tag = random.pick(TAGS);
    if (random.chance(0.5)) {
      await commands.run('setTag', { repository, tag, digest, actor: SYSTEM });
      return;
    }
    const way = { kind: 'digest', digest } as const;
    const rollback = { repository, tag, actor: SYSTEM, way, restores: true, isOverriding: false };
    await commands.run('rollBackTag', rollback);
  }

  /** Takes a lease, says another thing in it, or has what is over let go. */
  async #lease(commands: Commands<SimulationCommands>): Promise<void> {
    const { random, path } = this.#place;
    const { repository, digest } = random.pick(this.#known);
    const items = random.chance(0.7) ? [{ repository, digest }] : [];
    const name = path;
    const ttlMs = 60_000;
    const lease = { name, actor: SYSTEM, managed: this.#repositories, detail: '', ttlMs, items };
    await commands.run('putLease', lease);
    await commands.run('releaseEndedLeases', null);
  }

  /** Lets go of all that this history holds by leases. */
  async endLeases(commands: Commands<SimulationCommands>): Promise<void> {
    const lease = { name: this.#place.path, actor: SYSTEM, managed: this.#repositories };
    await commands.run('endLease', lease).catch(() => undefined);
    while (await commands.run('releaseEndedLeases', null));
  }
}

function describe(bytes: Uint8Array, mediaType: string) {
  return { mediaType, digest: hashBytes('sha256', bytes), size: bytes.length };
}
