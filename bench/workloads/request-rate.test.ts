// A benchmark that counts errors as work is worse than none: a wrong status, a short body and other
// bytes must each end the run. And a registry that asks for a token must be given one.
import { afterEach, expect, test } from 'bun:test';
import { digestOf } from '../load/content.ts';
import type { Registry } from '../registries.ts';
import { runWorkload } from '../runner.ts';
import { NotSupported, type Row } from '../workload.ts';
import { type RateOptions, requestRate } from './request-rate.ts';

const CONTENT = 'the bytes of a blob';
const DIGEST = digestOf(Buffer.from(CONTENT));
const servers: { stop(force: boolean): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop(true);
});

function serve(answer: (request: Request) => Response): Registry {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  servers.push(server);
  return {
    name: 'fake',
    endpoint: { hostname: '127.0.0.1', port: server.port ?? 0 },
    credentials: { user: 'bench', password: 'secret' },
    isDebian: false,
    pid: () => process.pid,
    control: undefined,
  };
}

function rateOf(registry: Registry, milliseconds: number): RateOptions {
  return {
    registry,
    repository: 'a/b',
    workers: 2,
    milliseconds,
    requests: [
      {
        line: { method: 'GET', target: '/v2/a/b/blobs/x' },
        expected: { status: 200, length: CONTENT.length, digest: DIGEST },
      },
    ],
    sampleEvery: 4,
  };
}

function measure(registry: Registry): Promise<Row> {
  return runWorkload(
    {
      id: 'T',
      title: 'test',
      unit: '/s',
      better: 'higher',
      work: 'request',
      targets: [],
      prepare: async (each, { milliseconds }) => requestRate(rateOf(each, milliseconds)),
    },
    { registries: [registry], runs: 2, scale: { milliseconds: 5, quick: true } },
  );
}

const pingOr = (blob: () => Response) => (request: Request) =>
  new URL(request.url).pathname === '/v2/' ? new Response('{}') : blob();

test('right answers are counted, run by run, with CPU time and memory', async () => {
  const row = await measure(serve(pingOr(() => new Response(CONTENT))));
  const [series] = row.series;
  expect(series?.skipped).toBeUndefined();
  expect(series?.runs).toHaveLength(2);
  for (const run of series?.runs ?? []) {
    expect(run.units).toBeGreaterThanOrEqual(2);
    expect(run.figure).toBeGreaterThan(0);
    expect(run.cpuSeconds).toBeGreaterThanOrEqual(0);
    expect(run.peakBytes).toBeGreaterThan(0);
    expect(run.p99Milliseconds).toBeGreaterThan(0);
  }
});

for (const [what, answer, message] of [
  ['a quick error', () => new Response('', { status: 503 }), 'gave 503'],
  ['a short body', () => new Response('short'), '5 bytes, not 19'],
  ['other bytes', () => new Response(CONTENT.replace('b', 'B')), 'other bytes than its digest'],
] as const) {
  test(`${what} ends the run and leaves no figure`, async () => {
    const [series] = (await measure(serve(pingOr(answer)))).series;
    expect(series?.failed).toBe(true);
    expect(series?.runs).toEqual([]);
    expect(series?.skipped).toContain(message);
  });
}

test('bytes that turn wrong in the middle of a run are found by a sample', async () => {
  let count = 0;
  const registry = serve(
    pingOr(() => new Response(count++ < 3 ? CONTENT : CONTENT.replace('b', 'B'))),
  );
  // The time is only a bound: the fifth answer of a worker ends the run.
  const run = requestRate(rateOf(registry, 60_000));
  const timed = async <T>(work: () => Promise<T>) => ({ result: await work(), seconds: 1 });
  await expect(run({ timed })).rejects.toThrow('other bytes');
});

test('a token is fetched with the credentials and sent with every request', async () => {
  const asked: string[] = [];
  const registry = serve((request) => {
    const url = new URL(request.url);
    const authorization = request.headers.get('authorization');
    if (url.pathname === '/token') {
      asked.push(`${authorization} ${url.search}`);
      return Response.json({ token: 'T1' });
    }
    if (authorization === 'Bearer T1') return new Response(CONTENT);
    const realm = `Bearer realm="${url.origin}/token",service="fake"`;
    return new Response('', { status: 401, headers: { 'www-authenticate': realm } });
  });
  const [series] = (await measure(registry)).series;
  expect(series?.skipped).toBeUndefined();
  expect(series?.runs).toHaveLength(2);
  const basic = `Basic ${Buffer.from('bench:secret').toString('base64')}`;
  const scope = encodeURIComponent('repository:a/b:pull,push,delete');
  expect(asked[0]).toBe(`${basic} ?service=fake&scope=${scope}`);
});

test('what a registry does not offer is no failure', async () => {
  const row = await runWorkload(
    {
      id: 'T',
      title: 'test',
      unit: '/s',
      better: 'higher',
      work: 'request',
      targets: [],
      prepare: async () => {
        throw new NotSupported('it has no such thing');
      },
    },
    {
      registries: [serve(() => new Response(''))],
      runs: 1,
      scale: { milliseconds: 1, quick: true },
    },
  );
  expect(row.series[0]).toMatchObject({ failed: false, skipped: 'it has no such thing', runs: [] });
});
