// What each client may do once it is known who asks: public and private repositories, readers, and mounts
// between repositories. The same checks for all of them.
import { expect } from 'bun:test';
import { TAG } from './access-clients.ts';
import { accessSuite } from './access-suite.ts';
import { WORDS } from './access-words.ts';
import { CLIENT_NAMES, type ClientName } from './client-names.ts';
import { type ClientSuite, describeClient } from './client-suite.ts';
import { heldImage, manifestStatus } from './registry-content.ts';

for (const name of CLIENT_NAMES) describeClient(name, (suite) => describeRights(name, suite));

function describeRights(name: ClientName, suite: ClientSuite): void {
  const access = accessSuite(name, suite);
  const { check, client, people, stranger, signedIn, pull, stock } = access;
  const { registry } = suite;
  const words = WORDS[name];
  const held = (repository: string) => heldImage(registry(), repository, TAG);
  /** A mount is the only POST of these clients that is answered so. */
  const mounts = (repository: string) =>
    registry().log().split(`POST /v2/${repository}/blobs/uploads/ 201 `).length - 1;

  check('pulls a public repository without signing in', async () => {
    await stock('open/app');
    await people().makePublic('open');
    await pull(stranger(), 'open/app');
    await access.pushRefused(stranger(), 'open/other');
    expect(await manifestStatus(registry(), 'open/other', TAG)).toBe(404);
  });

  check('is told to sign in for a private repository', async () => {
    await stock('private/app');
    expect(await access.pullRefused(stranger(), 'private/app')).toMatch(words.signInFirst);
  });

  check('finds no private repository of others', async () => {
    await stock('hidden/app');
    const heidi = await signedIn(await people().addUser('heidi'));
    expect(await access.pullRefused(heidi, 'hidden/app')).toMatch(words.unknown);
    expect(await access.pullRefused(heidi, 'hidden/absent')).toMatch(words.unknown);
  });

  check('pulls as a reader, and is refused a push', async () => {
    const account = await people().addUser('ivan');
    await people().grant({ kind: 'user', name: 'ivan' }, 'reader', 'read');
    await stock('read/app');
    const ivan = await signedIn(account);
    await pull(ivan, 'read/app');
    expect(await access.pushRefused(ivan, 'read/other')).toMatch(words.mayNotPush);
    expect(await manifestStatus(registry(), 'read/other', TAG)).toBe(404);
  });

  /** May read one, may write to the other, and knows nothing of the third. */
  async function mounter(user: string) {
    const account = await people().addUser(user);
    const [from, to, hidden] = [`${user}-from/app`, `${user}-to/app`, `${user}-hidden/app`];
    await people().grant({ kind: 'user', name: user }, 'reader', from);
    await people().grant({ kind: 'user', name: user }, 'writer', to);
    await stock(from);
    await stock(hidden);
    return { by: await signedIn(account), from, to, hidden };
  }

  if (client.copy !== undefined) {
    check('mounts layers from a repository that it may read', async () => {
      const { by, from, to } = await mounter('judy');
      await access.copy(by, { from, to });
      expect(mounts(to)).toBeGreaterThanOrEqual(2);
      expect((await held(to)).digest).toBe((await held(from)).digest);
    });

    check('copies nothing from where it may not read, or to where it may not push', async () => {
      const { by, from, to, hidden } = await mounter('kim');
      const unread = await access.copyRefused(by, { from: hidden, to });
      expect(unread.toLowerCase()).toMatch(/not found|no repository/);
      const elsewhere = { from, to: 'kim-else/app' };
      expect(await access.copyRefused(by, elsewhere)).toMatch(words.mayNotPush);
      expect(await manifestStatus(registry(), 'kim-else/app', TAG)).toBe(404);
    });
  }

  if (client.rename !== undefined) {
    check('mounts layers from a repository that it may read', async () => {
      const { by, from, to } = await mounter('judy');
      await pull(by, from);
      await access.pushAgain(by, { from, to });
      expect(mounts(to)).toBeGreaterThanOrEqual(1);
      await held(to);
    });

    check('sends layers that it may not mount', async () => {
      const { by, to, hidden } = await mounter('kim');
      // So that the client knows where the layers are, and asks for them.
      await pull(access.administrator(), hidden);
      await access.pushAgain(by, { from: hidden, to });
      expect(mounts(to)).toBe(0);
      await held(to);
    });

    check('is refused a push from a repository that it may read', async () => {
      const { by, from } = await mounter('leo');
      await pull(by, from);
      const refusal = access.pushAgain(by, { from, to: 'leo-else/app' });
      expect(String(await refusal.catch((error: unknown) => error))).toMatch(words.mayNotPush);
      expect(await manifestStatus(registry(), 'leo-else/app', TAG)).toBe(404);
    });
  }
}
