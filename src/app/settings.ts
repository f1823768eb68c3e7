// Every setting, once: its name, what it is for, its default, and how its value is read (zod). The flag,
// the variable and the key of the file follow from the name: `tls-cert` is --tls-cert, ENTREPOT_TLS_CERT
// and `tls-cert:`. The JSON schema and the tables of the documentation are made from here.
import { z } from 'zod';
import type { SecondFactorRule } from '../http/api/api-parts.ts';
import { LIMITS } from '../oci/limits.ts';
import type { MissingParts } from '../registry/put-manifest.command.ts';
import {
  parseAllowedHost,
  parseRequestLimits,
  parseRetention,
  parseSessionTime,
  parseTokenLifetime,
} from './access-settings.ts';
import {
  FEWEST_HISTORY_DAYS,
  MOST_HISTORY_DAYS,
  MOST_ROWS_A_SECOND,
  parseHistoryDays,
  parseRowRate,
  parseShare,
} from './collection-settings.ts';
import { DEFAULT_LOG, formatLog, LOG_FORMATS, LOG_LEVELS, parseLog } from './log-setting.ts';
import { textOf } from './setting-text.ts';
import {
  formatDuration,
  parseBoolean,
  parseDuration,
  parseListen,
  parseNetwork,
  parsePathPrefix,
  parsePublicUrl,
  SettingProblem,
} from './setting-values.ts';
import { ldapSetting, oidcSetting } from './sign-in-settings.ts';
import { parseBlobs, parseDatabase, parsePercent, parseRate } from './storage-settings.ts';

/** Who must have a second factor to manage anything. */
export const SECOND_FACTOR_RULES = [
  'nobody',
  'administrators',
  'everyone',
] as const satisfies readonly SecondFactorRule[];

/** What is done with content that names parts which the repository does not hold. */
export const MISSING_PARTS = [
  'refuse',
  'index-children',
  'any',
] as const satisfies readonly MissingParts[];

function choiceOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, { error: `It must be one of ${words.join(', ')}.` });
}

const path = textOf((text) => {
  if (text.includes('\0')) throw new SettingProblem('A path holds no NUL.');
  return text;
});
const networks = z.union([
  textOf((text) => text.split(',').map((part) => parseNetwork(part.trim()))),
  z.array(textOf(parseNetwork)),
]);
const hosts = z.union([
  textOf((text) => text.split(',').map((part) => parseAllowedHost(part.trim()))),
  z.array(textOf(parseAllowedHost)),
]);
const log = z.union([
  textOf(parseLog),
  z
    .strictObject({
      level: choiceOf(LOG_LEVELS).default(DEFAULT_LOG.level),
      format: choiceOf(LOG_FORMATS).default(DEFAULT_LOG.format),
      access: z.boolean({ error: 'It must be true or false.' }).default(DEFAULT_LOG.access),
    })
    .describe('The same in keys of their own.'),
]);
/** In the file it may be a number. */
const rowRate = z.union([textOf(parseRowRate), z.int().min(0).max(MOST_ROWS_A_SECOND)]);
const share = z.union([textOf(parseShare), z.number().min(0).max(100)]);
const historyDays = z.union([
  textOf(parseHistoryDays),
  z.literal(0),
  z.int().min(FEWEST_HISTORY_DAYS).max(MOST_HISTORY_DAYS),
]);
const percent = z.union([textOf(parsePercent), z.number().min(0).max(50)]);
const choice = z.union([z.boolean({ error: 'It must be true or false.' }), textOf(parseBoolean)]);

export interface SettingFacts {
  readonly about: string;
  /** As a person would write it; undefined: not set. */
  readonly standard: string | undefined;
  readonly example: string;
  /** Never shown. */
  readonly secret?: true;
  /** A flag that takes no value. */
  readonly isSwitch?: true;
  /** Why it is not taken from the command line. */
  readonly noFlag?: string;
}

