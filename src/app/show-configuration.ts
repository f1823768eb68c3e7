// The configuration in effect, for a person: every setting, its value without secrets, and where it is from.

import { formatRequestLimits, formatRetention } from './access-settings.ts';
import { showAddress } from './check-listening.ts';
import type { Configuration } from './configuration.ts';
import { formatLog } from './log-setting.ts';
import { formatDuration } from './setting-values.ts';
import { SETTING_NAMES, type SettingName } from './settings.ts';
import { showLdap, showOidc } from './sign-in-configuration.ts';
import { formatRate } from './storage-settings.ts';

const HIDDEN = '(hidden)';

/** A URL without its password, wherever it stands. */
export function withoutPassword(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) return HIDDEN;
  if (parsed.password !== '') parsed.password = 'hidden';
  for (const name of parsed.searchParams.keys()) {
    if (/password|secret|token|key/i.test(name)) parsed.searchParams.set(name, 'hidden');
  }
  return parsed.href;
}

const SHOWN: Readonly<Record<SettingName, (configuration: Configuration) => string | undefined>> = {
  data: ({ data }) => data,
  listen: ({ listen }) => showAddress(listen),
  url: ({ url }) => url,
  'path-prefix': ({ pathPrefix }) => pathPrefix || undefined,
  database: ({ database }) =>
    database.kind === 'sqlite' ? `sqlite:${database.path}` : withoutPassword(database.url),
  blobs: ({ blobs }) => `file:${blobs.path}`,
  tls: ({ tls }) => (tls.kind === 'auto' ? 'auto' : 'off'),
  'tls-cert': ({ tls }) => (tls.kind === 'files' ? tls.certificate : undefined),
  'tls-key': ({ tls }) => (tls.kind === 'files' ? tls.key : undefined),
  'insecure-listen': ({ insecureListen }) => String(insecureListen),
  'trusted-proxies': ({ trustedProxies }) => trustedProxies.join(',') || undefined,
  'key-file': ({ keyFile }) => keyFile,
  'admin-password': ({ adminPassword }) => (adminPassword === undefined ? undefined : HIDDEN),
  oidc: ({ oidc }) => showOidc(oidc),
  ldap: ({ ldap }) => showLdap(ldap),
  log: ({ log }) => formatLog(log),
  'missing-parts': ({ missingParts }) => missingParts,
  'upload-age': ({ uploadAgeMs }) => formatDuration(uploadAgeMs),
  'scrub-rate': ({ scrubRate }) => formatRate(scrubRate),
  'collection-grace': ({ collectionGraceMs }) => formatDuration(collectionGraceMs),
  'collect-rate': ({ collectRate }) => String(collectRate),
  'trash-share': ({ trashShare }) => String(trashShare),
  'history-events-days': ({ historyEventsDays }) => String(historyEventsDays),
  'min-free-disk': ({ minFreeDisk }) => String(minFreeDisk),
  'token-lifetime': ({ tokenLifetimeMs }) => formatDuration(tokenLifetimeMs),
  'access-grace': ({ accessGraceMs }) => formatDuration(accessGraceMs),
  'session-idle': ({ sessions }) => formatDuration(sessions.idleMs),
  'session-life': ({ sessions }) => formatDuration(sessions.lifeMs),
  'request-limit': ({ requestLimits }) => formatRequestLimits(requestLimits) || undefined,
  'allowed-hosts': ({ allowedHosts }) => allowedHosts.join(',') || undefined,
  authorities: ({ authorities }) => authorities?.path,
  'metrics-listen': ({ metricsListen }) => metricsListen && showAddress(metricsListen),
  'metrics-token': ({ metricsToken }) => (metricsToken === undefined ? undefined : HIDDEN),
  'audit-retention': ({ auditRetentionMs }) => formatRetention(auditRetentionMs),
  'require-second-factor': ({ secondFactorRule }) => secondFactorRule,
  'audit-pulls': ({ auditPulls }) => String(auditPulls),
};

/** `name = value   # source`, one setting a line, in the order of the documentation. */
export function showConfiguration(configuration: Configuration): string {
  const rows = SETTING_NAMES.map((name) => {
    const value = SHOWN[name](configuration);
    const source = configuration.sources.get(name) ?? 'not set';
    return { left: `${name} = ${value ?? '(none)'}`, source };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, source }) => `${left.padEnd(width)}  # ${source}\n`).join('');
}
