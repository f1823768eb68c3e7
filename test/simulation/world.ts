// Everything in one history: the machine with its disk, database and processes, the clock, the clients'
// requests, and what befalls them. Knows no use case: clients.ts and upload-session.ts do.
import type { CommandTable } from '../../src/metadata/command.ts';
import { simulationCommands } from './commands.ts';
import { type Content, makeContents } from './content.ts';
import { SimulatedDatabase } from './database.ts';
import { SimulatedDisk } from './disk.ts';
import { Model, type Operation, type Outcome } from './model.ts';
import type { Profile } from './profile.ts';
import type { Random } from './random.ts';
import { type Answer, answerOf } from './request.ts';
import type { Scheduler } from './scheduler.ts';
import { GRACE_MS, SimulatedServer, WINDOW_MS } from './server.ts';
import type { UploadSession } from './session.ts';
import type { Variation } from './variation.ts';
import { Violation } from './violation.ts';

export interface WorldOptions {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly profile: Profile;
  readonly variation: Variation;
}

export interface RequestPlan<T> {
  readonly label: string;
  readonly operations: readonly Operation[];
  /** When success means that nothing was done. */
  outcomeOf?(value: T): Outcome;
  work(server: SimulatedServer): Promise<T>;
}

/** `isOver`: the server has ended with the request, whatever the client knows. */
export type Heard<T> = Answer<T> & { readonly isOver: boolean };

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly profile: Profile;
  readonly model = new Model(() => this.#now);
  /** For how long what was answered is a promise: a blob told of, looked at, and a manifest. */
  readonly promise: {
    readonly blobMs: number;
    readonly lookMs: number;
    readonly manifestMs: number;
  };
  readonly contents: readonly Content[];
  readonly sessions = new Map<string, UploadSession>();
  readonly disk: SimulatedDisk;
  readonly database: SimulatedDatabase;
  readonly trace: string[] = [];
  readonly #variation: Variation;
  #servers: SimulatedServer[] = [];
  #now = 1_800_000_000_000;
  #boots = 0;
  #instances = 0;
  #powerCuts = 0;
  #underWay = 0;
  #faultRate: number;
  #violation: Violation | undefined;
  #morning: { promise: Promise<void>; resolve(): void } | undefined;

  private constructor(options: WorldOptions, database: SimulatedDatabase, disk: SimulatedDisk) {
    this.random = options.random;
    this.scheduler = options.scheduler;
    this.profile = options.profile;
    this.promise = options.profile.collects
      ? { blobMs: GRACE_MS, lookMs: GRACE_MS / 2, manifestMs: WINDOW_MS }
      : { blobMs: Infinity, lookMs: Infinity, manifestMs: Infinity };
    this.#variation = options.variation;
    this.#faultRate = options.profile.faultRate;
    this.database = database;
    this.disk = disk;
    this.contents = makeContents(options.random);
    for (let count = 0; count < options.profile.servers; count += 1) this.#startServer();
  }

  static async create(options: WorldOptions): Promise<World> {
    const { random, profile, variation } = options;
    let world: World | undefined;
    const now = () => world?.now() ?? 0;
    const faultRate = () => world?.faultRate() ?? 0;
    const table = simulationCommands();
    const commands = (variation.wrapTable?.(table) ?? table) as CommandTable;
    const keepsPictures = profile.crashes.includes('power');
    const database = await SimulatedDatabase.create({
      random,
      now,
      faultRate,
      commands,
      keepsPictures,
    });
    const violated = (violation: Violation) => world?.violate(violation);
    const disk = new SimulatedDisk({ random, now, faultRate, violated, skip: variation.skip });
    world = new World(options, database, disk);
    return world;
  }

  now(): number {
    return this.#now;
  }

  faultRate(): number {
    return this.#faultRate;
  }

  get powerCuts(): number {
    return this.#powerCuts;
  }

  get servers(): readonly SimulatedServer[] {
    return this.#servers;
  }

  /** The first thing that was promised and not kept. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  violate(violation: Violation): void {
    this.#violation ??= violation;
    this.tell(`VIOLATION: ${violation.message}`);
  }

  tell(line: string): void {
    this.trace.push(`${String(this.scheduler.steps).padStart(5)}  ${line}`);
  }

  passTime(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** From now on nothing fails any more. */
  heal(): void {
    this.#faultRate = 0;
  }

  /** A client's request to some process. Resolves with what the client hears. */
  async request<T>(client: string, plan: RequestPlan<T>): Promise<Heard<T>> {
    await this.#morning?.promise;
    const server = this.random.pick(this.#servers);
    this.tell(`${client} asks ${server.name}: ${plan.label}`);
    this.#underWay += 1;
    let isOver = false;
    const end = (answer: Answer<T>, outcome: Outcome) => {
      if (isOver) return answer;
      isOver = true;
      this.#underWay -= 1;
      this.model.end(plan.operations, outcome);
      return answer;
    };
    const ended = this.#run(server, plan).then(({ answer, outcome }) => {
      if (!server.isDead)
        this.tell(`${server.name} ends ${plan.label} of ${client}: ${shown(answer)}`);
      return end(answer, outcome);
    });
    const died = server.death.then(() => end({ kind: 'lost' }, 'doubtful'));
    const heard = ended.then(async (answer) => {
      await server.turn('answer');
      return answer;
    });
    const contenders = [heard, died];
    if (this.random.chance(this.profile.impatience)) contenders.push(this.#giveUp(client));
    const answer = await Promise.race(contenders);
    return { ...answer, isOver };
  }

  /** Everybody sleeps: no request is begun until `resolve`. @returns undefined while some still run. */
  fallAsleep(): { promise: Promise<void>; resolve(): void } {
    this.#morning ??= Promise.withResolvers<void>();
    return this.#morning;
  }

  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  wakeUp(): void {
    this.#morning?.resolve();
    this.#morning = undefined;
  }

  /** `kill -9` of one process; another takes its place on the same machine. */
  killOne(): void {
    const victim = this.random.pick(this.#servers);
    this.tell(`kill -9 of ${victim.name}`);
    this.#servers = this.#servers.filter((server) => server !== victim);
    victim.die();
    this.#startServer();
  }

  /** The machine loses power and starts again. */
  async cutPower(): Promise<void> {
    this.#powerCuts += 1;
    const lost = this.database.powerCut();
    await this.disk.powerCut();
    if (this.#variation.keepsBoot !== true) this.#boots += 1;
    this.tell(`power cut: the database lost its last ${lost} commits`);
    // Nobody has had a turn since, so nobody has seen a machine that is off.
    const dead = this.#servers;
    this.#servers = [];
    for (const server of dead) {
      server.die();
      this.#startServer();
    }
  }

  #startServer(): void {
    this.#instances += 1;
    this.#servers.push(
      new SimulatedServer({
        name: `p${this.#instances}`,
        boot: `boot${this.#boots}`,
        scheduler: this.scheduler,
        disk: this.disk,
        database: this.database,
        variation: this.#variation,
        now: () => this.#now,
      }),
    );
  }

  async #run<T>(
    server: SimulatedServer,
    plan: RequestPlan<T>,
  ): Promise<{ answer: Answer<T>; outcome: Outcome }> {
    try {
      const value = await plan.work(server);
      return { answer: { kind: 'ok', value }, outcome: plan.outcomeOf?.(value) ?? 'done' };
    } catch (error) {
      return this.#explain(error);
    }
  }

  #explain(error: unknown): { answer: Answer<never>; outcome: Outcome } {
    try {
      if (error instanceof Violation) throw error;
      const answer = answerOf(error);
      const nothingFails = this.profile.faultRate === 0 && this.#powerCuts === 0;
      if (answer.kind === 'failed' && nothingFails) {
        throw new Violation(`a fault although nothing failed: ${answer.code}`);
      }
      return { answer, outcome: answer.kind === 'refused' ? 'refused' : 'doubtful' };
    } catch (violation) {
      this.violate(violation as Violation);
      return { answer: { kind: 'lost' }, outcome: 'doubtful' };
    }
  }

  async #giveUp<T>(client: string): Promise<Answer<T>> {
    const patience = this.random.between(1, 60);
    for (let count = 0; count < patience; count += 1) {
      await this.scheduler.turn(this, `${client} waits`);
    }
    return { kind: 'lost' };
  }
}

function shown(answer: Answer<unknown>): string {
  if (answer.kind === 'ok') return 'done';
  return answer.kind === 'lost' ? 'the client is gone' : `${answer.kind}, ${answer.code}`;
}
