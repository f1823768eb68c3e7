// The deletion of a large repository beside pushes and pulls: how soon it answers, how long the counters take
// behind the answer, and then how long it takes to be purged. The load goes on all the time, at a rate.
import { MOVED_USAGE_JOB } from '../../src/lifecycle/names/move-counters.ts';
import { PURGE_PLACE_JOB } from '../../src/lifecycle/trash/purge.command.ts';
import { basic } from '../load/authorization.ts';
import { type Answer, Connection, prepareRequest } from '../load/http-client.ts';
import type { Registry } from '../registries.ts';
import { repositoryName, tagName } from '../seed-versions.ts';
import type { Measurement } from './measurement.ts';
import { describeSlot, SteadyLoad } from './steady-load.ts';
import { verifyCounters } from './verify.ts';
import { WorkOfJobs } from './work-of-jobs.ts';

/** Without `--push-rate`: images and manifests a second, well below what the server takes. */
const PUSH_RATE = 40;
const PULL_RATE = 400;
const LONGEST_MS = 300_000;

export async function measureDeletion(it: Measurement): Promise<void> {
  const { shape, data, seconds } = it;
  const work = new WorkOfJobs(data);
  for (const kind of ['record-usage', 'scrub', 'trim-outbox', 'sweep-uploads', 'collect']) {
    await work.hold(kind);
  }
  const registry = await it.start();
  // Two stay, for the load.
  const rounds = Math.min(it.rounds, shape.repositories - 2);
  const busy = [shape.repositories - 1, shape.repositories - 2].map((at) =>
    repositoryName(shape, at),
  );
  const load = await SteadyLoad.open(registry, {
    pushTo: busy,
    pulls: busy.map((repository) => ({ repository, tag: tagName(0) })),
    pushers: 4,
    pullers: 4,
    pushRate: it.pushRate || PUSH_RATE,
    pullRate: PULL_RATE,
    layers: 4,
    layerBytes: 1_000,
  });
  await load.forSeconds(seconds);
  // The first use of a password costs what guessing it would.
  await ask(registry, 'GET', '/account');
  for (let round = 0; round < rounds; round += 1) {
    const name = repositoryName(shape, round);
    console.log(`round ${round + 1}, before: ${describeSlot(await load.forSeconds(seconds))}`);
    const { trash } = await during({ load, what: `DELETE of ${name}` }, async () => {
      const answer = await timed(registry, 'DELETE', `/repositories/${encodeURIComponent(name)}`);
      await gone(work, MOVED_USAGE_JOB);
      return answer as { trash: number };
    });
    await during({ load, what: 'its purge' }, async () => {
      await timed(registry, 'POST', `/trash/${trash}/purge`);
      await gone(work, PURGE_PLACE_JOB);
    });
  }
  await verifyCounters(data, shape.namespace);
  work.close();
}

/** The load until `act` has ended. */
async function during<T>(
  { load, what }: { load: SteadyLoad; what: string },
  act: () => Promise<T>,
): Promise<T> {
  let isOver = false;
  const running = load.run(() => isOver);
  const start = performance.now();
  const result = await act().finally(() => {
    isOver = true;
  });
  const took = (performance.now() - start) / 1000;
  console.log(`  ${what}, all of it ${took.toFixed(2)} s: ${describeSlot(await running)}`);
  return result;
}

async function timed(registry: Registry, method: string, path: string): Promise<unknown> {
  const { text, ms } = await ask(registry, method, path);
  console.log(`  ${method} answered in ${ms.toFixed(1)} ms: ${text.slice(0, 200)}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function ask(
  registry: Registry,
  method: string,
  path: string,
): Promise<{ text: string; ms: number }> {
  const headers = basic(registry);
  const connection = new Connection(registry.endpoint);
  const start = performance.now();
  const request = prepareRequest(registry.endpoint, {
    method,
    target: `/api/v1${path}`,
    headers,
    length: 0,
  });
  const answer: Answer = await connection.send(request, { keep: true });
  const ms = performance.now() - start;
  connection.close();
  const text = Buffer.from(answer.body).toString();
  if (answer.status >= 300) throw new Error(`${method} ${path} gave ${answer.status} ${text}`);
  return { text, ms };
}

async function gone(work: WorkOfJobs, kind: string): Promise<void> {
  const end = performance.now() + LONGEST_MS;
  while (work.jobs(kind) > 0) {
    if (performance.now() > end) throw new Error(`${kind} did not end in ${LONGEST_MS / 1000} s`);
    await Bun.sleep(20);
  }
}
