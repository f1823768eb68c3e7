// What the guards cost where nothing is set: reads of the database are counted, with and without them.
import { expect, spyOn, test } from 'bun:test';
import { SYSTEM } from '../metadata/audit.ts';
import { ensureScope, limitScope } from '../metadata/usage-scopes.ts';
import { parseTag } from '../oci/tag.ts';
import { type Guards, NO_GUARDS } from '../registry/guards.ts';
import { pushManifest } from '../registry/push-manifest.ts';
import { openSuiteRegistry, REPOSITORY, type SuiteRegistry } from '../registry/suite-registry.ts';
import { lifecycleGuards } from './guards.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const TAGS = ['a', 'b', 'c', 'd', 'e'];

async function push(registry: SuiteRegistry, { seed, tags }: { seed: number; tags: string[] }) {
  const index = {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [],
    annotations: { n: `${seed}` },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  const { digest } = await pushManifest(
    { commands: registry.commands, missingParts: 'refuse' },
    {
      repository: REPOSITORY,
      actor: SYSTEM,
      reference: { kind: 'tag', tag: parseTag(tags[0] ?? 'a') },
      tags: [],
      contentType: INDEX,
      bytes,
      condition: { ifMatch: null, ifNoneMatch: null },
    },
  );
  for (const tag of tags.slice(1)) {
    await push(registry, { seed, tags: [tag] });
  }
  return digest;
}

/** Statements that each of some calls runs. */
async function counted(guards: Guards): Promise<Record<string, number>> {
  let grown = 0;
  const registry = await openSuiteRegistry({
    ...guards,
    afterGrowth(tx, growth) {
      grown += growth.scopes.length;
      return guards.afterGrowth(tx, growth);
    },
  });
  // As if there were a quota, so that growth is looked at.
  await ensureScope(registry.sql, { path: 'team', state: 'exact' });
  await limitScope(registry.sql, { path: 'team', isLimited: true });
  const spies = (['all', 'first', 'run'] as const).map((name) => spyOn(registry.sql, name));
  const costs: Record<string, number> = {};
  const measure = async (what: string, work: () => Promise<unknown>) => {
    const before = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    await work();
    costs[what] = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0) - before;
  };
  const common = { repository: REPOSITORY, actor: SYSTEM };
  await push(registry, { seed: 1, tags: ['a'] });
  await measure('push', () => push(registry, { seed: 2, tags: ['new'] }));
  await measure('push again', () => push(registry, { seed: 2, tags: ['new'] }));
  await measure('push over', () => push(registry, { seed: 3, tags: ['a'] }));
  await measure('delete tag', () =>
    registry.commands.run('deleteTag', { ...common, tag: parseTag('a') }),
  );
  const digest = await push(registry, { seed: 4, tags: TAGS });
  await measure('delete manifest', () =>
    registry.commands.run('deleteManifest', { ...common, digest }),
  );
  await registry.close();
  expect(grown).toBeGreaterThan(0);
  return costs;
}

test('one read for a push, also one that grows a namespace and moves a tag; few for a delete', async () => {
  const [without, guarded] = [await counted(NO_GUARDS), await counted(lifecycleGuards())];
  const more = Object.fromEntries(
    Object.keys(without).map((what) => [what, (guarded[what] ?? 0) - (without[what] ?? 0)]),
  );
  expect(more).toEqual({
    push: 1,
    'push again': 0,
    'push over': 1,
    // The policies, the blob of the digest, a lease on it.
    'delete tag': 3,
    // The blob, any lease in the repository; then as above, the policies once.
    'delete manifest': 2 + 1 + 2 * TAGS.length,
  });
});
