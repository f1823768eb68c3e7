// Going back from the command line: one tag, the tags of a path, what retention did.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instantOf, wayBackOf } from '../../src/cli/past-text.ts';
import { type CliSession, openCliSession } from '../../src/cli/suite-session.ts';
import { newName, pushImage } from './push.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession({ isPrivate: false });
});
afterAll(() => session.close());

async function pushThree(name: string): Promise<string[]> {
  const digests: string[] = [];
  for (const seed of ['one', 'two', 'three']) {
    const { digest } = await pushImage(session.registry.url, name, { reference: 'prod', seed });
    digests.push(digest);
  }
  return digests;
}

async function digestOfTag(name: string): Promise<unknown> {
  const rows = await session.json<{ name: string; digest: string }[]>(`tag list ${name}`);
  return rows.find((row) => row.name === 'prod')?.digest;
}

test('a tag goes back, a rehearsal leaves it, and what was done is undone as it says', async () => {
  const name = newName();
  const [one, two, three] = await pushThree(name);
  const dry = await session.cli(`rollback ${name}:prod --to=-2 --dry-run`);
  expect(dry.err).toContain(`${three} → ${one}`);
  expect(await digestOfTag(name)).toBe(three);
  const done = await session.cli(`rollback ${name}:prod`);
  expect(done.err).toContain(`${three} → ${two}`);
  expect(done.err).toContain(`entrepot rollback ${name}:prod`);
  expect(await session.json(`rollback ${name}:prod --to #1`)).toMatchObject({ to: one });
  expect(await session.json(`rollback ${name}:prod --to ${three}`)).toMatchObject({ to: three });
  await session.done(`tag delete ${name}:prod`);
  expect(await digestOfTag(name)).toBeUndefined();
  expect(await session.json(`rollback ${name}:prod`)).toMatchObject({ from: null, to: three });
  expect(await session.json(`tag set ${name}:prod ${two}`)).toMatchObject({ to: two });
  expect(await session.cli(`rollback ${name}:prod --to yesterday`)).toMatchObject({ code: 2 });
});

test('the tags of a path go back by a plan', async () => {
  const name = newName();
  const [one] = await pushThree(name);
  const [, , first] = await session.json<{ at: string }[]>(`tag history ${name}:prod`);
  const at = String(first?.at);
  const then = await session.json<{ tag: string; digest: string }[]>(`tag at ${name} ${at}`);
  const plan = await session.json<{ id: number }>(`plan restore ${name} ${at}`);
  expect(await session.done(`plan show ${plan.id}`)).toContain('ready');
  await session.done(`plan apply ${plan.id}`);
  expect(await digestOfTag(name)).toBe(then[0]?.digest);
  const undone = await session.done(`plan undo ${plan.id}`);
  expect(undone).toContain(`undo of ${plan.id}`);
  expect(await session.done(`plan list ${name}`)).toContain('restore');
  const next = await session.json<{ id: number }>(`plan restore ${name} ${at}`);
  await session.done(`plan drop ${next.id}`);
  expect(await session.cli(`plan apply ${next.id}`)).toMatchObject({ code: 1 });
  expect(one).toBeDefined();
});

test('retention is previewed, applied and undone', async () => {
  const name = newName();
  for (const reference of ['v1', 'v2', 'v3']) {
    await pushImage(session.registry.url, name, { reference, seed: reference });
  }
  const file = join(session.home, 'keep-one.yaml');
  writeFileSync(file, 'rules:\n  - keep: last-pushed\n    count: 1\n');
  const shown = await session.done(`retention preview ${name} --file ${file}`);
  expect(shown).toContain('2 tags disappear, 1 stays');
  expect(shown).toContain(`${name}:v1`);
  expect(shown).not.toContain(`${name}:v3`);
  expect(await session.done(`retention preview ${name} --file ${file} --all`)).toContain(
    `${name}:v3`,
  );
  await session.done(`retention set ${name} --file ${file}`);
  const run = await session.json<{ id: number; state: string }>(`retention run ${name} --yes`);
  expect(run.state).toBe('applied');
  expect(await session.json(`tag list ${name}`)).toHaveLength(1);
  await session.done(`plan undo ${run.id}`);
  expect(await session.json(`tag list ${name}`)).toHaveLength(3);
  expect(await session.json<unknown[]>(`retention runs ${name}`)).toHaveLength(3);
  // What came back is as old as it was: the same go again, and not the newest.
  const again = await session.done(`retention preview ${name}`);
  expect(again).toContain(`${name}:v1`);
  expect(again).toContain(`${name}:v2`);
  expect(again).not.toContain(`${name}:v3`);
}, 60_000);

test('a run of retention asks with its numbers, and does nothing without a yes', async () => {
  const name = newName();
  expect((await session.cli(`retention run ${name} --yes`)).err).toContain('No retention policy');
  for (const reference of ['v1', 'v2', 'v3']) {
    await pushImage(session.registry.url, name, { reference, seed: reference });
  }
  const file = join(session.home, 'keep-two.yaml');
  writeFileSync(file, 'rules:\n  - keep: last-pushed\n    count: 2\n');
  await session.done(`retention set ${name} --file ${file}`);
  const asked = await session.cli(`retention run ${name}`, { answers: ['no'] });
  expect(asked).toMatchObject({ code: 1 });
  expect(asked.err).toContain('1 tag disappears, 2 stay');
  expect(await session.json(`tag list ${name}`)).toHaveLength(3);
  const done = await session.cli(`retention run ${name}`, { answers: ['yes'] });
  expect(done.err).toContain('To undo it: entrepot plan undo');
  expect(await session.json(`tag list ${name}`)).toHaveLength(2);
  expect((await session.cli(`retention run ${name}`, { answers: [] })).err).toContain(
    'There is nothing to do.',
  );
}, 60_000);

test('times and places are read as people write them', () => {
  expect(instantOf('2026-11-01 12:00')).toBe('2026-11-01T12:00:00.000Z');
  expect(instantOf('2026-11-01')).toBe('2026-11-01T00:00:00.000Z');
  expect(instantOf('2026-11-01T12:00:30+01:00')).toBe('2026-11-01T11:00:30.000Z');
  for (const text of ['12', 'November', '2026-13-01', '2026-11-01 12:00 tomorrow']) {
    expect(instantOf(text)).toBeUndefined();
  }
  expect(wayBackOf('-2')).toBe(-2);
  expect(wayBackOf('#17')).toBe(17);
});
