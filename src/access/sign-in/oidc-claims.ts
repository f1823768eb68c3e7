// The claims of a provider as an account: which claim is what stands in the settings. Claims are what
// somebody else wrote: whatever is not of the form that is wanted counts as absent.
import { RegistryError } from '../../oci/errors.ts';
import { type Claims, claimAt } from '../keyless/claims.ts';
import { type ExternalAccount, emailOf } from './external-account.ts';
import { teamsOfGroups } from './groups.ts';
import type { OidcProviderSettings } from './oidc-provider.ts';

const LONGEST_TEXT = 255;

/** Whether the claims that the settings name are not all there: then the provider is asked for more. */
export function lacksClaims(
  claims: Claims,
  { claims: names, teams }: OidcProviderSettings,
): boolean {
  const wanted = [names.name, names.email, names.displayName];
  if (teams.length > 0) wanted.push(names.groups);
  return wanted.some((name) => claimAt(claims, name) === undefined);
}

/** @throws RegistryError DENIED when they do not say enough. */
export function accountOfClaims(claims: Claims, settings: OidcProviderSettings): ExternalAccount {
  const { claims: names, teams, name: provider } = settings;
  const subject = text(claims.sub);
  if (subject === undefined) throw new RegistryError('DENIED', `"${provider}" names no account.`);
  const name = text(claimAt(claims, names.name));
  const email = emailOf(text(claimAt(claims, names.email)));
  return {
    provider: `oidc:${provider}`,
    subject,
    name: name ?? '',
    displayName: text(claimAt(claims, names.displayName)) ?? name ?? '',
    email,
    // Some providers write flags as text.
    isEmailVerified: claims.email_verified === true || claims.email_verified === 'true',
    teams: teams.length === 0 ? [] : teamsOf(claims, settings),
  };
}

function teamsOf(claims: Claims, { claims: names, teams, name }: OidcProviderSettings): string[] {
  const found = claimAt(claims, names.groups);
  if (found === undefined && claimAt(claims, '_claim_names')) {
    // Too many groups for a token: it points elsewhere, and "none" would take rights away.
    const message = `"${name}" did not name all groups of this account, because there are too many. An administrator of the provider can limit which ones it sends.`;
    throw new RegistryError('DENIED', message);
  }
  const list = Array.isArray(found) ? found : [found];
  const groups = list.filter((group): group is string => typeof group === 'string');
  return teamsOfGroups(groups, teams, { ignoreCase: false });
}

function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clean = value.replaceAll(/\p{Cc}/gu, ' ').trim();
  return clean === '' || clean.length > LONGEST_TEXT ? undefined : clean;
}
