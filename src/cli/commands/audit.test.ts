// The audit log from the command line: listed, followed, exported, verified.

import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type CliSession, openCliSession } from '../suite-session.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
  await session.done('user create alice --no-password');
  await session.done('grant add reader --to user:alice --on team');
  await session.done('path set other --visibility public');
});
afterAll(() => session.close());

interface Event {
  readonly action: string;
  readonly target: string;
  readonly actor: string;
}

test('filters by who, what, when and where', async () => {
  const events = (flags: string) => session.json<Event[]>(`audit list ${flags}`);
  expect(await events("--action 'grant.*'")).toMatchObject([
    { action: 'grant.add', target: 'reader on team for user alice', actor: 'admin' },
  ]);
  expect((await events('--actor entrepot')).map(({ action }) => action)).toContain('user.create');
  expect(await events('--on team')).toHaveLength(1);
  expect(await events('--since 1h --limit 2')).toHaveLength(2);
  expect(await events('--until 1h')).toEqual([]);
  expect(await events('--outcome refused --address 192.0.2.1')).toEqual([]);
  const table = await session.done("audit list --action 'grant.*'");
  expect(table).toMatch(/^WHEN +WHO +DID +TO +OUTCOME +BY +FROM\n/);
  expect(table).toMatch(/admin +grant\.add +reader on team for user alice +done +access-token:1 /);
});

test('follows what comes from now on, until it is interrupted', async () => {
  const interruption = new AbortController();
  let looks = 0;
  let looksSinceSealed = 0;
  const isSealed = async (): Promise<boolean> => {
    const line = 'audit list --action role.create';
    const events = await session.json<{ sequence: number | null }[]>(line);
    return events.every(({ sequence }) => sequence !== null);
  };
  const ran = await session.cli('audit list --follow --action role.create --json', {
    interrupted: interruption.signal,
    async sleep() {
      looks += 1;
      if (looks === 1) await session.done('role create watched --actions pull');
      // The sealer comes by once a second, on its own clock.
      if (await isSealed()) looksSinceSealed += 1;
      if (looksSinceSealed > 1) interruption.abort();
      else await Bun.sleep(10);
    },
  });
  expect(ran.code).toBe(0);
  const lines = ran.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  expect(lines).toMatchObject([{ action: 'role.create', target: 'role watched' }]);
}, 20_000);

test('exports all of it, in three forms', async () => {
  const jsonl = await session.done('audit export');
  const lines = jsonl
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  expect(lines.map(({ action }) => action)).toContain('grant.add');
  const csv = await session.done("audit export --format csv --action 'grant.*'");
  expect(csv.split('\r\n')).toHaveLength(3);
  expect(await session.done('audit export --format syslog')).toStartWith('<');
});

test('verifies the chain, and ends with 1 when something in it was changed', async () => {
  const found = await session.json<{ end: { sequence: number; hash: string } }>('audit verify');
  const kept = `${found.end.sequence}:${found.end.hash}`;
  expect(await session.done('audit verify')).toContain('Verified events');
  await session.done(`audit verify --expected ${kept}`);
  const database = new Database(join(session.registry.directory, 'entrepot.db'));
  database.run("update audit_events set actor = 'nobody' where sequence = 1");
  database.close();
  const broken = await session.cli('audit verify');
  expect(broken.code).toBe(1);
  expect(broken.err).toContain('The log is not whole: at event 1 (changed)');
});

test.each([
  ['audit list --since yesterday', '"yesterday" is no time'],
  ['audit list --outcome good', '--outcome is one of done, refused, failed'],
  ['audit export --format xml', '--format is one of jsonl, csv, syslog'],
])('%s is refused', async (line, sentence) => {
  const ran = await session.cli(line);
  expect({ code: ran.code, out: ran.out }).toEqual({ code: 2, out: '' });
  expect(ran.err).toContain(sentence);
});
