// People who go back: they roll tags back, restore from the trash, say what is in use, and look at blobs
// before they push. Only in histories in which something is collected.
import { SYSTEM } from '../../src/metadata/audit.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { pullBlob } from '../../src/registry/pull.ts';
import type { ManifestContent } from './content.ts';
import type { World } from './world.ts';

const REPOSITORIES = ['team/a', 'team/b'] as RepositoryName[];
const TAGS = ['one', 'two'] as Tag[];
const HOUR_MS = 60 * 60 * 1000;

interface Look {
  readonly client: string;
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/** HEAD of a blob: what is said to be there stays for a while. */
export async function lookAtBlob(
  world: World,
  { client, repository, digest }: Look,
): Promise<{ isThere: boolean }> {
  const { model, promise } = world;
  const answer = await world.request(client, {
    label: `HEAD the blob ${digest.slice(7, 15)} of ${repository}`,
    operations: [model.begin(model.blob(repository, digest).adds, promise.lookMs)],
    work: ({ pull }) => pullBlob(pull, { repository, digest, isBrief: true }),
  });
  return { isThere: answer.kind === 'ok' };
}

interface TrashRow {
  readonly id: number;
  readonly kind: string;
  readonly path: string;
  readonly tag: string | null;
  readonly digest: string;
}

export class Keeper {
  readonly #world: World;
  readonly #name: string;
  readonly #pushed: Map<RepositoryName, ManifestContent[]>;
  readonly #actor;

  constructor(
    world: World,
    keeper: { name: string; pushed: Map<RepositoryName, ManifestContent[]> },
  ) {
    this.#world = world;
    this.#name = keeper.name;
    this.#pushed = keeper.pushed;
    this.#actor = { ...SYSTEM, name: keeper.name, principal: keeper.name };
  }

  async run(): Promise<void> {
    const { random, profile } = this.#world;
    for (let count = 0; count < profile.errands * 2; count += 1) {
      if (this.#world.violation !== undefined) return;
      const repository = random.pick(REPOSITORIES);
      const luck = random.below(100);
      if (luck < 15) await this.#rollBack(repository);
      else if (luck < 30) await this.#setTag(repository);
      else if (luck < 55) await this.#restore();
      else if (luck < 65) await this.#lease(repository);
      else if (luck < 90) await this.#delete(repository);
      else await this.#look(repository);
      const pause = random.between(1, 30);
      for (let rest = 0; rest < pause; rest += 1) {
        await this.#world.scheduler.turn(this.#world, `${this.#name} rests`);
      }
    }
  }

  async #look(repository: RepositoryName): Promise<void> {
    const digest = this.#world.random.pick(this.#world.contents).digest('sha256');
    await lookAtBlob(this.#world, { client: this.#name, repository, digest });
  }

  /** Where it goes to depends on when it comes: any manifest of the repository. */
  async #rollBack(repository: RepositoryName): Promise<void> {
    const { random, model } = this.#world;
    const tag = random.pick(TAGS);
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const { digest } = random.pick(known);
    await this.#world.request(this.#name, {
      label: `roll ${repository}:${tag} back to ${digest.slice(7, 15)}`,
      operations: [
        model.begin(model.manifest(repository, digest).adds, this.#world.promise.manifestMs),
        model.beginTag(model.tag(repository, tag), { kind: 'put', digest }),
        ...this.#mayComeBack(repository),
      ],
      work: ({ commands }) =>
        commands.run('rollBackTag', {
          repository,
          tag,
          actor: this.#actor,
          way: { kind: 'digest', digest },
          restores: true,
          isOverriding: false,
        }),
    });
  }

