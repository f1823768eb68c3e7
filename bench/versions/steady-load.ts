// Pushes and pulls beside what is measured: as many as the server takes, or so many a second. At a rate, a
// latency counts from the moment that the request was due, so that a stall is seen by all that wait in it.
import { BlobSource } from '../load/content.ts';
import { RegistryClient } from '../load/registry-client.ts';
import { cpuSeconds, percentile } from '../measure.ts';
import type { Registry } from '../registries.ts';
import type { PushedImage } from '../workloads/image-push.ts';

export interface LoadShape {
  /** Repositories that are pushed to, one after the other. */
  readonly pushTo: readonly string[];
  /** What is pulled: a manifest by tag. */
  readonly pulls: readonly { readonly repository: string; readonly tag: string }[];
  readonly pushers: number;
  readonly pullers: number;
  /** Of all workers of a kind together, a second; 0 = as many as go. */
  readonly pushRate: number;
  readonly pullRate: number;
  readonly layers: number;
  readonly layerBytes: number;
}

export interface LoadSlot {
  readonly seconds: number;
  /** Of the server; undefined: not known. */
  readonly cpuSeconds: number | undefined;
  readonly pushes: readonly number[];
  readonly pulls: readonly number[];
}

export class SteadyLoad {
  readonly #client: RegistryClient;
  readonly #shape: LoadShape;
  readonly #sources: BlobSource[];
  /** Every image that was acknowledged. */
  readonly pushed: PushedImage[] = [];

  private constructor(client: RegistryClient, shape: LoadShape) {
    this.#client = client;
    this.#shape = shape;
    this.#sources = Array.from({ length: shape.pushers }, () => new BlobSource(shape.layerBytes));
  }

  static async open(registry: Registry, shape: LoadShape): Promise<SteadyLoad> {
    const repositories = new Set([...shape.pushTo, ...shape.pulls.map((pull) => pull.repository)]);
    return new SteadyLoad(await RegistryClient.open(registry, [...repositories]), shape);
  }

  /** Runs until `isOver`; any answer that is not a success ends it with an error. */
  async run(isOver: () => boolean): Promise<LoadSlot> {
    const { pushers, pullers, pushRate, pullRate } = this.#shape;
    const start = performance.now();
    const pid = this.#client.registry.pid();
    const cpuBefore = pid === undefined ? 0 : cpuSeconds(pid);
    const [pushes, pulls] = await Promise.all([
      this.#workers({ workers: pushers, rate: pushRate, isOver }, this.#push()),
      this.#workers({ workers: pullers, rate: pullRate, isOver }, this.#pull()),
    ]);
    const seconds = (performance.now() - start) / 1000;
    const cpu = pid === undefined ? undefined : cpuSeconds(pid) - cpuBefore;
    return { seconds, cpuSeconds: cpu, pushes, pulls };
  }

  forSeconds(seconds: number): Promise<LoadSlot> {
    const end = performance.now() + seconds * 1000;
    return this.run(() => performance.now() >= end);
  }

  #workers(
    pace: { workers: number; rate: number; isOver: () => boolean },
    work: Work,
  ): Promise<number[]> {
    const { workers, rate, isOver } = pace;
    const latencies: number[] = [];
    const apartMs = rate === 0 ? 0 : 1000 / rate;
    const start = performance.now();
    let next = 0;
    let failed = false;
    return this.#client.withConnections(workers, async (connections) => {
      await Promise.all(
        connections.map(async (connection, worker) => {
          while (!isOver() && !failed) {
            const due = apartMs === 0 ? performance.now() : start + next++ * apartMs;
            if (due > performance.now()) await Bun.sleep(due - performance.now());
            if (isOver()) return;
            // Timers ring early, too.
            const from = Math.min(due, performance.now());
            await work(connection, worker).catch((error: unknown) => {
              failed = true;
              throw error;
            });
            latencies.push(performance.now() - from);
          }
        }),
      );
      return latencies;
    });
  }

  #push(): Work {
    const { pushTo, layers } = this.#shape;
    return async (connection, worker) => {
      const number = this.pushed.length;
      const repository = pushTo[number % pushTo.length];
      const source = this.#sources[worker];
      if (repository === undefined || source === undefined) throw new Error('nothing to push to');
      const tag = `pushed-${number}-${worker}`;
      const push = { repository, reference: tag, source, layers };
      const image = await this.#client.pushImage(connection, push);
      this.pushed.push({ repository, tag, image });
    };
  }

  #pull(): Work {
    const { pulls } = this.#shape;
    return async (connection) => {
      const pull = pulls[Math.floor(Math.random() * pulls.length)];
      if (pull === undefined) throw new Error('nothing to pull');
      const target = `/v2/${pull.repository}/manifests/${pull.tag}`;
      await this.#client.ask(connection, { method: 'GET', target, expect: [200] });
    };
  }
}

type Work = (connection: ReturnType<RegistryClient['connect']>, worker: number) => Promise<void>;

/** One line: pushes and pulls a second, and how long they took. */
export function describeSlot({ seconds, cpuSeconds: cpu, pushes, pulls }: LoadSlot): string {
  const of = (name: string, latencies: readonly number[]) =>
    latencies.length === 0
      ? `${name}: none`
      : `${name} ${(latencies.length / seconds).toFixed(1)}/s, p50 ${percentile(latencies, 50).toFixed(2)} ms, p99 ${percentile(latencies, 99).toFixed(2)} ms, max ${percentile(latencies, 100).toFixed(1)} ms`;
  const busy = cpu === undefined ? '' : `, CPU ${((100 * cpu) / seconds).toFixed(0)} %`;
  return `${of('pushes', pushes)}; ${of('pulls', pulls)}${busy}`;
}
