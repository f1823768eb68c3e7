// The configuration of a server: parsed once, complete, and never read again from anywhere else.
// Pure but for the injected readFile.
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import type { LdapSettings } from '../access/sign-in/ldap-settings.ts';
import type { OidcProviderSettings } from '../access/sign-in/oidc-provider.ts';
import {
  SESSION_IDLE_MS,
  SESSION_LIFE_MS,
  type SessionTimes,
} from '../access/sign-in/session-times.ts';
import type { RequestLimitSettings } from '../http/access/request-limits.ts';
import type { SecondFactorRule } from '../http/api/api-parts.ts';
import type { MissingParts } from '../registry/put-manifest.command.ts';
import { parseAuthorities } from './authorities.ts';
import {
  baseOf,
  type ConfigurationSources,
  gatherSettings,
  placeOf,
  type RawSetting,
} from './configuration-sources.ts';
import type { LogSetting } from './log-setting.ts';
import { suggestion } from './nearest-name.ts';
import type { ListenAddress } from './setting-values.ts';
import { type SettingName, type SettingValues, settingsSchema } from './settings.ts';
import { completeLdap, completeOidc, type ReadText } from './sign-in-configuration.ts';
import { SIGN_IN_KEYS } from './sign-in-settings.ts';

export type DatabaseConfiguration =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

export interface BlobsConfiguration {
  readonly kind: 'file';
  readonly path: string;
}

export type TlsConfiguration =
  | { readonly kind: 'off' }
  /** A certificate of our own authority, kept in `directory`. */
  | { readonly kind: 'auto'; readonly directory: string }
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string };

export interface AuthoritiesConfiguration {
  readonly path: string;
  /** PEM, each one for itself. */
  readonly certificates: readonly string[];
}

/** All paths are absolute. */
export interface Configuration {
  readonly data: string;
  readonly listen: ListenAddress;
  /** Without a slash at its end. Undefined: as the request says. */
  readonly url: string | undefined;
  /** `''`, or `/registry`, for everything but /v2/. */
  readonly pathPrefix: string;
  readonly database: DatabaseConfiguration;
  readonly blobs: BlobsConfiguration;
  readonly tls: TlsConfiguration;
  readonly insecureListen: boolean;
  /** Addresses and CIDR blocks, checked. */
  readonly trustedProxies: readonly string[];
  readonly keyFile: string | undefined;
  readonly adminPassword: string | undefined;
  readonly oidc: readonly OidcProviderSettings[];
  readonly ldap: LdapSettings | undefined;
  readonly log: LogSetting;
  readonly missingParts: MissingParts;
  readonly uploadAgeMs: number;
  /** Bytes a second; 0 = off. */
  readonly scrubRate: number;
  /** Percent; 0 = pushes are taken until nothing fits any more. */
  readonly minFreeDisk: number;
  readonly collectionGraceMs: number;
  /** Rows a second; 0 = no limit. */
  readonly collectRate: number;
  /** Percent of the disk; 0 = no limit. */
  readonly trashShare: number;
  /** 0 = for ever. */
  readonly historyEventsDays: number;
  readonly tokenLifetimeMs: number;
  /** How long what was checked of access counts while the database is away. */
  readonly accessGraceMs: number;
  readonly sessions: SessionTimes;
  readonly requestLimits: RequestLimitSettings;
  readonly allowedHosts: readonly string[];
  /** Trusted besides the usual ones. */
  readonly authorities: AuthoritiesConfiguration | undefined;
  readonly metricsListen: ListenAddress | undefined;
  readonly metricsToken: string | undefined;
  /** 0 = for ever. */
  readonly auditRetentionMs: number;
  readonly auditPulls: boolean;
  readonly secondFactorRule: SecondFactorRule;
  /** Where each setting was given, as a person looks for it; `default` for the rest. */
  readonly sources: ReadonlyMap<SettingName, string>;
}

/** Everything that is wrong with the settings, a sentence each. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

interface Sentence {
  readonly keys: readonly PropertyKey[];
  readonly message: string;
}

/**
 * An issue of zod as sentences; of the branches of a union, the one that went deepest speaks.
 * `above`: the keys of the union, which the issues of its branches leave out.
 */
function sentencesOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): Sentence[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      keys: [...path, key],
      message: `"${key}" is not a part of ${path.map(String).join('.')}.${suggestion(key, ['level', 'format', 'access', ...SIGN_IN_KEYS])}`,
    }));
  }
  if (issue.code !== 'invalid_union') return [{ keys: path, message: issue.message }];
  const isWrongType = (one: z.core.$ZodIssue): boolean =>
    one.code === 'invalid_type' && one.path.length === 0;
  const branch = issue.errors.find((errors) => !errors.some(isWrongType));
  if (branch !== undefined) return branch.flatMap((one) => sentencesOf(one, path));
  return [{ keys: path, message: 'It is of a type that is not understood here.' }];
}

function parseValues(
  settings: ReadonlyMap<SettingName, RawSetting>,
  problems: string[],
): SettingValues {
  // A switch without a value means yes.
  const raw = Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));
  const result = settingsSchema.safeParse(raw);
  if (result.success) return result.data;
  for (const { keys, message } of result.error.issues.flatMap((issue) => sentencesOf(issue))) {
    const name = String(keys[0]);
    const origin = settings.get(name as SettingName)?.origin ?? 'default';
    problems.push(
      `${placeOf(name, origin, keys)}: ${typeof origin === 'object' ? `${name}: ` : ''}${message}`,
    );
  }
  return {};
}

