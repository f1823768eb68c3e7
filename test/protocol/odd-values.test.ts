// Values at the edges of what an address takes, at every address that reads and at those that make plans,
// policies and leases: an answer below 500, and no fault on either database.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { pushImage } from './push.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
}

const cursorOf = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');
const HUGE = Number.MAX_SAFE_INTEGER;

const CURSORS = [
  ...[0, -1, HUGE, -HUGE, 3e9, 1e300, 0.5, '', 'v1', '\ud800', '~1/a', null, [], {}],
  ...[HUGE, -HUGE, 3e9].map((id) => ({ path: 'odd', id })),
  ...[HUGE, -HUGE, 3e9].map((tag) => ({ tag, sequence: tag })),
  ...['', '\ud800', 'x'.repeat(600)].map((text) => ({ repository: text, tag: text })),
  ...['', '\ud800', '%_\\'].map((text) => ({ path: text, kind: text })),
].map(cursorOf);

const ODD: Readonly<Record<string, readonly string[]>> = {
  cursor: [...CURSORS, '%', '====', 'bnVsbA'],
  limit: ['0', '-1', '1e3', '1001', '1', '9007199254740993', 'NaN', ' 5 '],
  id: ['0', '1', '2147483648', '9007199254740991', '9007199254740993', '1e3', '0x10', ' 1 '],
  repository: ['odd/app', 'id:1', 'id:999999999999999', 'id:2147483648', 'id:0', '~1/odd', 'tags'],
  tag: ['v1', '.', 'x'.repeat(128), '%F0%9F%98%80', '*'],
  time: [
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '1969-12-31T23:59:59-23:59',
    '2020-02-30T00:00:00Z',
  ],
  from: ['v1', '0000-01-01', '9999-12-31', '2020-13-01', `sha256:${'0'.repeat(64)}`, '%00'],
  to: ['v1', '0000-01-01', '9999-12-31', '1970-01-01', `sha512:${'0'.repeat(128)}`],
  path: [
    '',
    'odd',
    'odd/',
    '/',
    '~1',
    '%ED%A0%80',
    '%F0%9F%98%80',
    '%25_%5C',
    'x'.repeat(255),
    'x'.repeat(256),
    'A/B',
  ],
  digest: [`sha256:${'0'.repeat(64)}`, 'sha256:0', `sha512:${'0'.repeat(128)}`],
};
const OTHERS = ['', 'x', '%F0%9F%98%80', "'", '-1', '99999999999999999999'];

/** What the others are while one is odd. */
const PLAIN: Readonly<Record<string, string>> = {
  repository: 'odd%2Fapp',
  tag: 'v1',
  path: 'odd',
  from: 'v1',
  to: 'v1',
  time: new Date(0).toISOString(),
  name: 'odd',
  id: '1',
  digest: `sha256:${'0'.repeat(64)}`,
};

