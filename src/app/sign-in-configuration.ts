// The settings of signing in with accounts of elsewhere, completed: secrets and certificates are read from
// their files, once.
import type { LdapSettings } from '../access/sign-in/ldap-settings.ts';
import type { OidcProviderSettings } from '../access/sign-in/oidc-provider.ts';
import type { LdapSetting, OidcSetting } from './sign-in-settings.ts';

/** @returns the text of a file. @throws Error whose sentence says why not. */
export type ReadText = (path: string) => string;

export function completeOidc(setting: OidcSetting, readText: ReadText): OidcProviderSettings[] {
  return setting.map((one) => ({
    name: one.name,
    label: one.label ?? one.name,
    issuer: one.issuer,
    clientId: one['client-id'],
    clientSecret: secretOf(one['client-secret'], one['client-secret-file'], readText),
    scopes: one.scopes,
    claims: {
      name: one.claims.name,
      email: one.claims.email,
      displayName: one.claims['display-name'],
      groups: one.claims.groups,
    },
    teams: one.teams,
    rules: rulesOf(one),
    offline: one.offline,
  }));
}

export function completeLdap(setting: LdapSetting, readText: ReadText): LdapSettings {
  const { attributes } = setting;
  const ca = setting['ca-file'];
  return {
    url: setting.url,
    // Passwords cross the network: in the clear only where somebody says so.
    startTls: setting['start-tls'] ?? true,
    ca: ca === undefined ? undefined : readText(ca),
    bindDn: setting['bind-dn'],
    bindPassword: secretOf(setting['bind-password'], setting['bind-password-file'], readText),
    base: setting.base,
    filter: setting.filter,
    attributes: {
      id: attributes.id,
      name: attributes.name,
      email: attributes.email,
      displayName: attributes['display-name'],
    },
    groups: setting.groups,
    teams: setting.teams,
    rules: rulesOf(setting),
  };
}

function rulesOf(setting: Pick<LdapSetting, 'allow-sign-up' | 'link-by-email' | 'email-domains'>) {
  return {
    allowSignUp: setting['allow-sign-up'],
    linkByEmail: setting['link-by-email'],
    emailDomains: setting['email-domains'],
  };
}

function secretOf(
  given: string | undefined,
  file: string | undefined,
  readText: ReadText,
): string | undefined {
  if (file === undefined) return given;
  const secret = readText(file).replace(/\r?\n$/, '');
  if (secret === '') throw new Error(`${file} is empty: it should hold a secret.`);
  return secret;
}

export function showOidc(providers: readonly OidcProviderSettings[]): string | undefined {
  const shown = providers.map(({ name, issuer, clientId }) => `${name} (${issuer}, ${clientId})`);
  return shown.join(', ') || undefined;
}

export function showLdap(ldap: LdapSettings | undefined): string | undefined {
  return ldap && `${ldap.url}, ${ldap.base}`;
}
