// The wiring of sign-in by OpenID Connect providers and a directory. Their libraries are loaded when
// somebody first comes that way: most registries have neither.

import { ANONYMOUS } from '../access/principal.ts';
import type { Seal } from '../access/seal.ts';
import type { ExternalAccounts } from '../access/sign-in/external-accounts.ts';
import type { LdapSettings } from '../access/sign-in/ldap-settings.ts';
import type { OidcSignIn } from '../access/sign-in/oidc.ts';
import type { OidcProviderSettings } from '../access/sign-in/oidc-provider.ts';
import type { PasswordsElsewhere } from '../access/sign-in/prove-password.ts';
import type { ExternalSignIn } from '../http/sign-in/external-sign-in.ts';
import type { Actor } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import { fetchTrusting, withUsualAuthorities } from './authorities.ts';
import type { AllCommands } from './commands.ts';
import { once } from './once.ts';

export interface ExternalSettings {
  readonly oidc: readonly OidcProviderSettings[];
  readonly ldap: LdapSettings | undefined;
}

/** `authorities`: certificates (PEM) to trust besides the usual ones. */
type TrustingSettings = ExternalSettings & { readonly authorities: readonly string[] };

export interface ExternalParts {
  readonly sql: Sql;
  readonly commands: Commands<AllCommands>;
  readonly seal: Seal;
  now(): number;
}

interface Loaded {
  readonly oidc: OidcSignIn;
  readonly accounts: ExternalAccounts;
}

/** @returns the role for browsers, and the one for passwords; undefined without a directory. */
export function composeExternalSignIn(
  parts: ExternalParts,
  settings: TrustingSettings,
): { external: ExternalSignIn; elsewhere: PasswordsElsewhere | undefined } {
  const loaded = once(() => load(parts, settings));
  const isAny = settings.oidc.length > 0 || settings.ldap !== undefined;
  const external: ExternalSignIn = {
    providers: settings.oidc.map(({ name, label }) => ({ name, label })),
    hasDirectory: settings.ldap !== undefined,
    async begin(provider, wish) {
      return (await loaded()).oidc.begin(provider, wish);
    },
    async finish(provider, answer) {
      return (await loaded()).accounts.finishOidc(provider, answer);
    },
    async stillStands(of) {
      return !isAny || (await (await loaded()).accounts.refresh(of)) === 'kept';
    },
  };
  if (settings.ldap === undefined) return { external, elsewhere: undefined };
  const elsewhere: PasswordsElsewhere = {
    method: 'ldap',
    async signIn(given, context) {
      const { name } = ANONYMOUS;
      const actor: Actor = { ...context, name, principal: name, credential: '' };
      const entered = await (await loaded()).accounts.signInWithLdap({ ...given, actor });
      return entered && { userId: entered.id };
    },
  };
  return { external, elsewhere };
}

async function load(
  parts: ExternalParts,
  { oidc, ldap, authorities }: TrustingSettings,
): Promise<Loaded> {
  const [{ OidcSignIn }, { LdapSignIn }, { ExternalAccounts }] = await Promise.all([
    import('../access/sign-in/oidc.ts'),
    import('../access/sign-in/ldap.ts'),
    import('../access/sign-in/external-accounts.ts'),
  ]);
  const { sql, commands, seal, now } = parts;
  const ca = withUsualAuthorities(authorities);
  const fetch = ca === undefined ? undefined : fetchTrusting(ca);
  const providers = new OidcSignIn({ providers: oidc, seal, now, fetch });
  // Its own file says which ones count for it, and no others.
  const directory = ldap && new LdapSignIn({ ...ldap, ca: ldap.ca ?? ca });
  const accounts = new ExternalAccounts({ sql, commands, seal, oidc: providers, ldap: directory });
  return { oidc: providers, accounts };
}
