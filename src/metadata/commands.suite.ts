// What every driver promises of commands: each wholly or not at all, and none takes another's with it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { RegistryError } from '../oci/errors.ts';
import type { OpenedMetadata, OpenMetadata } from './metadata.suite.ts';
import { namespaces } from './suite.command.ts';

/** The namespaces that cases wrote. */
export async function written(opened: Pick<OpenedMetadata, 'sql'>): Promise<string[]> {
  const rows = await opened.sql.all(namespaces, {});
  return rows.map((row) => row.path).filter((path) => path !== '');
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error) => error,
  );
}

export function describeCommands(name: string, open: OpenMetadata): void {
  describe(name, () => {
    let opened: OpenedMetadata;
    beforeEach(async () => {
      opened = await open();
    }, 60_000);
    afterEach(() => opened.close());
    const write = (path: string, fail?: 'refusal' | 'mistake') =>
      opened.commands.run('writeNamespace', { path, ...(fail && { fail }) });

    test('one that fails takes nothing of another with it, wherever it stands among them', async () => {
      const asked = Array.from({ length: 60 }, (_, at) => ({
        path: `n${at}`,
        fail: at % 3 === 0 ? 'refusal' : at % 7 === 0 ? 'mistake' : undefined,
      })) as { path: string; fail: 'refusal' | 'mistake' | undefined }[];
      const ended = await Promise.allSettled(asked.map(({ path, fail }) => write(path, fail)));
      asked.forEach(({ fail }, at) => {
        expect(ended[at]?.status).toBe(fail === undefined ? 'fulfilled' : 'rejected');
      });
      const good = asked.filter(({ fail }) => fail === undefined).map(({ path }) => path);
      expect((await written(opened)).sort()).toEqual(good.sort());
    });

    test('one that the database refuses takes nothing of another with it', async () => {
      const ended = await Promise.allSettled([write('a'), write('a'), write('b'), write('a')]);
      const good = ended.filter((end) => end.status === 'fulfilled').length;
      expect(good).toBe(2);
      expect((await written(opened)).sort()).toEqual(['a', 'b']);
      expect(await write('c')).toBe('c');
    });

    test('a refusal keeps its code, sentence and detail', async () => {
      const error = await errorOf(write('x', 'refusal'));
      expect(error).toBeInstanceOf(RegistryError);
      const refusal = error as RegistryError;
      expect(refusal.code).toBe('DENIED');
      expect(refusal.message).toBe('This one is refused.');
      expect(refusal.detail).toEqual({ tags: ['a', 'b'] });
      expect(String(refusal.cause)).toContain('the cause');
    });

    test('any other error keeps its sentence and says where it came from', async () => {
      const error = await errorOf(write('x', 'mistake'));
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toBe('This one is a mistake.');
      expect((error as Error).stack).toContain('suite.command.ts');
    });

    test('an unknown name is a mistake of the caller, and the others go on', async () => {
      const unknown = opened.commands.run('nothing' as 'writeNamespace', { path: 'x' });
      const [error] = await Promise.all([errorOf(unknown), write('y')]);
      expect(String(error)).toContain('there is no command "nothing"');
      expect(await written(opened)).toEqual(['y']);
    });

    test('a read sees every command that was answered before it', async () => {
      for (let at = 0; at < 20; at += 1) {
        await write(`r${at}`);
        expect(await written(opened)).toHaveLength(at + 1);
      }
    });

    test('one that comes at any step after an answer is run', async () => {
      await write('first');
      for (let steps = 0; steps < 30; steps += 1) {
        await write(`before${steps}`);
        // The writer goes to rest a few steps after its last answer; none of them may be a trap.
        for (let step = 0; step < steps; step += 1) await undefined;
        await write(`after${steps}`);
      }
      expect(await written(opened)).toHaveLength(61);
    });

    test('closing answers all that were asked for', async () => {
      const asked = Array.from({ length: 50 }, (_, at) =>
        write(`c${at}`, at === 25 ? 'refusal' : undefined),
      );
      const ended = Promise.allSettled(asked);
      await opened.close();
      const good = (await ended).filter((end) => end.status === 'fulfilled').length;
      expect(good).toBe(49);
      expect(await errorOf(write('late'))).toBeInstanceOf(Error);
      opened = await open();
    });
  });
}