const SETTING_FACTS = {
  data: {
    about: 'The directory of everything that the registry keeps.',
    standard: './data',
    example: '/var/lib/entrepot',
  },
  listen: {
    about: 'Where the server listens, host:port. Port 0 takes any free port.',
    standard: '127.0.0.1:5000',
    example: '0.0.0.0:443',
  },
  url: {
    about: 'The address that clients see, when it is not the one listened on (behind a proxy).',
    standard: undefined,
    example: 'https://registry.example.com',
  },
  'path-prefix': {
    about: 'A path before everything that is not /v2/: health, metrics, the page.',
    standard: undefined,
    example: '/registry',
  },
  database: {
    about:
      'sqlite: (a file in the data directory), sqlite:/path, or postgres://user:password@host/database.',
    standard: 'sqlite:',
    example: 'postgres://entrepot@db.example.com/entrepot',
  },
  blobs: {
    about: 'file: (a folder of the data directory) or file:/path. s3: is not supported yet.',
    standard: 'file:',
    example: 'file:/mnt/blobs',
  },
  tls: {
    about:
      'auto: serve HTTPS with a certificate of an authority of its own, kept in the data directory.',
    standard: 'off',
    example: 'auto',
  },
  'tls-cert': {
    about: 'The certificate (PEM, with its chain) to serve HTTPS with. A renewed one is picked up.',
    standard: undefined,
    example: '/etc/entrepot/tls.crt',
  },
  'tls-key': {
    about: 'The private key of tls-cert (PEM).',
    standard: undefined,
    example: '/etc/entrepot/tls.key',
  },
  'insecure-listen': {
    about: 'Listen beyond this machine without TLS and without a trusted proxy.',
    standard: 'false',
    example: 'true',
    isSwitch: true,
  },
  'trusted-proxies': {
    about:
      'Addresses and networks of proxies whose Forwarded and X-Forwarded-* headers are believed.',
    standard: undefined,
    example: '10.0.0.0/8,fd00::/8',
  },
  'key-file': {
    about: 'A file with the key that seals secrets in the database.',
    standard: undefined,
    example: '/etc/entrepot/key',
  },
  'admin-password': {
    about: 'The first password of the administrator.',
    standard: undefined,
    example: 'a long sentence',
    secret: true,
    noFlag: 'every user of this machine can read the command line of a process',
  },
  oidc: {
    about:
      'Providers of OpenID Connect to sign in at, a list (as JSON in the variable). See sign-in.md.',
    standard: undefined,
    example: '[{"name":"company","issuer":"https://login.example.com","client-id":"entrepot"}]',
    noFlag: 'it may hold secrets, and every user of this machine can read the command line',
  },
  ldap: {
    about: 'A directory to sign in with (as JSON in the variable). See sign-in.md.',
    standard: undefined,
    example: '{"url":"ldaps://directory.example.com","base":"ou=people,dc=example,dc=com"}',
    noFlag: 'it may hold secrets, and every user of this machine can read the command line',
  },
  log: {
    about: `Level (${LOG_LEVELS.join(', ')}), then format=auto, json or text, and access=on or off.`,
    standard: formatLog(DEFAULT_LOG),
    example: 'debug,format=json,access=off',
  },
  'missing-parts': {
    about:
      'Manifests whose parts are not there: refuse them, accept indexes without their children, or any.',
    standard: 'refuse',
    example: 'index-children',
  },
  'upload-age': {
    about: 'How long an upload that nobody continues is kept.',
    standard: formatDuration(LIMITS.uploadAgeMs),
    example: '12h',
  },
  'scrub-rate': {
    about:
      'Bytes a second that are read in the background to see whether what is stored is still whole, such as 8MiB; off: only when asked for. See doctor.md.',
    standard: '8MiB',
    example: '32MiB',
  },
  'collection-grace': {
    about:
      'How long a blob that no manifest names stays, such as one just pushed; counted anew when somebody asks for it or pushes it again. See cleanup.md.',
    standard: '24h',
    example: '48h',
  },
  'collect-rate': {
    about:
      'Rows a second that garbage collection takes away, beside pushes and pulls. 0: as fast as it goes.',
    standard: '500',
    example: '2000',
  },
  'trash-share': {
    about:
      'Percent of the disk that history and trash may take: beyond it the oldest goes before its time, and that is said. 0: no limit but time.',
    standard: '20',
    example: '30',
  },
  'history-events-days': {
    about:
      'How many days the moves of a tag stay in its history, at least as long as what was deleted can be restored. What a tag was within that time is known to the end. 0: for ever. See versions.md.',
    standard: '400',
    example: '1000',
  },
  'min-free-disk': {
    about: 'Percent of the disk below which pushes are refused; pulls go on. 0: until it is full.',
    standard: '5',
    example: '10',
  },
  'token-lifetime': {
    about:
      'How long a bearer token of the token service counts. What its holder may is asked with each request.',
    standard: '5m',
    example: '10m',
  },
  'access-grace': {
    about: 'How long what was checked of access counts while the database cannot be asked.',
    standard: '60s',
    example: '5m',
  },
  'require-second-factor': {
    about:
      'Who may do nothing in the management API before they have a second factor: nobody, administrators (what only they may), or everyone (managing too).',
    standard: 'nobody',
    example: 'administrators',
  },
  'session-idle': {
    about: 'How long a browser stays signed in without being used, at most 30d.',
    standard: '7d',
    example: '30m',
  },
  'session-life': {
    about: 'How long a browser stays signed in at most, used or not; at most 30d.',
    standard: '30d',
    example: '12h',
  },
  'request-limit': {
    about:
      'Requests a second, and at once, of each user, robot or pipeline, and of each address that has not signed in.',
    standard: undefined,
    example: 'signed-in=200:2000,anonymous=20:200',
  },
  'allowed-hosts': {
    about:
      'Host names, addresses and networks that owners of namespaces may name although they are not public.',
    standard: undefined,
    example: 'gitlab.corp.example,10.1.0.0/16',
  },
  authorities: {
    about:
      'A file with certificates (PEM) of authorities to trust besides the usual ones: of issuers of trust policies, of providers and the directory to sign in by.',
    standard: undefined,
    example: '/etc/entrepot/authorities.pem',
  },
  'metrics-listen': {
    about:
      'An address of its own for /metrics, /livez and /readyz, where nobody need sign in for them.',
    standard: undefined,
    example: '127.0.0.1:9090',
  },
  'metrics-token': {
    about: 'A bearer token that may read /metrics. Without it an administrator must sign in.',
    standard: undefined,
    example: 'a long random text',
    secret: true,
    noFlag: 'every user of this machine can read the command line of a process',
  },
  'audit-retention': {
    about: 'How long the audit log is kept; forever keeps all of it.',
    standard: '365d',
    example: 'forever',
  },
  'audit-pulls': {
    about: 'Puts each pull of a manifest on record too.',
    standard: 'false',
    example: 'true',
    isSwitch: true,
  },
} as const satisfies Readonly<Record<string, SettingFacts>>;