function tlsOf(values: SettingValues, data: string, path: PathOf): TlsConfiguration | string {
  const certificate = path('tls-cert');
  const key = path('tls-key');
  if (certificate !== undefined && key !== undefined) {
    if (values.tls === 'auto') return 'Set either tls: auto, or tls-cert and tls-key.';
    return { kind: 'files', certificate, key };
  }
  if (certificate !== undefined) return 'tls-cert is set and tls-key is not: HTTPS needs both.';
  if (key !== undefined) return 'tls-key is set and tls-cert is not: HTTPS needs both.';
  return values.tls === 'auto' ? { kind: 'auto', directory: join(data, 'tls') } : { kind: 'off' };
}

type SignIn = Pick<Configuration, 'oidc' | 'ldap'>;

/** `readText`: with the name of the setting whose path it is. @returns sentences when a file is missing. */
function signInOf(
  values: SettingValues,
  readText: (name: SettingName, path: string) => string,
): SignIn | string[] {
  const problems: string[] = [];
  const attempt = <T>(name: 'oidc' | 'ldap', work: (readText: ReadText) => T): T | undefined => {
    try {
      return work((path) => readText(name, path));
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const { oidc = [], ldap } = values;
  const providers = attempt('oidc', (read) => completeOidc(oidc, read)) ?? [];
  const directory = ldap && attempt('ldap', (read) => completeLdap(ldap, read));
  return problems.length > 0 ? problems : { oidc: providers, ldap: directory };
}

/** @returns a sentence when its file is missing or holds no certificate. */
function authoritiesOf(
  path: string | undefined,
  readText: (path: string) => string,
): AuthoritiesConfiguration | undefined | string {
  if (path === undefined) return undefined;
  try {
    return { path, certificates: parseAuthorities(readText(path), path) };
  } catch (error) {
    return `authorities: ${error instanceof Error ? error.message : String(error)}`;
  }
}

type PathOf = (
  name: 'data' | 'tls-cert' | 'tls-key' | 'key-file' | 'authorities',
) => string | undefined;

/**
 * Reads, checks and completes the configuration.
 * @throws ConfigurationError naming every problem and its place.
 */
export function loadConfiguration(
  sources: Omit<ConfigurationSources, 'directory'> & { readonly directory?: string },
): Configuration {
  const directory = resolve(sources.directory ?? '.');
  const { settings, problems: found } = gatherSettings({ ...sources, directory });
  const problems = [...found];
  const values = parseValues(settings, problems);
  if (problems.length > 0) throw new ConfigurationError(problems);

  const from = (name: SettingName, path: string): string =>
    resolve(baseOf(settings.get(name)?.origin, directory), path);
  const pathOf: PathOf = (name) => {
    const path = values[name];
    return path === undefined ? undefined : from(name, path);
  };
  const {
    listen,
    database,
    blobs,
    log,
    'missing-parts': missingParts,
    'upload-age': uploadAgeMs,
    'scrub-rate': scrubRate,
    'min-free-disk': minFreeDisk,
    'collection-grace': collectionGraceMs,
    'collect-rate': collectRate,
    'trash-share': trashShare,
    'history-events-days': historyEventsDays,
    'token-lifetime': tokenLifetimeMs,
    'access-grace': accessGraceMs,
    'audit-retention': auditRetentionMs,
  } = values;
  const data = pathOf('data');
  const complete = {
    data,
    listen,
    database,
    blobs,
    log,
    missingParts,
    uploadAgeMs,
    scrubRate,
    minFreeDisk,
    collectionGraceMs,
    collectRate,
    trashShare,
    historyEventsDays,
    tokenLifetimeMs,
    accessGraceMs,
    auditRetentionMs,
  };
  if (!isComplete(complete)) throw new Error('a setting that has a default is not set');
  const tls = tlsOf(values, complete.data, pathOf);
  if (typeof tls === 'string') throw new ConfigurationError([tls]);
  const readText = (file: string): string => {
    const text = sources.readFile(file);
    if (text === undefined) throw new Error(`There is no file ${file}.`);
    return text;
  };
  const authorities = authoritiesOf(pathOf('authorities'), readText);
  if (typeof authorities === 'string') throw new ConfigurationError([authorities]);
  const signIn = signInOf(values, (name, path) => readText(from(name, path)));
  if (Array.isArray(signIn)) throw new ConfigurationError(signIn);
  return {
    ...complete,
    database:
      complete.database.kind === 'postgres'
        ? complete.database
        : {
            kind: 'sqlite',
            path:
              complete.database.path === undefined
                ? join(complete.data, 'entrepot.db')
                : from('database', complete.database.path),
          },
    blobs: {
      kind: 'file',
      path:
        complete.blobs.path === undefined
          ? join(complete.data, 'blobs')
          : from('blobs', complete.blobs.path),
    },
    url: values.url,
    pathPrefix: values['path-prefix'] ?? '',
    tls,
    insecureListen: values['insecure-listen'] ?? false,
    trustedProxies: values['trusted-proxies'] ?? [],
    keyFile: pathOf('key-file'),
    adminPassword: values['admin-password'],
    sessions: {
      idleMs: values['session-idle'] ?? SESSION_IDLE_MS,
      lifeMs: values['session-life'] ?? SESSION_LIFE_MS,
    },
    requestLimits: values['request-limit'] ?? NO_LIMITS,
    allowedHosts: values['allowed-hosts'] ?? [],
    authorities,
    metricsListen: values['metrics-listen'],
    metricsToken: values['metrics-token'],
    auditPulls: values['audit-pulls'] ?? false,
    secondFactorRule: values['require-second-factor'] ?? 'nobody',
    ...signIn,
    sources: new Map([...settings].map(([name, { origin }]) => [name, placeOf(name, origin)])),
  };
}

const NO_LIMITS: RequestLimitSettings = { signedIn: undefined, anonymous: undefined };

type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

function isComplete<T extends object>(values: T): values is T & Complete<T> {
  return Object.values(values).every((value) => value !== undefined);
}
