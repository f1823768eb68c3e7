// One client of the storm of versions: pushes, takes away, brings back and moves whatever there is, at random.

import type { allCommands } from '../../src/app/commands.ts';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { countUsage, foldChanges } from '../../src/jobs/usage-counters.ts';
import { collect } from '../../src/lifecycle/collection/collect.ts';
import { planReports } from '../../src/lifecycle/plans/plan-reports.ts';
import { advancePlan } from '../../src/lifecycle/plans/run-plan.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import type { Commands } from '../../src/metadata/command.ts';
import type { ReportTable } from '../../src/metadata/report.ts';
import type { Sql } from '../../src/metadata/sql.ts';
import { listTrash } from '../../src/metadata/trash-items.ts';
import { scopesToCount } from '../../src/metadata/usage-scopes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';

export interface Registry {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof allCommands>>;
  close(): Promise<void>;
}

/** The same numbers for the same seed; what runs at once on PostgreSQL is not the same. */
export function numbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const REPOSITORIES = ['a/x', 'a/y', 'a/deep/z', 'b/x', 'c'] as RepositoryName[];
const PATHS = ['', 'a', 'a/deep', 'a/x', 'b', 'c'];
const TAGS = ['one', 'two', 'three'] as Tag[];
const LEASES = ['cluster', 'pipeline'];
const OCI = 'application/vnd.oci.image';
const AHEAD_MS = 60 * 24 * 60 * 60 * 1000;

export interface Pushed {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

export class VersionsStorm {
  readonly #parts: Registry;
  readonly #pick: (below: number) => number;
  readonly #manifests: Pushed[];

  constructor(parts: Registry, pick: (below: number) => number, manifests: Pushed[]) {
    this.#parts = parts;
    this.#pick = pick;
    this.#manifests = manifests;
  }

  #any<T>(list: readonly T[]): T {
    return list[this.#pick(list.length)] as T;
  }

  get #repository(): RepositoryName {
    return this.#any(REPOSITORIES);
  }

