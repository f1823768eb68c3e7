// That somebody was here shows in the lists of users and robots, whatever they showed.
import { expect } from 'bun:test';
import { SYSTEM as actor } from '../../src/metadata/audit.ts';
import { readRobot } from '../../src/metadata/robots.ts';
import { readUser } from '../../src/metadata/users.ts';
import { addAccessToken, addUser, basic } from '../support/people.ts';
import { onBothEngines } from './engines.ts';

onBothEngines(
  'last seen',
  ({ test, registry }) => {
    test('is noted of users and robots who came, and of nobody else', async () => {
      const { program, url } = registry();
      const { sql } = program.access.signIn;
      const alice = await addUser(registry(), { name: 'alice', password: 'a good long one' });
      const absent = await addUser(registry(), { name: 'absent', password: 'a good long one' });
      const robot = { path: 'alice', name: 'ci', description: '', expiresAt: null, actor };
      const id = await program.commands.run('createRobot', robot);
      const { secret } = await addAccessToken(registry(), { owner: { kind: 'robot', id } });
      const visit = (authorization: string) =>
        fetch(`${url}/token`, { headers: { Authorization: authorization } });
      await visit(basic('absent', 'a wrong long one'));
      await visit(basic('alice', 'a good long one'));
      await visit(basic('robot', secret));
      const isSeen = async () =>
        (await readUser(sql, alice))?.lastSeenAt != null &&
        (await readRobot(sql, id))?.lastSeenAt != null;
      // Ends with the limit of the test when it never happens.
      while (!(await isSeen())) await Bun.sleep(50);
      expect((await readUser(sql, absent))?.lastSeenAt).toBeNull();
    }, 20_000);
  },
  { isPrivate: true },
);
