// What a provider tells for the tokens that it gave: the rest of the claims, and again later what has changed.
import { type Configuration, fetchUserInfo, refreshTokenGrant } from 'openid-client';
import { type Claims, claimAt } from '../keyless/claims.ts';
import { accountOfClaims, lacksClaims } from './oidc-claims.ts';
import { isGrantRefused, signInError } from './oidc-errors.ts';
import type { OidcProviderSettings } from './oidc-provider.ts';

export type OidcRefresh =
  | {
      readonly kind: 'fresh';
      /** Undefined: the provider said nothing of groups. */
      readonly teams: readonly string[] | undefined;
      readonly refreshToken: string;
    }
  /** The provider ended it. */
  | { readonly kind: 'ended' };

/** @throws RegistryError UNAVAILABLE when the provider is away: nothing is known then. */
export async function refreshed(
  configuration: Configuration,
  settings: OidcProviderSettings,
  { subject, refreshToken }: { readonly subject: string; readonly refreshToken: string },
): Promise<OidcRefresh> {
  let tokens: Awaited<ReturnType<typeof refreshTokenGrant>>;
  try {
    tokens = await refreshTokenGrant(configuration, refreshToken);
  } catch (error) {
    if (isGrantRefused(error)) return { kind: 'ended' };
    throw signInError(settings, error);
  }
  // The old one may be used up: whatever fails from here on, the new one must be kept.
  const fresh = { kind: 'fresh', refreshToken: tokens.refresh_token ?? refreshToken } as const;
  // The answer to a refresh need not tell who it is for; the user's page of claims does.
  const known = {
    claims: { sub: subject, ...tokens.claims() },
    accessToken: tokens.access_token,
  };
  if (known.claims.sub !== subject) return { kind: 'ended' };
  try {
    const claims = await allClaims(configuration, settings, known);
    const isAsked = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const isTold = isAsked || claimAt(claims, settings.claims.groups) !== undefined;
    return { ...fresh, teams: isTold ? accountOfClaims(claims, settings).teams : undefined };
  } catch {
    return { ...fresh, teams: undefined };
  }
}

/** Many providers put little into the ID token, and the rest where it must be asked for. */
export async function allClaims(
  configuration: Configuration,
  settings: OidcProviderSettings,
  known: { readonly claims: Claims; readonly accessToken: string },
): Promise<Claims> {
  const isAskable = configuration.serverMetadata().userinfo_endpoint !== undefined;
  if (!isAskable || !lacksClaims(known.claims, settings)) return known.claims;
  const subject = String(known.claims.sub);
  const more = await fetchUserInfo(configuration, known.accessToken, subject);
  return { ...more, ...known.claims };
}