onBothEngines('odd values', ({ test, registry }) => {
  const ask = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    askApi(registry().url, { method, path, body, headers: ADMIN });

  test('in the address of whatever is read', async () => {
    await pushImage(registry().url, 'odd/app', { reference: 'v1' });
    // The first plan, and something in the trash.
    const plan = { kind: 'restore', path: 'odd', time: new Date(0).toISOString() };
    expect((await ask('POST', '/plans', plan)).body).toMatchObject({ id: 1, items: 1 });
    await pushImage(registry().url, 'odd/deleted', { reference: 'v1' });
    expect((await ask('DELETE', '/repositories/odd%2Fdeleted')).body).toMatchObject({ trash: 1 });
    const document = (await ask('GET', '/openapi.json')).body as unknown as {
      paths: Record<string, Record<string, Operation>>;
    };
    let asked = 0;
    for (const [pattern, operations] of Object.entries(document.paths)) {
      const parameters = operations.get?.parameters ?? [];
      if (operations.get === undefined || /follow|export|verify/.test(pattern)) continue;
      for (const odd of parameters) {
        for (const value of ODD[odd.name] ?? OTHERS) {
          let path = pattern.slice('/api/v1'.length);
          const query: string[] = [];
          for (const { name, in: place } of parameters) {
            const isOdd = name === odd.name;
            const text = isOdd ? value.replaceAll('/', '%2F') : PLAIN[name];
            if (place === 'path') path = path.replace(`{${name}}`, text ?? 'x');
            else if (isOdd || (text !== undefined && !/^(from|to)$/.test(name))) {
              query.push(`${name}=${text}`);
            } else if (pattern.endsWith('compare')) query.push(`${name}=${text}`);
          }
          const { status, text } = await ask('GET', `${path}?${query.join('&')}`);
          asked += 1;
          const isFault = status >= 500;
          expect([path, query, isFault && text]).toEqual([path, query, false]);
        }
      }
    }
    expect(asked).toBeGreaterThan(500);
  }, 120_000);

  test('in what is sent', async () => {
    await pushImage(registry().url, 'odd/sent', { reference: 'v1' });
    const tag = '/repositories/odd%2Fsent/tags/v1';
    const times = ['0000-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59+00:00'];
    const numbers = [HUGE, -HUGE, 2 ** 31, -(2 ** 31) - 1, 1, -1, 1e300, 0.5];
    const requests: (readonly [string, string, unknown])[] = [
      ...[...times, ...numbers].map((to) => ['POST', `${tag}/rollback`, { to }] as const),
      ...numbers.map((to) => ['POST', `${tag}/rollback`, { to, dryRun: true }] as const),
      ...times.map((time) => ['POST', '/plans', { kind: 'restore', path: 'odd', time }] as const),
      ...['\ud800', '~1', 'x'.repeat(255), 'A', '//'].map(
        (path) => ['POST', '/plans', { kind: 'restore', path, time: times[1] }] as const,
      ),
      ...['0d', '366d', '367d', '-1d', '1e9d', '9'.repeat(11), '1.5h'].map(
        (since) => ['POST', '/retention/preview', { path: 'odd', since }] as const,
      ),
      ...numbers.flatMap((ttlSeconds) => [
        ['PUT', '/leases/odd', { ttlSeconds, items: [] }] as const,
        ['POST', '/trash/restore', { ids: [ttlSeconds] }] as const,
        ['POST', '/trash/purge', { ids: [ttlSeconds] }] as const,
        ['POST', '/trash/purge', { filter: {}, after: ttlSeconds }] as const,
        ['POST', `/plans/${ttlSeconds}/apply`, {}] as const,
        ['POST', `/plans/${ttlSeconds}/undo`, {}] as const,
        ['PUT', '/policies/quota?path=odd', { bytes: { hard: ttlSeconds } }] as const,
        ['PUT', '/policies/quota?path=odd', { tags: { soft: ttlSeconds } }] as const,
        ['PUT', '/policies/trash?path=odd', { days: ttlSeconds }] as const,
        [
          'POST',
          '/repositories/odd%2Fsent/rename',
          { to: 'odd/to', keepOldNameFor: ttlSeconds, dryRun: true },
        ] as const,
      ]),
      ...['\ud800', 'tags', 'id:1', '~1/x', 'odd/sent/below', 'x'.repeat(255), 'A'].flatMap(
        (to) => [
          ['POST', '/repositories/odd%2Fsent/rename', { to, dryRun: true }] as const,
          ['POST', '/namespaces/rename', { path: 'odd', to, dryRun: true }] as const,
          ['POST', '/namespaces/rename', { path: to, to: 'odd2', dryRun: true }] as const,
          ['POST', '/repositories/odd%2Fcopy/copy', { from: 'odd/sent', reference: to }] as const,
          ['PUT', '/leases/odd', { ttlSeconds: 60, items: [{ repository: to, tag: to }] }] as const,
          ['PUT', '/leases/odd', { ttlSeconds: 60, items: [], detail: to }] as const,
          [
            'DELETE',
            `/leases/odd?repository=${encodeURIComponent(to.replace('\ud800', ''))}`,
            undefined,
          ] as const,
          ['POST', '/trash/restore', { filter: { path: to, by: to, since: times[2] } }] as const,
          ['PUT', '/policies/immutability?path=odd', { rules: [{ tags: [to] }] }] as const,
          ['PUT', '/policies/quota?path=odd', { contact: to }] as const,
          [
            'DELETE',
            `/aliases?path=${encodeURIComponent(to.replace('\ud800', ''))}`,
            undefined,
          ] as const,
        ],
      ),
      ...['tags', 'a'.repeat(256), '~1/x', 'odd/sent'].map(
        (as) => ['POST', '/trash/1/restore', { as }] as const,
      ),
    ];
    for (const to of [
      '\ud800',
      'id:1',
      '~1/x',
      'odd/sent/below',
      'x'.repeat(256),
      'A',
      'odd/sent',
    ]) {
      const rename = { to, dryRun: true };
      const { status } = await ask('POST', '/repositories/odd%2Fsent/rename', rename);
      expect([to, status >= 400]).toEqual([to, true]);
    }
    for (const [method, path, body] of requests) {
      const { status, text } = await ask(method, path, body);
      const isFault = status >= 500;
      expect([method, path, body, isFault && text]).toEqual([method, path, body, false]);
    }
  }, 120_000);
});
