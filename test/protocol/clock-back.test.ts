// The clock of the machine is set back: nobody may be locked out until it has caught up.
import { afterAll, afterEach, beforeAll, expect, setSystemTime, test } from 'bun:test';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { basic } from '../support/people.ts';

let registry: TestRegistry;
beforeAll(async () => {
  const requestLimits = { signedIn: undefined, anonymous: { perSecond: 100, burst: 2 } };
  registry = await startTestRegistry({ isPrivate: true, access: { requestLimits } });
});
afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});
afterEach(() => {
  setSystemTime();
});

const HOUR_MS = 3_600_000;

async function statusWith(headers: Record<string, string>): Promise<number> {
  return (await fetch(`${registry.url}/v2/team/app/tags/list`, { headers })).status;
}

test('after too many requests', async () => {
  while ((await statusWith({})) !== 429);
  setSystemTime(Date.now() - HOUR_MS);
  // Ends with the limit of the test when it never happens.
  while ((await statusWith({})) === 429) await Bun.sleep(5);
});

test('after wrong passwords', async () => {
  const wrong = { Authorization: basic('admin', 'wrong') };
  while ((await statusWith(wrong)) !== 429);
  setSystemTime(Date.now() - HOUR_MS);
  const right = { Authorization: basic('admin', ADMIN_PASSWORD) };
  while ((await statusWith(right)) === 429) await Bun.sleep(20);
  expect(await statusWith(right)).toBe(404);
});