export type SettingName = keyof typeof SETTING_FACTS;
export const SETTING_NAMES = Object.keys(SETTING_FACTS) as readonly SettingName[];

export function factsOf(name: SettingName): SettingFacts {
  return SETTING_FACTS[name];
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTING_FACTS, name);
}

export function variableOf(name: string): string {
  return `ENTREPOT_${name.replaceAll('-', '_').toUpperCase()}`;
}

function described<T extends z.ZodType>(name: SettingName, type: T) {
  const { about, standard, example } = factsOf(name);
  return type.optional().meta({
    description: standard === undefined ? about : `${about} Default: ${standard}.`,
    examples: [example],
  });
}

/** Of the file; flags and variables go through it as well, as text. */
export const settingsSchema = z.strictObject({
  data: described('data', path),
  listen: described('listen', textOf(parseListen)),
  url: described('url', textOf(parsePublicUrl)),
  'path-prefix': described('path-prefix', textOf(parsePathPrefix)),
  database: described('database', textOf(parseDatabase)),
  blobs: described('blobs', textOf(parseBlobs)),
  tls: described('tls', choiceOf(['auto', 'off'])),
  'tls-cert': described('tls-cert', path),
  'tls-key': described('tls-key', path),
  'insecure-listen': described('insecure-listen', choice),
  'trusted-proxies': described('trusted-proxies', networks),
  'key-file': described('key-file', path),
  'admin-password': described(
    'admin-password',
    textOf((text) => text),
  ),
  oidc: described('oidc', oidcSetting),
  ldap: described('ldap', ldapSetting),
  log: described('log', log),
  'missing-parts': described('missing-parts', choiceOf(MISSING_PARTS)),
  'upload-age': described('upload-age', textOf(parseDuration)),
  'scrub-rate': described('scrub-rate', textOf(parseRate)),
  'collection-grace': described('collection-grace', textOf(parseDuration)),
  'collect-rate': described('collect-rate', rowRate),
  'trash-share': described('trash-share', share),
  'history-events-days': described('history-events-days', historyDays),
  'min-free-disk': described('min-free-disk', percent),
  'token-lifetime': described('token-lifetime', textOf(parseTokenLifetime)),
  'access-grace': described('access-grace', textOf(parseDuration)),
  'require-second-factor': described('require-second-factor', choiceOf(SECOND_FACTOR_RULES)),
  'session-idle': described('session-idle', textOf(parseSessionTime)),
  'session-life': described('session-life', textOf(parseSessionTime)),
  'request-limit': described('request-limit', textOf(parseRequestLimits)),
  'allowed-hosts': described('allowed-hosts', hosts),
  authorities: described('authorities', path),
  'metrics-listen': described('metrics-listen', textOf(parseListen)),
  'metrics-token': described(
    'metrics-token',
    textOf((text) => text),
  ),
  'audit-retention': described('audit-retention', textOf(parseRetention)),
  'audit-pulls': described('audit-pulls', choice),
} satisfies Record<SettingName, z.ZodType>);

export type SettingValues = z.output<typeof settingsSchema>;

/** The JSON schema of entrepot.yaml, for editors and for people; kept as docs/entrepot.schema.json. */
export function fileSchema(): string {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input' });
  return `${JSON.stringify({ title: 'entrepot.yaml: the settings of Entrepot', ...schema }, null, 2)}\n`;
}
