// The suite on a server in this process and on OpenLDAP, with TLS; and servers that do as they should not.
import { afterEach, describe, expect, test } from 'bun:test';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { startLdapjs } from '../../../test/support/ldapjs-directory.ts';
import { requires } from '../../../test/support/requires.ts';
import { slapdMissing, startSlapd } from '../../../test/support/slapd.ts';
import { describeLdap, ldapRefusal, ldapSettings } from './ldap.suite.ts';
import { LdapSignIn } from './ldap.ts';
import { withLdap } from './ldap-connection.ts';
import type { LdapSettings } from './ldap-settings.ts';

const GIVEN = { name: 'alice', password: 'right' };

describeLdap('a directory in this process', startLdapjs);

const missing = slapdMissing();
if (missing === undefined) {
  describeLdap('OpenLDAP', startSlapd, (directory) => {
    const signIn = (change: Partial<LdapSettings>) =>
      new LdapSignIn(ldapSettings(directory().url, change)).signIn(GIVEN);
    const localhost = (url: string) => url.replace('127.0.0.1', 'localhost');

    test('over TLS from the first byte, and after STARTTLS', async () => {
      const { url, secureUrl, ca } = directory();
      for (const at of [secureUrl, localhost(secureUrl)]) {
        expect(await signIn({ url: at, ca })).toMatchObject({ name: 'alice' });
      }
      for (const at of [url, localhost(url)]) {
        expect(await signIn({ url: at, startTls: true, ca })).toMatchObject({ name: 'alice' });
      }
    });

    test('a certificate that nobody vouches for is refused', async () => {
      const { url, secureUrl } = directory();
      expect((await ldapRefusal(signIn({ url: secureUrl }))).code).toBe('UNAVAILABLE');
      expect((await ldapRefusal(signIn({ url, startTls: true }))).code).toBe('UNAVAILABLE');
    });

    test('a certificate for another name is refused', async () => {
      const { url, secureUrl, ca } = directory();
      // The same machine by an address that the certificate does not name.
      const elsewhere = (at: string) => at.replace('127.0.0.1', '127.0.0.2');
      const direct = signIn({ url: elsewhere(secureUrl), ca });
      const started = signIn({ url: elsewhere(url), startTls: true, ca });
      for (const refused of [direct, started]) {
        expect((await ldapRefusal(refused)).code).toBe('UNAVAILABLE');
      }
    });
  });
} else {
  requires('slapd', false, missing)('OpenLDAP', () => {});
}

describe('a server that', () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server?.close();
  });

  /** Answers each chunk as `reply` says; keeps what it was told. */
  async function serve(reply: (socket: Socket, id: number) => void) {
    const heard: Buffer[] = [];
    let connections = 0;
    const made = createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        heard.push(chunk);
        // A short message: the form and its length, then the id in one byte.
        reply(socket, chunk[4] ?? 0);
      });
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const url = `ldap://127.0.0.1:${(made.address() as AddressInfo).port}`;
    const signIn = (change: Partial<LdapSettings> = {}) =>
      new LdapSignIn(ldapSettings(url, change), { stepMs: 100, totalMs: 200 }).signIn(GIVEN);
    return {
      url,
      signIn,
      heard: () => Buffer.concat(heard).toString('latin1'),
      connections: () => connections,
    };
  }

  /** An answer without text: `kind` 61 to a bind, 78 to STARTTLS; `code` 00 is yes. */
  const answerTo = (id: number, { kind, code = '00' }: { kind: string; code?: string }) =>
    Buffer.from(`300c0201${id.toString(16).padStart(2, '0')}${kind}070a01${code}04000400`, 'hex');

  test('never answers is given up, and the connection closed', async () => {
    const { signIn } = await serve(() => {});
    expect((await ldapRefusal(signIn())).code).toBe('UNAVAILABLE');
    const [socket] = sockets;
    if (socket !== undefined && !socket.closed) {
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect(socket?.closed).toBe(true);
  });

  test('is not there is said to be away', async () => {
    const { signIn } = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    expect((await ldapRefusal(signIn())).code).toBe('UNAVAILABLE');
  });

  const yes = { kind: '78' };
  type Reply = (socket: Socket, id: number) => unknown;
  test.each([
    [
      'says no to STARTTLS',
      (socket, id) => socket.write(answerTo(id, { ...yes, code: '02' })),
      false,
    ],
    ['hangs after STARTTLS', (socket, id) => socket.write(answerTo(id, yes)), true],
    ['closes at STARTTLS', (socket) => socket.destroy(), false],
    ['closes after STARTTLS', (socket, id) => socket.end(answerTo(id, yes)), true],
  ] as [string, Reply, boolean][])(
    '%s hears no password, and is not connected to again',
    async (_, reply, mayHearTls) => {
      let isFirst = true;
      const { signIn, heard, connections } = await serve((socket, id) => {
        if (isFirst) reply(socket, id);
        isFirst = false;
      });
      expect((await ldapRefusal(signIn({ startTls: true }))).code).toBe('UNAVAILABLE');
      expect(heard()).toContain('1.3.6.1.4.1.1466.20037');
      // The first bytes of TLS, or nothing at all.
      const rest = heard().split('1.3.6.1.4.1.1466.20037')[1] ?? '';
      expect(rest === '' || (mayHearTls && rest.startsWith('\u0016\u0003'))).toBe(true);
      expect(heard()).not.toContain('the password of the tests');
      expect(connections()).toBe(1);
    },
  );

  test('loses the connection is not sent the rest on another one', async () => {
    const { url, connections } = await serve((socket, id) =>
      socket.end(answerTo(id, { kind: '61' })),
    );
    const address = { url, startTls: false, ca: undefined };
    const lost = withLdap(address, { stepMs: 1_000, totalMs: 5_000 }, async (client) => {
      await client.bind('cn=a', 'first');
      while (client.isConnected) await Bun.sleep(1);
      await client.bind('cn=b', 'second');
    });
    expect(await lost.catch(String)).toContain('was lost');
    expect(connections()).toBe(1);
  });

  test('is slow cannot hold more than a few sign-ins', async () => {
    const { url, connections } = await serve(() => {});
    const ldap = new LdapSignIn(ldapSettings(url), { stepMs: 200, totalMs: 400 });
    const all = await Promise.all(
      Array.from({ length: 30 }, async () => (await ldapRefusal(ldap.signIn(GIVEN))).code),
    );
    expect(all.filter((code) => code === 'TOOMANYREQUESTS')).toHaveLength(14);
    expect(connections()).toBe(16);
  });
});
