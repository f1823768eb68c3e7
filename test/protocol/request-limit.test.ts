// The limits on requests, as clients meet them: 429 with the time to wait, each principal by themselves.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addAccessToken, addUser, basic } from '../support/people.ts';

let registry: TestRegistry;
beforeAll(async () => {
  // Nothing comes back to the bucket while the test runs.
  const rate = { perSecond: 0.001, burst: 3 };
  const requestLimits = { signedIn: rate, anonymous: rate };
  registry = await startTestRegistry({ isPrivate: true, access: { requestLimits } });
});
afterAll(() => registry.stop());

async function answers(count: number, ask: () => Promise<Response>): Promise<number[]> {
  const statuses: number[] = [];
  for (let at = 0; at < count; at += 1) statuses.push((await ask()).status);
  return statuses;
}

test('a user is told to wait, and others are not', async () => {
  const headers: Record<string, string>[] = [];
  for (const name of ['carol', 'dave']) {
    const id = await addUser(registry, { name });
    const { secret } = await addAccessToken(registry, { owner: { kind: 'user', id } });
    headers.push({ Authorization: basic(name, secret) });
  }
  const [carol, dave] = headers;
  const ask = (who: Record<string, string> | undefined) =>
    fetch(`${registry.url}/v2/`, { headers: who ?? {} });
  expect(await answers(4, () => ask(carol))).toEqual([200, 200, 200, 429]);
  const refused = await ask(carol);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.text()).toContain('TOOMANYREQUESTS');
  expect(await answers(3, () => ask(dave))).toEqual([200, 200, 200]);
});

test('whoever has not signed in counts by address, also who brings a JWT for exchange', async () => {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'not.a.jwt',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const exchange = () => fetch(`${registry.url}/token`, { method: 'POST', body });
  const statuses = await answers(4, exchange);
  expect(statuses.slice(0, 3)).not.toContain(429);
  expect(statuses[3]).toBe(429);
  expect((await fetch(`${registry.url}/v2/team/app/tags/list`)).status).toBe(429);
});