  async #layer(repository: RepositoryName) {
    const bytes = new Uint8Array(Buffer.from(`layer ${this.#pick(8)}`.repeat(1 + this.#pick(3))));
    const digest = hashBytes('sha256', bytes);
    const from = this.#repository;
    const mount = { repository, from, digest };
    const isMounted = this.#pick(2) === 0 && (await this.#run('mountBlob', mount));
    if (!isMounted) {
      const place = { payload: bytes };
      const blob = { upload: undefined, repository, digest, size: bytes.length, place };
      await this.#run('finishUpload', blob);
    }
    return { mediaType: `${OCI}.layer.v1.tar`, digest, size: bytes.length };
  }

  async #run(name: string, args: object): Promise<unknown> {
    return this.#parts.commands.run(name as never, args as never);
  }

  async #push(repository: RepositoryName, manifest: { mediaType: string }): Promise<void> {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(manifest)));
    const digest = hashBytes('sha256', bytes);
    const tags = this.#pick(4) === 0 ? [] : this.#pick(3) === 0 ? TAGS : [this.#any(TAGS)];
    const missingParts = this.#any(['refuse', 'refuse', 'index-children'] as const);
    await pushManifest(
      { commands: this.#parts.commands as never, missingParts },
      {
        repository,
        actor: SYSTEM,
        reference: { kind: 'digest', digest },
        tags,
        contentType: undefined,
        bytes,
        condition: { ifMatch: null, ifNoneMatch: null },
      },
    );
    const { mediaType } = manifest;
    this.#manifests.push({ digest, size: bytes.length, mediaType });
  }

  async #image(): Promise<void> {
    const repository = this.#repository;
    const config = { ...(await this.#layer(repository)), mediaType: `${OCI}.config.v1+json` };
    const layers = [await this.#layer(repository), await this.#layer(repository)];
    const subject = this.#pick(3) === 0 ? this.#manifests.at(-1) : undefined;
    const mediaType = `${OCI}.manifest.v1+json`;
    const image = { schemaVersion: 2, mediaType, config, layers };
    await this.#push(repository, subject === undefined ? image : ({ ...image, subject } as never));
  }

  async #index(): Promise<void> {
    const manifests = this.#manifests.slice(-4).filter(() => this.#pick(2) === 0);
    const mediaType = `${OCI}.index.v1+json`;
    await this.#push(this.#repository, { schemaVersion: 2, mediaType, manifests } as never);
  }

  async #lease(): Promise<void> {
    const name = this.#any(LEASES);
    const items = Array.from({ length: this.#pick(3) }, () => ({
      repository: this.#repository,
      digest: this.#any(this.#manifests).digest,
    }));
    const lease = { name, actor: SYSTEM, managed: REPOSITORIES };
    if (this.#pick(3) === 0) await this.#run('endLease', lease);
    else await this.#run('putLease', { ...lease, ttlMs: 1 + this.#pick(400), items, detail: '' });
  }

  async #trash(): Promise<void> {
    const { sql } = this.#parts;
    const items = await listTrash(sql, { filter: { path: '' }, after: undefined, limit: 20 });
    if (items.length === 0) return;
    const { id, kind } = this.#any(items);
    const actor = SYSTEM;
    if (this.#pick(5) === 0) await this.#run('purgeTrashItem', { id, actor });
    else if (kind === 'repository' || kind === 'namespace') {
      await this.#run('restorePlace', { id, actor });
    } else {
      const isReplacing = this.#pick(2) === 0;
      await this.#run('restoreItem', { id, actor, isReplacing, tags: null });
    }
  }

  async #place(): Promise<void> {
    const actor = SYSTEM;
    const path = this.#repository;
    if (this.#pick(2) === 0) {
      const kind = this.#pick(4) === 0 ? 'namespace' : 'repository';
      await this.#run('deletePlace', { kind, path: kind === 'namespace' ? 'a' : path, actor });
    } else {
      const kind = this.#pick(4) === 0 ? 'namespace' : 'repository';
      const [from, to] =
        kind === 'namespace'
          ? this.#any([
              ['a/deep', 'b/deep'],
              ['b/deep', 'a/deep'],
              ['b', 'd'],
              ['d', 'b'],
            ])
          : [path, this.#repository];
      await this.#run('renamePlace', { kind, path: from, to, keepMs: 0, grants: 'take', actor });
    }
  }

  async #copy(): Promise<void> {
    const { digest } = this.#any(this.#manifests);
    const tags = [this.#any(TAGS)];
    const [from, to] = [this.#repository, this.#repository];
    const batch = { from, to, digests: [digest], tags, tagged: digest, actor: SYSTEM };
    await this.#run('copyBatch', batch);
  }

  async #quota(): Promise<void> {
    const key = { path: this.#any(PATHS), kind: 'quota', actor: SYSTEM };
    if (this.#pick(3) === 0) await this.#run('removePolicy', key);
    else {
      const document = JSON.stringify({ bytes: { hard: 1_500 + this.#pick(20_000) } });
      await this.#run('setPolicy', { ...key, document });
    }
  }

  async #plan(): Promise<void> {
    const { sql, commands } = this.#parts;
    const path = this.#any(['a', 'b', 'a/x', '']);
    const time = Date.now() - this.#pick(2_000);
    const wanted = { kind: 'restore', path, parameters: JSON.stringify({ time }), actor: SYSTEM };
    const id = (await this.#run('createPlan', wanted)) as number;
    const reading = {
      engine: sql.engine,
      all: sql.all.bind(sql),
      first: sql.first.bind(sql),
      snapshot: (read: (sql: Sql) => Promise<unknown>) => read(sql),
    };
    const table: ReportTable = planReports();
    const reports = {
      run: (name: string, args: unknown) => table[name]?.(reading as never, args as never),
    };
    const parts = { sql, commands, reports } as never;
    const turn = { isOver: () => false, extend: async () => {} };
    for (let round = 0; round < 5; round += 1) await advancePlan(parts, id, turn as never);
    await this.#run('startApplyingPlan', { id, actor: SYSTEM, isOverriding: false });
    for (let round = 0; round < 5; round += 1) await advancePlan(parts, id, turn as never);
  }

  async #collect(): Promise<void> {
    const { sql, commands } = this.#parts;
    const settings = { graceMs: 1_000, rowsPerSecond: 0 };
    const now = () => Date.now() + AHEAD_MS;
    await collect(
      { sql, commands, settings, now, pause: async () => {} },
      {
        extend: async () => {},
        isStopping: () => false,
        early: 0,
      },
    );
  }

  async step(): Promise<void> {
    const acts: readonly (readonly [number, string, () => Promise<unknown>])[] = [
      [20, 'image', () => this.#image()],
      [8, 'index', () => this.#index()],
      [6, 'deleteTag', () => this.#run('deleteTag', this.#tagged)],
      [5, 'deleteManifest', () => this.#run('deleteManifest', this.#digested)],
      [
        3,
        'deleteBlob',
        async () => {
          const { repository } = this.#tagged;
          const { digest } = await this.#layer(repository);
          await this.#run('deleteBlob', { repository, actor: SYSTEM, digest });
        },
      ],
      [6, 'lease', () => this.#lease()],
      [4, 'leases end', () => this.#parts.commands.run('releaseEndedLeases', null)],
      [
        6,
        'rollback',
        () =>
          this.#run('rollBackTag', {
            ...this.#tagged,
            way: { kind: 'steps', count: 1 + this.#pick(3) },
            restores: this.#pick(2) === 0,
            isOverriding: false,
          }),
      ],
      [
        4,
        'setTag',
        () => this.#run('setTag', { ...this.#tagged, digest: this.#any(this.#manifests).digest }),
      ],
      [8, 'trash', () => this.#trash()],
      [4, 'place', () => this.#place()],
      [4, 'copy', () => this.#copy()],
      [4, 'quota', () => this.#quota()],
      [2, 'plan', () => this.#plan()],
      [4, 'collect', () => this.#collect()],
      [2, 'jobs', () => runJobs(this.#parts)],
      [6, 'count', () => countSome(this.#parts)],
    ];
    let at = this.#pick(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      at -= weight;
      if (at >= 0) continue;
      if (this.#manifests.length === 0 && name !== 'image') return;
      await act().catch((error: unknown) => {
        // What a registry says to whoever asks for what cannot be, or comes at a bad moment.
        if (!(error instanceof RegistryError)) throw error;
      });
      return;
    }
  }

  get #tagged() {
    return { repository: this.#repository, actor: SYSTEM, tag: this.#any(TAGS) };
  }

  get #digested() {
    const { digest } = this.#any(this.#manifests);
    return { repository: this.#repository, actor: SYSTEM, digest };
  }
}

export const context = { extend: async () => {}, isStopping: () => false };

/** Part of a count, so that it stands half done while all goes on. */
async function countSome({ sql, commands }: Registry): Promise<void> {
  const [scope] = await scopesToCount(sql);
  if (scope === undefined) return;
  const cursor = await commands.run('countScope', { scope, cursor: undefined, limit: 100 });
  if (cursor === 'next' || cursor === 'done') return;
  await commands.run('countScope', { scope, cursor, limit: 100 });
}

export async function runJobs(parts: Registry): Promise<void> {
  await countUsage(parts as never, context);
  await foldChanges(parts as never, context);
}
