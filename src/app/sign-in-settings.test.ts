// Providers and the directory in the settings: both ways of writing them, what is refused and where, and
// that no secret is shown.
import { describe, expect, test } from 'bun:test';
import { type Configuration, ConfigurationError, loadConfiguration } from './configuration.ts';
import { showConfiguration } from './show-configuration.ts';

const FILE = '/place/data/entrepot.yaml';

function load(yaml: string, files: Record<string, string> = {}, env = {}): Configuration {
  const known: Record<string, string> = { [FILE]: yaml, ...files };
  return loadConfiguration({
    flags: {},
    env,
    readFile: (path) => known[path],
    directory: '/place',
  });
}

function problemsOf(yaml: string, files: Record<string, string> = {}): readonly string[] {
  try {
    load(yaml, files);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const PROVIDER = `oidc:
  - name: company
    issuer: https://login.example.com
    client-id: entrepot
`;
const DIRECTORY = `ldap:
  url: ldaps://directory.example.com
  base: ou=people,dc=example,dc=com
`;

describe('oidc', () => {
  test('needs three keys, and makes no accounts unless it is told to', () => {
    expect(load(PROVIDER).oidc).toEqual([
      {
        name: 'company',
        label: 'company',
        issuer: 'https://login.example.com',
        clientId: 'entrepot',
        clientSecret: undefined,
        scopes: ['profile', 'email'],
        claims: {
          name: 'preferred_username',
          email: 'email',
          displayName: 'name',
          groups: 'groups',
        },
        teams: [],
        rules: { allowSignUp: false, linkByEmail: false, emailDomains: [] },
        offline: false,
      },
    ]);
  });

  test('takes all of it, in the file or as JSON in the variable', () => {
    const one = {
      name: 'company',
      label: 'Company',
      issuer: 'https://login.example.com/realms/x',
      'client-id': 'entrepot',
      'client-secret': 'hunter2',
      scopes: ['profile'],
      claims: { groups: 'realm_access.roles' },
      teams: [{ group: 'registry-*', team: 'acme/*' }],
      'allow-sign-up': true,
      'link-by-email': true,
      'email-domains': ['Example.com'],
      offline: true,
    };
    const [byVariable] = load('', {}, { ENTREPOT_OIDC: JSON.stringify([one]) }).oidc;
    expect(byVariable).toMatchObject({
      clientSecret: 'hunter2',
      claims: { name: 'preferred_username', groups: 'realm_access.roles' },
      rules: { allowSignUp: true, linkByEmail: true, emailDomains: ['example.com'] },
      offline: true,
    });
    // JSON is YAML too.
    expect(load(`oidc: ${JSON.stringify([one])}`).oidc[0]).toEqual(byVariable as never);
  });

  test('a secret in a file, beside the file of settings', () => {
    const yaml = `${PROVIDER}    client-secret-file: secret\n`;
    expect(load(yaml, { '/place/data/secret': 'hunter2\n' }).oidc[0]?.clientSecret).toBe('hunter2');
    expect(problemsOf(yaml)).toEqual(['oidc: There is no file /place/data/secret.']);
    expect(problemsOf(yaml, { '/place/data/secret': '\n' })[0]).toContain('is empty');
  });

  test.each([
    ['    client-secret: a\n    client-secret-file: b\n', 'line 6: oidc: Set client-secret or'],
    [
      '    clientid: a\n',
      'line 5: oidc: "clientid" is not a part of oidc.0. Did you mean "client-id"?',
    ],
    ['    offline: maybe\n', 'line 5: oidc: It must be true or false.'],
    ['    teams: [{group: a, team: b}]\n', 'line 5: oidc: "b" is not a team'],
    ['    teams: [{group: a, team: "b/*"}]\n', 'the group must hold one *'],
    ['  - {name: company, issuer: "https://b.example", client-id: x}\n', 'Two providers are named'],
    ['  - {name: "a/b", issuer: "https://b.example", client-id: x}\n', 'A name has lower-case'],
    ['  - {name: b, issuer: "http://b.example", client-id: x}\n', 'http is for this machine alone'],
    ['  - {name: b, issuer: "https://u:p@b.example", client-id: x}\n', 'has no user'],
  ])('%j is refused', (more, sentence) => {
    const problems = problemsOf(PROVIDER + more);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(sentence);
  });
});

describe('ldap', () => {
  test('needs an address and a base; STARTTLS is on unless it is turned off', () => {
    expect(load(DIRECTORY).ldap).toEqual({
      url: 'ldaps://directory.example.com',
      startTls: true,
      ca: undefined,
      bindDn: undefined,
      bindPassword: undefined,
      base: 'ou=people,dc=example,dc=com',
      filter: '(uid={name})',
      attributes: { id: undefined, name: 'uid', email: 'mail', displayName: 'cn' },
      groups: undefined,
      teams: [],
      rules: { allowSignUp: false, linkByEmail: false, emailDomains: [] },
    });
    expect(load(`${DIRECTORY}  start-tls: false\n`).ldap?.startTls).toBe(false);
  });

  test('the certificate and the password may stand in files', () => {
    const more = '  ca-file: ca.pem\n  bind-dn: cn=x\n  bind-password-file: /etc/password\n';
    const files = { '/place/data/ca.pem': 'PEM', '/etc/password': 'hunter2' };
    expect(load(DIRECTORY + more, files).ldap).toMatchObject({
      ca: 'PEM',
      bindPassword: 'hunter2',
    });
  });

  test.each([
    ['  bind-dn: cn=x\n', 'bind-dn needs bind-password'],
    ['  bind-password: x\n', 'they need bind-dn'],
    ['  filter: (uid=alice)\n', 'The filter must hold {name}.'],
    ['  filter: (uid={name}\n', 'is not a filter of LDAP'],
    ['  groups: {base: "ou=groups", filter: "(member=x)"}\n', 'must hold {dn} or {name}'],
    ['  atributes: {}\n', 'Did you mean "attributes"?'],
  ])('%j is refused', (more, sentence) => {
    const problems = problemsOf(DIRECTORY + more);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(sentence);
  });

  test.each(['directory.example.com', 'ldap://', 'ldaps://h/ou=people', 'ldap://u@h', 'https://h'])(
    '%s is not an address',
    (url) => {
      expect(problemsOf(`ldap: {url: "${url}", base: x}`)[0]).toContain('address of a directory');
    },
  );
});

test('shows where one signs in, and no secret', () => {
  const shown = showConfiguration(
    load(
      `${PROVIDER}    client-secret: hunter2\n${DIRECTORY}  bind-dn: cn=x\n  bind-password: hunter2\n`,
    ),
  );
  expect(shown).toContain('oidc = company (https://login.example.com, entrepot)');
  expect(shown).toContain('ldap = ldaps://directory.example.com, ou=people');
  expect(shown).not.toContain('hunter2');
});

test('a variable that is not JSON is refused without showing what is in it', () => {
  const run = (): unknown => load('', {}, { ENTREPOT_LDAP: '{"bind-password": hunter2' });
  expect(run).toThrow('As text it must be JSON.');
  expect(run).not.toThrow('hunter2');
});
