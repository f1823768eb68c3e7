// The run that most reading workloads share: the same requests again and again over so many
// connections, each answer checked for status and length, one of many for its bytes.

import { forDuration, type LoopResult } from '../load/closed-loop.ts';
import { digestOf } from '../load/content.ts';
import type { Answer, Connection } from '../load/http-client.ts';
import { RegistryClient, type RequestLine } from '../load/registry-client.ts';
import type { Registry } from '../registries.ts';
import type { Outcome, Run } from '../workload.ts';

export interface Expected {
  readonly status: number;
  /** Of the body, or announced for a HEAD; undefined: any. */
  readonly length?: number;
  /** Of the body, for the answers that are sampled. */
  readonly digest?: string;
}

export interface CheckedRequest {
  readonly line: RequestLine;
  readonly expected: Expected;
}

export interface RateOptions {
  readonly registry: Registry;
  readonly repository: string;
  readonly workers: number;
  readonly milliseconds: number;
  /** The workers take them in turn. */
  readonly requests: readonly CheckedRequest[];
  /** One answer in so many of each worker is read whole and hashed; the first always is. */
  readonly sampleEvery: number;
}

/** The figure is requests a second. */
export function requestRate(options: RateOptions): Run {
  return async (meter) => {
    const { result, seconds } = await withLoop(options, (loop) => meter.timed(loop));
    return { figure: result.units / seconds, units: result.units, latencies: result.latencies };
  };
}

/** The figure is megabytes (10^6) a second, a unit of work one GiB. */
export function byteRate(options: RateOptions & { readonly bytes: number }): Run {
  return async (meter): Promise<Outcome> => {
    const { result, seconds } = await withLoop(options, (loop) => meter.timed(loop));
    const bytes = result.units * options.bytes;
    return { figure: bytes / 1e6 / seconds, units: bytes / 2 ** 30, latencies: result.latencies };
  };
}

/** Opens the connections before `use` starts the loop, and closes them after it. */
export async function withLoop<T>(
  options: RateOptions,
  use: (loop: () => Promise<LoopResult>) => Promise<T>,
): Promise<T> {
  const client = await RegistryClient.open(options.registry, [options.repository]);
  const requests = options.requests.map(({ line, expected }) => ({
    prepared: client.prepare(line),
    line,
    expected,
  }));
  return client.withConnections(options.workers, async (connections) => {
    const one = async (worker: number, count: number) => {
      const request = requests[(worker + count) % requests.length];
      const connection = connections[worker];
      if (request === undefined || connection === undefined) throw new Error('nothing to ask for');
      const keep = count % options.sampleEvery === 0 && request.expected.digest !== undefined;
      const answer = await connection.send(request.prepared, keep ? { keep } : undefined);
      check(answer, { ...request, keep });
    };
    return use(() => forDuration({ ...options, work: one }));
  });
}

function check(
  answer: Answer,
  request: { readonly line: RequestLine; readonly expected: Expected; readonly keep: boolean },
): void {
  const { line, expected } = request;
  const length = line.method === 'HEAD' ? answer.announced : answer.received;
  if (answer.status !== expected.status) {
    throw new Error(`${line.method} ${line.target} gave ${answer.status}`);
  }
  if (expected.length !== undefined && length !== expected.length) {
    throw new Error(`${line.method} ${line.target} has ${length} bytes, not ${expected.length}`);
  }
  if (request.keep && digestOf(answer.body) !== expected.digest) {
    throw new Error(`${line.method} ${line.target} gave other bytes than its digest`);
  }
}

/** The only connection of a preparation that needs no more. */
export function single(connections: readonly Connection[]): Connection {
  const [connection] = connections;
  if (connection === undefined) throw new Error('there is no connection');
  return connection;
}
