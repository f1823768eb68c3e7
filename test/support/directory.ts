// What the tests ask of a directory server, whichever one it is, and the tree that all of them begin with.

export const SUFFIX = 'dc=example,dc=com';
export const ADMIN = { dn: `cn=admin,${SUFFIX}`, password: 'the password of the tests' };
export const PEOPLE = `ou=people,${SUFFIX}`;
export const GROUPS = `ou=groups,${SUFFIX}`;

export interface Directory {
  readonly url: string;
  put(dn: string, attributes: Record<string, string | string[]>): Promise<void>;
  remove(dn: string): Promise<void>;
  stop(): Promise<void>;
}

export async function plantTree(directory: Directory): Promise<void> {
  await directory.put(SUFFIX, {
    objectClass: ['dcObject', 'organization'],
    o: 'example',
    dc: 'example',
  });
  for (const [dn, ou] of [
    [PEOPLE, 'people'],
    [GROUPS, 'groups'],
  ] as const) {
    await directory.put(dn, { objectClass: 'organizationalUnit', ou });
  }
}

export async function putPerson(
  directory: Directory,
  { uid, password, ...more }: { uid: string; password?: string; mail?: string; cn?: string },
): Promise<string> {
  const dn = `uid=${uid},${PEOPLE}`;
  await directory.put(dn, {
    objectClass: 'inetOrgPerson',
    uid,
    cn: uid,
    sn: uid,
    ...(password !== undefined && { userPassword: password }),
    ...more,
  });
  return dn;
}

export async function putGroup(
  directory: Directory,
  { cn, members }: { cn: string; members: string[] },
): Promise<string> {
  const dn = `cn=${cn},${GROUPS}`;
  await directory.put(dn, { objectClass: 'groupOfNames', cn, member: members });
  return dn;
}
