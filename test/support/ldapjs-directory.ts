// A directory server in this process, where no other can be had: it knows simple binds and searches. Names
// without a password are taken for nobody in particular, as the standard has it.
import { randomUUID } from 'node:crypto';
import ldapjs from 'ldapjs';
import { ADMIN, type Directory, SUFFIX } from './directory.ts';

type Entry = Record<string, string | string[]>;

const SCOPES: readonly string[] = ['base', 'one', 'sub'];

/** As the server writes them; ours have no spaces and lower case only. */
function plain(dn: { toString(): string }): string {
  return dn.toString().replaceAll(/\s*([,=])\s*/g, '$1');
}

export async function startLdapjs(): Promise<Directory> {
  const entries = new Map<string, Entry>();
  const server = ldapjs.createServer();

  server.bind('', (request, response, next) => {
    const dn = plain(request.dn);
    const password = dn === ADMIN.dn ? ADMIN.password : entries.get(dn)?.userPassword;
    if (request.credentials !== '' && request.credentials !== password) {
      return next(new ldapjs.InvalidCredentialsError());
    }
    response.end();
    // Only then does the server take the connection for theirs.
    next();
  });

  server.search('', (request, response, next) => {
    if (plain(request.connection.ldap.bindDN) === 'cn=anonymous') {
      return next(new ldapjs.InsufficientAccessRightsError());
    }
    const base = plain(request.dn);
    if (!entries.has(base)) return next(new ldapjs.NoSuchObjectError());
    const scope = SCOPES[Number(request.scope)] ?? String(request.scope);
    // The library loses attributes that were asked for with a capital letter: so all of them.
    response.attributes.push('*');
    let sent = 0;
    for (const [dn, entry] of entries) {
      const isWithin = scope === 'base' ? dn === base : dn === base || dn.endsWith(`,${base}`);
      const { userPassword: _, ...shown } = entry;
      const attributes = { ...shown, memberOf: groupsOf(entries, dn) };
      if (!isWithin || !request.filter.matches(attributes)) continue;
      sent += 1;
      if (request.sizeLimit > 0 && sent > request.sizeLimit) {
        return next(new ldapjs.SizeLimitExceededError());
      }
      response.send({ dn, attributes });
    }
    response.end();
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ldap://127.0.0.1:${server.address().port}`,
    put: async (dn, attributes) => {
      entries.set(dn, { ...attributes, entryUUID: randomUUID() });
    },
    remove: async (dn) => {
      entries.delete(dn);
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function groupsOf(entries: ReadonlyMap<string, Entry>, person: string): string[] {
  const all = [...entries].filter(([dn]) => dn.endsWith(SUFFIX));
  return all.filter(([, { member }]) => member?.includes(person)).map(([dn]) => dn);
}
