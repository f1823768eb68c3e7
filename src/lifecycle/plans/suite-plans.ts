// A small registry for tests of plans: real pushes, the guards that hold in the program, reports in this thread.
import { SYSTEM } from '../../metadata/audit.ts';
import { type Command, type Commands, synced } from '../../metadata/command.ts';
import { type PlanItem, readPlan, readPlanItems, type StoredPlan } from '../../metadata/plans.ts';
import type { ReportSql, ReportTable } from '../../metadata/report.ts';
import { findRepository } from '../../metadata/repositories.ts';
import type { Sql, Transaction } from '../../metadata/sql.ts';
import { statement } from '../../metadata/statement.ts';
import { listTagDetails } from '../../metadata/tag-list.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { registryCommands } from '../../registry/commands.ts';
import { CollectionWorld, type OpenedCollection } from '../collection/suite-collection.ts';
import { lifecycleCommands } from '../commands.ts';
import { lifecycleGuards } from '../guards.ts';
import type { RetentionParameters } from '../retention/retention-parameters.ts';
import { planReports } from './plan-reports.ts';
import { advancePlan, type PlanParts, type PlanRest } from './run-plan.ts';

const age = statement<{ milliseconds: number }>()((q, p) =>
  q.updateTable('manifests').set((e) => ({ created_at: e('created_at', '-', p.milliseconds) })),
);

const rename = statement<{ from: string; to: string }>()((q, p) =>
  q.updateTable('repositories').set({ name: p.to }).where('name', '=', p.from),
);

export function planSuiteCommands() {
  return {
    ...registryCommands(lifecycleGuards()),
    ...lifecycleCommands(),
    rename: synced((tx: Transaction, names: { from: string; to: string }) => tx.run(rename, names)),
    age: synced((tx: Transaction, milliseconds: number) => tx.run(age, { milliseconds })),
  } satisfies Record<string, Command<never, unknown>>;
}

export interface OpenedPlans {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof planSuiteCommands>>;
  close(): Promise<void>;
}

export class PlanWorld {
  readonly #opened: OpenedPlans;
  /** Pushes. */
  readonly content: CollectionWorld;
  /** Called before each command of a plan: throws to end whoever runs it. */
  before: ((name: string) => void) | undefined;
  #made = 0;

  constructor(opened: OpenedPlans) {
    this.#opened = opened;
    this.content = new CollectionWorld(opened as unknown as OpenedCollection);
  }

  get sql(): Sql {
    return this.#opened.sql;
  }

  get commands(): OpenedPlans['commands'] {
    return this.#opened.commands;
  }

  get parts(): PlanParts {
    const { sql } = this;
    const reading: ReportSql = {
      engine: sql.engine,
      all: (statement, parameters) => sql.all(statement, parameters),
      first: (statement, parameters) => sql.first(statement, parameters),
      snapshot: (read) => read(sql),
    };
    const table: ReportTable = planReports();
    const reports = {
      run: (name: string, args: unknown) => table[name]?.(reading, args as never),
    } as unknown as PlanParts['reports'];
    const commands = {
      run: async (name: string, args: unknown) => {
        this.before?.(name);
        return this.commands.run(name as never, args as never);
      },
    } as unknown as PlanParts['commands'];
    return { sql, commands, reports };
  }

  path(): string {
    this.#made += 1;
    return `plans/of${this.#made}-${crypto.randomUUID().slice(0, 8)}`;
  }

  /** An image of its own; `reference` '': by its digest. */
  async push(repository: string, reference: string, seed: number): Promise<Digest> {
    const config = await this.content.blob(repository, seed, 1_000);
    return this.content.push(repository, reference, { layers: [config], mark: String(seed) });
  }

  async tags(repository: string): Promise<Record<string, string>> {
    const id = await findRepository(this.sql, repository as RepositoryName);
    if (id === undefined) return {};
    const rows = await listTagDetails(this.sql, {
      repository: id,
      prefix: '',
      after: undefined,
      limit: 1000,
    });
    return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
  }

  restore(path: string, time: number): Promise<number> {
    return this.make('restore', path, { time });
  }

  retention(path: string, parameters: RetentionParameters): Promise<number> {
    return this.make('retention', path, parameters);
  }

  async make(
    kind: 'restore' | 'retention' | 'undo',
    path: string,
    parameters: object,
    undoOf?: number,
  ) {
    const wanted = { kind, path, parameters: JSON.stringify(parameters), undoOf, actor: SYSTEM };
    return this.commands.run('createPlan', wanted);
  }

  advance(id: number, isOver: () => boolean = () => false): Promise<PlanRest> {
    return advancePlan(this.parts, id, { isOver });
  }

  async apply(id: number, isOver?: () => boolean): Promise<void> {
    await this.advance(id);
    await this.commands.run('startApplyingPlan', { id, actor: SYSTEM, isOverriding: false });
    await this.advance(id, isOver);
  }

  async undo(plan: number): Promise<number> {
    const id = await this.make('undo', (await this.plan(plan)).path, {}, plan);
    await this.apply(id);
    return id;
  }

  async plan(id: number): Promise<StoredPlan> {
    return (await readPlan(this.sql, id)) as StoredPlan;
  }

  items(id: number): Promise<PlanItem[]> {
    return readPlanItems(this.sql, { plan: id, after: 0, limit: 10_000 });
  }
}