  /** Children come out of the trash with what names them: nobody may be sure that they are gone. */
  #mayComeBack(repository: RepositoryName) {
    const { model } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    return known.map(({ digest }) => model.begin(model.manifest(repository, digest).adds, 0));
  }

  async #setTag(repository: RepositoryName): Promise<void> {
    const { random, model } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const tag = random.pick(TAGS);
    const { digest } = random.pick(known);
    await this.#world.request(this.#name, {
      label: `point ${repository}:${tag} to ${digest.slice(7, 15)}`,
      operations: [
        model.begin(model.manifest(repository, digest).adds, this.#world.promise.manifestMs),
        model.beginTag(model.tag(repository, tag), { kind: 'put', digest }),
      ],
      work: ({ commands }) =>
        commands.run('setTag', { repository, tag, digest, actor: this.#actor }),
    });
  }

  async #restore(): Promise<void> {
    const { random, model, database, promise } = this.#world;
    const items = database.connection.query(
      'select id, kind, path, tag, digest from trash order by id',
      [],
    ) as TrashRow[];
    if (items.length === 0) return;
    const item = random.pick(items);
    const [repository, digest] = [item.path as RepositoryName, item.digest as Digest];
    const operations = [
      item.kind === 'blob'
        ? model.begin(model.blob(repository, digest).adds, promise.blobMs)
        : model.begin(model.manifest(repository, digest).adds, promise.manifestMs),
    ];
    // Its tags come back with it, those that are free.
    const tags = item.kind === 'manifest' ? TAGS : [item.tag as Tag];
    if (item.kind !== 'blob') {
      for (const tag of tags) {
        const effect = { kind: 'may-put', digest } as const;
        operations.push(model.beginTag(model.tag(repository, tag), effect));
      }
    }
    await this.#world.request(this.#name, {
      label: `restore the ${item.kind} ${digest.slice(7, 15)} of ${repository}`,
      operations,
      work: ({ commands }) =>
        commands.run('restoreItem', {
          id: item.id,
          actor: this.#actor,
          isReplacing: random.chance(0.5),
          tags: null,
        }),
    });
  }

  /** A manifest, an index rather than an image; then, out of spite, something that it named. */
  async #delete(repository: RepositoryName): Promise<void> {
    const { random, model } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const indexes = known.filter(({ below }) => below.length > 0);
    const isIndex = indexes.length > 0 && random.chance(0.6);
    const manifest = random.pick(isIndex ? indexes : known);
    await this.#deleteOne(repository, manifest.digest);
    if (!random.chance(0.4)) return;
    const [child] = manifest.below;
    if (child !== undefined) return this.#deleteOne(repository, child.digest);
    const digest = random.pick(manifest.blobs);
    await this.#world.request(this.#name, {
      label: `delete the blob ${digest.slice(7, 15)} of ${repository}`,
      operations: [model.begin(model.blob(repository, digest).removes)],
      work: ({ commands }) =>
        commands.run('deleteBlob', { repository, actor: this.#actor, digest }),
    });
  }

  async #deleteOne(repository: RepositoryName, digest: Digest): Promise<void> {
    const { model } = this.#world;
    const drops = TAGS.map((tag) =>
      model.beginTag(model.tag(repository, tag), { kind: 'drop-of', digest }),
    );
    await this.#world.request(this.#name, {
      label: `delete the manifest ${digest.slice(7, 15)} of ${repository}`,
      operations: [model.begin(model.manifest(repository, digest).removes), ...drops],
      work: ({ commands }) =>
        commands.run('deleteManifest', { repository, actor: this.#actor, digest }),
    });
  }

  async #lease(repository: RepositoryName): Promise<void> {
    const { random } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const { digest } = random.pick(known);
    await this.#world.request(this.#name, {
      label: `lease ${digest.slice(7, 15)} of ${repository}`,
      operations: [],
      work: ({ commands }) =>
        commands.run('putLease', {
          name: `lease-${random.below(2)}`,
          actor: this.#actor,
          managed: REPOSITORIES,
          detail: '',
          ttlMs: random.pick([1, 24, 24 * 45]) * HOUR_MS,
          items: random.chance(0.8) ? [{ repository, digest }] : [],
        }),
    });
  }
}
