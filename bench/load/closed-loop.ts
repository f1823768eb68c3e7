// The shape of every load here: so many workers, each with one thing in flight, for a fixed time or
// until a queue is empty. The first error stops all of them and is thrown.

export interface LoopResult {
  readonly units: number;
  /** Milliseconds of each unit, in the order that they ended. */
  readonly latencies: readonly number[];
}

/** Repeats `work` in each worker until the time is over. Each worker does at least one. */
export function forDuration(options: {
  readonly workers: number;
  readonly milliseconds: number;
  work(worker: number, count: number): Promise<void>;
}): Promise<LoopResult> {
  const end = performance.now() + options.milliseconds;
  return loop(options.workers, options.work, () => performance.now() < end);
}

/** Does exactly `count` units, shared among the workers. */
export function forCount(options: {
  readonly workers: number;
  readonly count: number;
  work(worker: number, index: number): Promise<void>;
}): Promise<LoopResult> {
  let next = 0;
  return loop(
    Math.min(options.workers, options.count),
    (worker) => options.work(worker, next++),
    () => next < options.count,
  );
}

async function loop(
  workers: number,
  work: (worker: number, count: number) => Promise<void>,
  goesOn: () => boolean,
): Promise<LoopResult> {
  const latencies: number[] = [];
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      let count = 0;
      do {
        const start = performance.now();
        try {
          await work(worker, count++);
        } catch (error) {
          failure ??= { error };
          return;
        }
        latencies.push(performance.now() - start);
      } while (failure === undefined && goesOn());
    }),
  );
  if (failure !== undefined) throw failure.error;
  return { units: latencies.length, latencies };
}
