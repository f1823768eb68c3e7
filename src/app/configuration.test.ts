// Sources and their order, names that are not known, values and combinations that are refused.
import { describe, expect, test } from 'bun:test';
import { type Configuration, ConfigurationError, loadConfiguration } from './configuration.ts';
import { factsOf, SETTING_NAMES, variableOf } from './settings.ts';

interface Given {
  readonly flags?: Record<string, string | true>;
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function load({ flags = {}, env = {}, files = {} }: Given = {}): Configuration {
  return loadConfiguration({ flags, env, readFile: (path) => files[path], directory: '/place' });
}

function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const file = (text: string): Given => ({ files: { '/place/data/entrepot.yaml': text } });

describe('defaults', () => {
  test('need no decision', () => {
    const { sources, ...configuration } = load();
    expect(configuration).toEqual({
      data: '/place/data',
      listen: { host: '127.0.0.1', port: 5000 },
      url: undefined,
      pathPrefix: '',
      database: { kind: 'sqlite', path: '/place/data/entrepot.db' },
      blobs: { kind: 'file', path: '/place/data/blobs' },
      tls: { kind: 'off' },
      insecureListen: false,
      trustedProxies: [],
      keyFile: undefined,
      adminPassword: undefined,
      oidc: [],
      ldap: undefined,
      log: { level: 'info', format: 'auto', access: true },
      missingParts: 'refuse',
      uploadAgeMs: 86_400_000,
      scrubRate: 8 * 1024 * 1024,
      minFreeDisk: 5,
      collectionGraceMs: 24 * 60 * 60 * 1000,
      collectRate: 500,
      trashShare: 20,
      historyEventsDays: 400,
      tokenLifetimeMs: 300_000,
      accessGraceMs: 60_000,
      sessions: { idleMs: 604_800_000, lifeMs: 2_592_000_000 },
      requestLimits: { signedIn: undefined, anonymous: undefined },
      allowedHosts: [],
      authorities: undefined,
      metricsListen: undefined,
      metricsToken: undefined,
      auditRetentionMs: 31_536_000_000,
      auditPulls: false,
      secondFactorRule: 'nobody',
    });
    expect(new Set(sources.values())).toEqual(new Set(['default']));
  });

  test('every example of the documentation is accepted', () => {
    for (const name of SETTING_NAMES) {
      if (name === 'tls-cert' || name === 'tls-key') continue; // only together
      if (name === 'authorities') continue; // its file is read, see authorities.test.ts
      const { example, noFlag } = factsOf(name);
      const given =
        noFlag === undefined
          ? { flags: { [name]: example } }
          : { env: { [variableOf(name)]: example } };
      expect([name, problemsOf(given)]).toEqual([name, []]);
    }
  });
});

describe('sources', () => {
  test('flag before variable before file before default', () => {
    const files = {
      '/place/data/entrepot.yaml': 'listen: 127.0.0.1:3\nmissing-parts: any\nupload-age: 3h\n',
    };
    const configuration = load({
      flags: { listen: '127.0.0.1:1' },
      env: { ENTREPOT_LISTEN: '127.0.0.1:2', ENTREPOT_MISSING_PARTS: 'index-children' },
      files,
    });
    expect(configuration.listen.port).toBe(1);
    expect(configuration.missingParts).toBe('index-children');
    expect(configuration.uploadAgeMs).toBe(3 * 3_600_000);
    expect(configuration.sources.get('listen')).toBe('--listen');
    expect(configuration.sources.get('missing-parts')).toBe('ENTREPOT_MISSING_PARTS');
    expect(configuration.sources.get('upload-age')).toBe('/place/data/entrepot.yaml, line 3');
  });

  test('an empty variable, a null in the file and variables of the tests are not settings', () => {
    const env = { ENTREPOT_LISTEN: '', ENTREPOT_TEST_SKIPS: '/x', HOME: '/root' };
    expect(load({ env, ...file('url:\n') }).listen.port).toBe(5000);
  });

  test('the file is named by flag, by variable, or found in the data directory', () => {
    const files = {
      '/etc/a.yaml': 'upload-age: 1h',
      '/place/b.yaml': 'upload-age: 2h',
      '/srv/entrepot.yaml': 'upload-age: 3h',
    };
    expect(load({ flags: { config: '/etc/a.yaml' }, files }).uploadAgeMs).toBe(3_600_000);
    expect(load({ env: { ENTREPOT_CONFIG: 'b.yaml' }, files }).uploadAgeMs).toBe(2 * 3_600_000);
    expect(load({ env: { ENTREPOT_DATA: '/srv' }, files }).uploadAgeMs).toBe(3 * 3_600_000);
    expect(problemsOf({ flags: { config: '/none.yaml' } })).toEqual([
      'There is no file /none.yaml.',
    ]);
  });

  test('a file that was found cannot name another data directory, one that was named can', () => {
    expect(problemsOf(file('data: /elsewhere'))[0]).toContain('cannot name another one');
    const named = load({
      flags: { config: '/etc/a.yaml' },
      files: { '/etc/a.yaml': 'data: store' },
    });
    expect(named.data).toBe('/etc/store');
    expect(named.database).toEqual({ kind: 'sqlite', path: '/etc/store/entrepot.db' });
  });

  test('a file that cannot be read is named with the cause', () => {
    const readFile = (): string => {
      throw new Error('EACCES: permission denied');
    };
    const run = (): unknown =>
      loadConfiguration({ flags: {}, env: {}, readFile, directory: '/place' });
    expect(run).toThrow('/place/data/entrepot.yaml cannot be read: EACCES: permission denied.');
  });
});

describe('names that are not known', () => {
  test.each([
    ['--lisen is not a flag. Did you mean "--listen"?', { flags: { lisen: 'x' } }],
    [
      'ENTREPOT_LISTN is not a setting. Did you mean "ENTREPOT_LISTEN"?',
      { env: { ENTREPOT_LISTN: 'x' } },
    ],
    ['ENTREPOT_WHATEVER_IT_IS is not a setting.', { env: { ENTREPOT_WHATEVER_IT_IS: 'x' } }],
    [
      '/place/data/entrepot.yaml, line 2: "tls_cert" is not a setting. Did you mean "tls-cert"?',
      file('url: https://x\ntls_cert: /x'),
    ],
    [
      '/place/data/entrepot.yaml, line 3: log: "acess" is not a part of log. Did you mean "access"?',
      file('log:\n  level: warn\n  acess: false\n'),
    ],
  ] as [string, Given][])('%s', (sentence, given) => {
    expect(problemsOf(given)).toEqual([sentence]);
  });

  test('all problems are told at once', () => {
    expect(
      problemsOf({
        flags: { listen: 'x', nonsense: true },
        env: { ENTREPOT_UPLOAD_AGE: 'long', ENTREPOT_NONSENSE: '1' },
        ...file('missing-parts: some\n'),
      }),
    ).toHaveLength(5);
  });
});

describe('values', () => {
  test.each([
    ['listen', '[::1]:5000', { host: '::1', port: 5000 }],
    ['listen', 'localhost:0', { host: 'localhost', port: 0 }],
    ['listen', '0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
  ])('%s %s', (name, value, parsed) => {
    expect(load({ flags: { [name]: value } }).listen).toEqual(parsed);
  });

  test.each([
    ['listen', '5000', 'For this port write 127.0.0.1:5000.'],
    ['listen', ':5000', 'For this port write 127.0.0.1:5000.'],
    ['listen', '127.0.0.1:65536', 'is not an address to listen on'],
    ['listen', '::1:5000', 'is not an address to listen on'],
    ['listen', '[::zz]:1', 'is not an IPv6 address'],
    ['listen', '300.0.0.1:1', 'is neither an address nor a host name'],
    ['listen', 'a b:1', 'is not an address to listen on'],
    ['url', 'registry.example.com', 'is not a URL'],
    ['url', 'ftp://x', 'must begin with https:// or http://'],
    ['url', 'https://x/path', 'must end after the host'],
    ['url', 'https://u:p@x', 'A user or password has no place'],
    ['path-prefix', 'registry', 'is not a path'],
    ['path-prefix', '/a/../b', 'is not a path'],
    ['path-prefix', '/v2', 'belongs to the protocol'],
    ['database', 'mysql://x', 'is not a database'],
    ['database', 'sqlite::memory:', 'holds no path'],
    ['database', 'postgres://host', 'must name a host and a database'],
    ['blobs', 's3://bucket/prefix?endpoint=https://s3.example.com', 'not supported yet'],
    ['blobs', 's3://b', 'is not a bucket name'],
    ['blobs', 's3://bucket?endpont=x', '"endpont" is not known for s3'],
    ['blobs', 's3://bucket?endpoint=s3.example.com', 'is not an endpoint'],
    ['blobs', '/var/blobs', 'is not a place for blobs'],
    ['trusted-proxies', '10.0.0.0/33', 'is not an address or a network'],
    ['trusted-proxies', 'fd00::/129', 'is not an address or a network'],
    ['trusted-proxies', 'fe80::1%eth0', 'is not an address or a network'],
    ['trusted-proxies', '10.0.0.1,proxy', '"proxy" is not an address or a network'],
    ['tls', 'on', 'It must be one of auto, off.'],
    ['insecure-listen', 'maybe', 'is neither true nor false'],
    ['missing-parts', 'none', 'It must be one of refuse, index-children, any.'],
    ['upload-age', '24', 'is not a duration'],
    ['upload-age', '0h', 'is not a duration'],
    ['session-idle', '1m', 'A session is for 5m to 30d'],
    ['session-life', '31d', 'A session is for 5m to 30d'],
    ['log', 'inf', '"inf" is not a log level'],
    ['log', 'info,format=xml', '"xml" is not a log format'],
    ['log', 'info,colour=on', '"colour" is not a part of the log setting'],
    ['data', true, '--data needs a value'],
    ['admin-password', 'x', 'set ENTREPOT_ADMIN_PASSWORD'],
  ] as [string, string | true, string][])('--%s %s is refused', (name, value, sentence) => {
    const problems = problemsOf({ flags: { [name]: value } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`--${name}`);
    expect(problems[0]).toContain(sentence);
  });

  test('paths: of flags from where the command runs, of the file from its folder', () => {
    expect(load({ flags: { database: 'sqlite:x.db', blobs: 'file:y' } })).toMatchObject({
      database: { path: '/place/x.db' },
      blobs: { path: '/place/y' },
    });
    expect(load(file('database: sqlite:///srv/x.db\nblobs: file:y'))).toMatchObject({
      database: { path: '/srv/x.db' },
      blobs: { path: '/place/data/y' },
    });
  });

  test('networks as text and as a list', () => {
    const networks = ['10.0.0.0/8', 'fd00::/8', '192.0.2.1'];
    expect(load({ flags: { 'trusted-proxies': networks.join(', ') } }).trustedProxies).toEqual(
      networks,
    );
    const list = networks.map((network) => `  - ${network}\n`).join('');
    expect(load(file(`trusted-proxies:\n${list}`)).trustedProxies).toEqual(networks);
    expect(problemsOf(file('trusted-proxies:\n  - 10.0.0.1\n  - nonsense\n'))[0]).toStartWith(
      '/place/data/entrepot.yaml, line 3: trusted-proxies: "nonsense"',
    );
  });

  test('log as text and in keys', () => {
    const log = { level: 'debug', format: 'json', access: false } as const;
    expect(load({ flags: { log: 'debug,format=json,access=off' } }).log).toEqual(log);
    expect(load(file('log: { level: debug, format: json, access: false }')).log).toEqual(log);
    expect(load(file('log:\n  access: false')).log).toEqual({
      level: 'info',
      format: 'auto',
      access: false,
    });
    expect(problemsOf(file('log:\n  level: loud'))).toEqual([
      '/place/data/entrepot.yaml, line 2: log: It must be one of trace, debug, info, warn, error, fatal, silent.',
    ]);
    expect(problemsOf(file('log: {level: loud, fomat: json}'))[1]).toContain(
      'log: "fomat" is not a part of log. Did you mean "format"?',
    );
    expect(problemsOf(file('log: 7'))[0]).toContain('of a type that is not understood');
  });

  test('a file of the wrong form is refused with the line', () => {
    expect(problemsOf(file('listen: [::1'))[0]).toStartWith(
      '/place/data/entrepot.yaml, line 1: not valid YAML',
    );
    expect(problemsOf(file('url: https://x\nurl: https://y'))[0]).toContain(
      'line 2: not valid YAML',
    );
    expect(problemsOf(file('- a\n'))[0]).toContain('must hold settings');
    expect(problemsOf(file('url: &u https://x\nlisten: *u'))).toEqual([
      '/place/data/entrepot.yaml, line 2: aliases (*u) are not understood here: write the value out.',
    ]);
    expect(problemsOf(file('listen: 5000'))).toEqual([
      '/place/data/entrepot.yaml, line 1: listen: It must be text.',
    ]);
    expect(load(file('')).listen.port).toBe(5000);
  });
});

describe('TLS', () => {
  const pair = { 'tls-cert': 'a.crt', 'tls-key': 'a.key' };
  test('from files, both or none', () => {
    expect(load({ flags: pair }).tls).toEqual({
      kind: 'files',
      certificate: '/place/a.crt',
      key: '/place/a.key',
    });
    expect(problemsOf({ flags: { 'tls-cert': 'a' } })[0]).toContain('tls-key is not');
    expect(problemsOf({ flags: { 'tls-key': 'a' } })[0]).toContain('tls-cert is not');
  });
  test('of its own authority, or from files, not both', () => {
    expect(load({ flags: { tls: 'auto' } }).tls).toEqual({
      kind: 'auto',
      directory: '/place/data/tls',
    });
    expect(problemsOf({ flags: { ...pair, tls: 'auto' } })[0]).toContain('either tls: auto, or');
  });
});
