// How long previews of retention take, what pushes cost meanwhile, and how long the history of a tag takes:
//
//   bun bench/retention.ts --repositories 10000 --tags 100
//   bun bench/retention.ts --repositories 1 --tags 10000
//
// Seeds a data directory by SQL, starts a registry on it in this process, and asks its management API. Pushes
// come from a process of their own. Beside it: seed-versions.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ADMIN, askApi } from '../test/protocol/api-world.ts';
import { startTestRegistry } from '../test/support/entrepot.ts';
import {
  repositoryName,
  type SeedShape,
  seedVersions,
  tagName,
  USUAL_SHAPE,
} from './seed-versions.ts';

const { values } = parseArgs({
  options: {
    repositories: { type: 'string', default: '100' },
    tags: { type: 'string', default: '100' },
    moves: { type: 'string', default: '3' },
    /** Keeps the data, or takes what is there. */
    directory: { type: 'string' },
    pushes: { type: 'boolean', default: false },
    /** Applies the plan and takes it back. */
    apply: { type: 'boolean', default: false },
  },
});

const POLICY = {
  rules: [
    { keep: 'last-pushed', count: 10 },
    { keep: 'pulled-within', within: '20d' },
    { keep: 'highest-versions', count: 5, each: 'major' },
  ],
  untaggedAfter: '7d',
};

const shape: SeedShape = {
  ...USUAL_SHAPE,
  repositories: Number(values.repositories),
  tags: Number(values.tags),
  moves: Number(values.moves),
};
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'entrepot-retention-'));

function say(what: string, result: unknown): void {
  process.stdout.write(`${what.padEnd(44)} ${String(result)}\n`);
}

function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(2)} s`;
}

async function measureHistory(url: string): Promise<void> {
  const times: number[] = [];
  for (let turn = 0; turn < 200; turn += 1) {
    const repository = repositoryName(shape, Math.floor((turn / 200) * shape.repositories));
    const tag = tagName(Math.floor((turn / 200) * shape.tags));
    const path = `/repositories/${encodeURIComponent(repository)}/tags/${tag}/history`;
    const start = performance.now();
    const { status } = await askApi(url, { method: 'GET', path, headers: ADMIN });
    if (status !== 200) throw new Error(`the history was answered with ${status}`);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  say('history of a tag, median', `${times[100]?.toFixed(2)} ms`);
  say('history of a tag, 99th percentile', `${times[197]?.toFixed(2)} ms`);
}

interface Plan {
  readonly id: number;
  readonly state: string;
  readonly items: number;
  readonly planned: { readonly disappearing: number };
  readonly bytes: number;
}

async function previewed(url: string, path: string): Promise<Plan> {
  const plan = await ended(url, '/retention/preview', { path, policy: POLICY });
  if (plan.state !== 'ready') throw new Error(`the plan is ${plan.state}`);
  return plan;
}

async function ended(url: string, what: string, body: object): Promise<Plan> {
  const made = await askApi(url, {
    method: 'POST',
    path: what,
    body,
    headers: ADMIN,
  });
  if (made.status >= 300) throw new Error(made.text);
  let plan = made.body as unknown as Plan;
  while (plan.state === 'making' || plan.state === 'applying') {
    await Bun.sleep(50);
    const at = `/plans/${plan.id}`;
    plan = (await askApi(url, { method: 'GET', path: at, headers: ADMIN })).body as unknown as Plan;
  }
  return plan;
}

/** Pushes a tiny image again and again from another process. @returns ends it, and says pushes a second. */
function startPushing(url: string): () => Promise<number> {
  const script = new URL('./push-on.ts', import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, url], { stdout: 'pipe', stdin: 'pipe' });
  return async () => {
    child.stdin.end();
    return Number(await new Response(child.stdout).text());
  };
}

if (values.directory === undefined || !(await Bun.file(join(directory, 'entrepot.db')).exists())) {
  const seeded = await seedVersions(directory, shape);
  say('seeded', `${seeded.tags} tags, ${seeded.blobs} blobs in ${seeded.seconds.toFixed(1)} s`);
}
const registry = await startTestRegistry({ directory });
try {
  await measureHistory(registry.url);
  if (values.pushes) {
    const alone = startPushing(registry.url);
    await Bun.sleep(10_000);
    say('pushes a second, alone', await alone());
  }
  const stop = values.pushes ? startPushing(registry.url) : undefined;
  const path = shape.repositories === 1 ? repositoryName(shape, 0) : shape.namespace;
  const start = performance.now();
  const plan = await previewed(registry.url, path);
  say(`preview of ${shape.repositories * shape.tags} tags`, secondsSince(start));
  if (stop !== undefined) say('pushes a second, meanwhile', await stop());
  say('items, of which tags that go', `${plan.items}, ${plan.planned.disappearing}`);
  say('bytes that it frees', plan.bytes);
  if (shape.repositories === 1) {
    const again = performance.now();
    await previewed(registry.url, path);
    say('the same once more', secondsSince(again));
  }
  if (values.apply) {
    const applying = performance.now();
    await ended(registry.url, `/plans/${plan.id}/apply`, {});
    say('applied, a second of it waiting for counts', secondsSince(applying));
    const undoing = performance.now();
    await ended(registry.url, `/plans/${plan.id}/undo`, {});
    say('taken back', secondsSince(undoing));
  }
} finally {
  await registry.stop();
  if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
}
