// What the clients of a history do: push blobs and images, mount, delete, pull. Each request goes to
// whatever process is there, and the model hears of each before it begins.

import { hashBytes } from '../../src/blobs/hasher.ts';
import { type Actor, SYSTEM } from '../../src/metadata/audit.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { Reference } from '../../src/oci/reference.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { pushBlob } from '../../src/registry/finish-upload.ts';
import { mountBlob } from '../../src/registry/mount-blob.ts';
import { manifestBytes, openBlob, pullBlob, pullManifest } from '../../src/registry/pull.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';
import { type Content, type ManifestContent, makeImage, makeIndex } from './content.ts';
import { lookAtBlob } from './keepers.ts';
import type { Operation } from './model.ts';
import { planBody, SimulatedBody } from './request.ts';
import { BlobPusher } from './upload-session.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

const REPOSITORIES = ['team/a', 'team/b'] as RepositoryName[];
const TAGS = ['one', 'two'] as Tag[];
const NO_CONDITION = { ifMatch: null, ifNoneMatch: null };

export class Client {
  readonly #world: World;
  readonly #name: string;
  readonly #actor: Actor;
  /** What any client pushed, by repository: what an index can be made of. */
  readonly #pushed: Map<RepositoryName, ManifestContent[]>;
  #marks = 0;

  constructor(
    world: World,
    client: { name: string; pushed: Map<RepositoryName, ManifestContent[]> },
  ) {
    this.#world = world;
    this.#name = client.name;
    this.#actor = { ...SYSTEM, name: client.name };
    this.#pushed = client.pushed;
  }

