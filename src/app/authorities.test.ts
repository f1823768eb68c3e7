// How the file of authorities is read, and what is said of one that is not right.
import { beforeAll, expect, test } from 'bun:test';
import { createSuiteAuthority } from '../access/keyless/suite-certificates.ts';
import { parseAuthorities, withUsualAuthorities } from './authorities.ts';
import { ConfigurationError, loadConfiguration } from './configuration.ts';
import { showConfiguration } from './show-configuration.ts';

let first = '';
let second = '';
beforeAll(async () => {
  first = (await createSuiteAuthority()).certificate.trim();
  second = (await createSuiteAuthority()).certificate.trim();
});

function load(files: Readonly<Record<string, string>>) {
  const flags = { authorities: 'trusted.pem' };
  return loadConfiguration({
    flags,
    env: {},
    readFile: (path) => files[path],
    directory: '/place',
  });
}

function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(files);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

test('all certificates of the file count, whatever stands between them', () => {
  const text = `# of the company\n${first}\n\n# of the other one\n${second}\n`;
  const configuration = load({ '/place/trusted.pem': text });
  const path = '/place/trusted.pem';
  expect(configuration.authorities).toEqual({ path, certificates: [first, second] });
  expect(showConfiguration(configuration)).toMatch(
    /^authorities = \/place\/trusted\.pem +# --authorities$/m,
  );
});

test('a file without a certificate is refused, and one that holds a broken one', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  for (const text of ['', 'hello', key]) {
    expect(problemsOf({ '/place/trusted.pem': text })).toEqual([
      'authorities: /place/trusted.pem holds no certificate: it should have one or more of them as PEM, each between BEGIN CERTIFICATE and END CERTIFICATE.',
    ]);
  }
  const broken = `${first}\n${second.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')}`;
  expect(problemsOf({ '/place/trusted.pem': broken })).toEqual([
    'authorities: /place/trusted.pem: its certificate number 2 cannot be read.',
  ]);
  expect(problemsOf({})).toEqual(['authorities: There is no file /place/trusted.pem.']);
});

test('they come besides the usual ones', () => {
  expect(withUsualAuthorities([])).toBeUndefined();
  const together = parseAuthorities(withUsualAuthorities([first]) ?? '', 'both');
  expect(together.length).toBeGreaterThan(50);
  expect(together.at(-1)).toBe(first);
});