  async run(): Promise<void> {
    const { random, profile } = this.#world;
    for (let count = 0; count < profile.errands; count += 1) {
      if (this.#world.violation !== undefined) return;
      const repository = random.pick(REPOSITORIES);
      const luck = random.below(100);
      if (luck < 30) await this.#pushContent(repository);
      else if (luck < 60) await this.#pushImage(repository);
      else if (luck < 68) await this.#pushIndex(repository);
      else if (luck < 74) await this.#mount(repository);
      else if (luck < 80) await this.#pushWhole(repository);
      else if (luck < 85) await this.#deleteTag(repository);
      else if (luck < 89) await this.#deleteManifest(repository);
      else if (luck < 94) await this.#deleteBlob(repository);
      else await this.#pull(repository);
    }
  }

  async #pushContent(repository: RepositoryName): Promise<boolean> {
    const content = this.#world.random.pick(this.#world.contents);
    return new BlobPusher(this.#world, { client: this.#name, repository, content }).push();
  }

  /** POST with the whole blob. */
  async #pushWhole(repository: RepositoryName): Promise<void> {
    const world = this.#world;
    const content = world.random.pick(world.contents);
    const digest = content.digest('sha256');
    const plan = planBody(world.random, content.bytes, world.profile.lossRate);
    await world.request(this.#name, {
      label: `POST of ${content.bytes.length} bytes`,
      operations: [
        world.model.begin(world.model.blob(repository, digest).adds, world.promise.blobMs),
      ],
      work: (server) => {
        const body = new SimulatedBody(server, world.random, plan);
        return pushBlob(server.upload, { repository, actor: this.#name, digest, body });
      },
    });
  }

  async #mount(repository: RepositoryName): Promise<void> {
    const world = this.#world;
    const digest = world.random.pick(world.contents).digest('sha256');
    const from = world.random.chance(0.5) ? world.random.pick(REPOSITORIES) : undefined;
    await world.request(this.#name, {
      label: `mount from ${from ?? 'anywhere'} into ${repository}`,
      operations: [
        world.model.begin(world.model.blob(repository, digest).adds, world.promise.blobMs),
      ],
      outcomeOf: (isMounted) => (isMounted ? 'done' : 'refused'),
      work: ({ sql, commands }) =>
        mountBlob({ sql, commands }, { repository, digest, from, mayPull: async () => true }),
    });
  }

  /** Blobs first, then the manifest that names them: as every client does it. */
  async #pushImage(repository: RepositoryName): Promise<void> {
    const { random, contents, model } = this.#world;
    const [config, layer] = [random.pick(contents), random.pick(contents)];
    for (const content of [config, layer]) {
      if (random.chance(0.15)) continue;
      if (await this.#looksThere(repository, content)) continue;
      if (model.blob(repository, content.digest('sha256')).isCertain && random.chance(0.7))
        continue;
      await new BlobPusher(this.#world, { client: this.#name, repository, content }).push();
    }
    // Some images come again exactly as before.
    const mark = random.chance(0.3) ? 'same' : this.#mark();
    await this.#pushManifest(repository, makeImage({ config, layers: [layer], mark }));
  }

  /** HEAD, as every client asks before it uploads. */
  async #looksThere(repository: RepositoryName, content: Content): Promise<boolean> {
    const world = this.#world;
    if (!world.profile.collects || world.random.chance(0.3)) return false;
    const digest = content.digest('sha256');
    const { isThere } = await lookAtBlob(world, { client: this.#name, repository, digest });
    return isThere;
  }

  async #pushIndex(repository: RepositoryName): Promise<void> {
    const { random } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const children = [random.pick(known), random.pick(known)];
    await this.#pushManifest(repository, makeIndex([...new Set(children)], this.#mark()));
  }

  async #pushManifest(repository: RepositoryName, manifest: ManifestContent): Promise<void> {
    const { random, model } = this.#world;
    const tag = random.chance(0.85) ? random.pick(TAGS) : undefined;
    const { digest, bytes } = manifest;
    const reference: Reference =
      tag === undefined ? { kind: 'digest', digest } : { kind: 'tag', tag };
    const operations: Operation[] = [
      model.begin(model.manifest(repository, digest).adds, this.#world.promise.manifestMs),
    ];
    if (tag !== undefined) {
      operations.push(model.beginTag(model.tag(repository, tag), { kind: 'put', digest }));
    }
    const hadAllParts = this.#hasAllParts(repository, manifest);
    const answer = await this.#world.request(this.#name, {
      label: `PUT manifest ${digest.slice(7, 15)} as ${tag ?? 'its digest'} in ${repository}`,
      operations,
      work: ({ commands }) =>
        pushManifest(
          { commands, missingParts: 'refuse' },
          {
            repository,
            actor: this.#actor,
            reference,
            tags: [],
            contentType: undefined,
            bytes,
            condition: NO_CONDITION,
          },
        ),
    });
    if (answer.kind === 'ok') this.#remember(repository, manifest);
    if (answer.kind !== 'refused') return;
    if (answer.code !== 'MANIFEST_BLOB_UNKNOWN') this.#violate(`a manifest: ${answer.code}`);
    if (hadAllParts && this.#hasAllParts(repository, manifest)) {
      this.#violate(`a manifest was refused although ${repository} has all its parts`);
    }
  }

  async #deleteTag(repository: RepositoryName): Promise<void> {
    const { random, model } = this.#world;
    const tag = random.pick(TAGS);
    await this.#world.request(this.#name, {
      label: `delete the tag ${tag} of ${repository}`,
      operations: [model.beginTag(model.tag(repository, tag), { kind: 'drop' })],
      work: ({ commands }) => commands.run('deleteTag', { repository, actor: this.#actor, tag }),
    });
  }

  async #deleteManifest(repository: RepositoryName): Promise<void> {
    const { random, model } = this.#world;
    const known = this.#pushed.get(repository) ?? [];
    if (known.length === 0) return;
    const { digest } = random.pick(known);
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

  async #deleteBlob(repository: RepositoryName): Promise<void> {
    const { random, model, contents } = this.#world;
    const digest = random.pick(contents).digest('sha256');
    await this.#world.request(this.#name, {
      label: `delete the blob ${digest.slice(7, 15)} of ${repository}`,
      operations: [model.begin(model.blob(repository, digest).removes)],
      work: ({ commands }) =>
        commands.run('deleteBlob', { repository, actor: this.#actor, digest }),
    });
  }

  async #pull(repository: RepositoryName): Promise<void> {
    const { random, contents } = this.#world;
    const tag = random.pick(TAGS);
    await this.#world.request(this.#name, {
      label: `pull ${repository}:${tag}`,
      operations: [],
      work: async ({ pull }) => {
        const reference: Reference = { kind: 'tag', tag };
        const manifest = await pullManifest(pull, { repository, reference });
        checkBytes(manifest.digest, await manifestBytes(pull, manifest));
      },
    });
    const digest = random.pick(contents).digest('sha256');
    await this.#world.request(this.#name, {
      label: `GET the blob ${digest.slice(7, 15)} of ${repository}`,
      operations: [],
      work: async ({ pull }) => {
        const content = await openBlob(pull, await pullBlob(pull, { repository, digest }));
        if (content.kind === 'bytes') return checkBytes(digest, content.bytes);
        if (content.kind === 'file') throw new Violation('the memory store has no files');
        const chunks: Uint8Array[] = [];
        for await (const chunk of content.open()) chunks.push(chunk);
        checkBytes(digest, Buffer.concat(chunks));
      },
    });
  }

  /** Also of what it names: a child may have lost a part while nothing tagged needed it. */
  #hasAllParts(repository: RepositoryName, { blobs, below }: ManifestContent): boolean {
    const { model } = this.#world;
    return (
      blobs.every((digest) => model.blob(repository, digest).isCertain) &&
      below.every(
        (child) =>
          model.manifest(repository, child.digest).isCertain &&
          this.#hasAllParts(repository, child),
      )
    );
  }

  #remember(repository: RepositoryName, manifest: ManifestContent): void {
    const known = this.#pushed.get(repository) ?? [];
    if (!known.some(({ digest }) => digest === manifest.digest)) known.push(manifest);
    this.#pushed.set(repository, known);
  }

  #mark(): string {
    this.#marks += 1;
    return `${this.#name}-${this.#marks}`;
  }

  #violate(message: string): void {
    this.#world.violate(new Violation(message));
  }
}

function checkBytes(digest: Digest, bytes: Uint8Array): void {
  const actual = hashBytes('sha256', bytes);
  if (actual !== digest) throw new Violation(`a pull of ${digest} gave the bytes of ${actual}`);
}
