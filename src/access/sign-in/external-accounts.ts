// Signing in with accounts of elsewhere, as the HTTP layer and the password sign-in use it: the answers of
// providers and of the directory, joined to users here. Holds no account and no group between requests.
import type { Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Sql } from '../../metadata/sql.ts';
import { type Identity, identitiesOf } from '../../metadata/user-identities.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Seal } from '../seal.ts';
import type { EnteredUser, ExternalAccountCommands } from './external-account.command.ts';
import type { EntryRules, ExternalAccount } from './external-account.ts';
import type { LdapSignIn } from './ldap.ts';
import type { OidcSignIn } from './oidc.ts';

export interface ExternalAccountsOptions {
  readonly sql: Sql;
  readonly commands: Commands<ExternalAccountCommands>;
  readonly seal: Seal;
  readonly oidc: Pick<OidcSignIn, 'finish' | 'refresh'>;
  readonly ldap: Pick<LdapSignIn, 'signIn' | 'lookUp' | 'settings'> | undefined;
}

export interface EnteredAccount extends EnteredUser {
  /** How, for the session: `oidc:NAME`, `ldap`. */
  readonly method: string;
}

/** `ended`: the provider no longer stands by the account; what was signed in with it must end. */
export type RefreshOutcome = 'kept' | 'ended';

/** A provider is not asked for the same account again sooner. */
const REFRESH_REST_MS = 60_000;

export class ExternalAccounts {
  readonly #options: ExternalAccountsOptions;

  constructor(options: ExternalAccountsOptions) {
    this.#options = options;
  }

  /**
   * The second half of a sign-in at a provider, or of a link when the first half asked for one; then
   * `signedIn` must be the same user as then.
   * @throws RegistryError of OidcSignIn.finish; DENIED, CONFLICT
   */
  async finishOidc(
    provider: string,
    answer: {
      readonly query: string;
      readonly state: string | undefined;
      readonly signedIn: number | undefined;
      readonly actor: Actor;
    },
  ): Promise<EnteredAccount & { readonly returnTo: string; readonly isLink: boolean }> {
    const { oidc, seal } = this.#options;
    const { account, rules, returnTo, linkTo, refreshToken } = await oidc.finish(provider, answer);
    if (linkTo !== undefined && linkTo !== answer.signedIn) {
      const message = 'Somebody else is signed in now than when this link was begun. Begin again.';
      throw new RegistryError('DENIED', message);
    }
    const entered = await this.#enter({
      account,
      rules,
      refreshToken: refreshToken === undefined ? null : seal.seal(refreshToken, purposeOf(account)),
      linkTo: linkTo ?? null,
      actor: answer.actor,
    });
    return { ...entered, returnTo, isLink: linkTo !== undefined };
  }

  /**
   * For those who have no password here: never ask it for a local user who has one.
   * @returns undefined when there is no directory, or it does not know name and password.
   * @throws RegistryError UNAVAILABLE, TOOMANYREQUESTS, DENIED, CONFLICT
   */
  async signInWithLdap(given: {
    readonly name: string;
    readonly password: string;
    readonly actor: Actor;
  }): Promise<EnteredAccount | undefined> {
    const { ldap } = this.#options;
    const account = await ldap?.signIn(given);
    if (ldap === undefined || account === undefined) return undefined;
    const { rules } = ldap.settings;
    return this.#enter({ account, rules, refreshToken: null, linkTo: null, actor: given.actor });
  }

  /**
   * For the rotation of a session or refresh token: asks the providers of a user for their groups.
   * A provider that is away changes nothing.
   */
  async refresh({
    user,
    method,
    actor,
  }: {
    readonly user: number;
    /** How the session was signed in: only its own provider can end it. */
    readonly method: string;
    readonly actor: Actor;
  }): Promise<RefreshOutcome> {
    const identities = await identitiesOf(this.#options.sql, user);
    const outcomes = await Promise.all(
      identities.map(async (identity) => ({
        outcome: await this.#refreshOne(identity, actor),
        isOwn: identity.provider === method,
      })),
    );
    const isExternal = method === 'ldap' || method.startsWith('oidc:');
    const own = outcomes.filter(({ isOwn }) => isOwn);
    // Unlinked, or all accounts at that provider ended.
    const isEnded = isExternal && own.every(({ outcome }) => outcome === 'ended');
    return isEnded ? 'ended' : 'kept';
  }

  async #refreshOne(identity: Identity, actor: Actor): Promise<RefreshOutcome> {
    const { provider, subject } = identity;
    if (identity.refreshToken === '') return 'ended';
    const isLdap = provider === 'ldap';
    if (isLdap ? this.#options.ldap === undefined : identity.refreshToken === null) return 'kept';
    const take = { provider, subject, restMs: REFRESH_REST_MS };
    if (!(await this.#options.commands.run('takeExternalRefresh', take))) return 'kept';
    try {
      return await (isLdap
        ? this.#refreshLdap(identity, actor)
        : this.#refreshOidc(identity, actor));
    } catch (error) {
      if (error instanceof RegistryError && error.code !== 'INTERNAL') return 'kept';
      throw error;
    }
  }

  async #refreshLdap({ provider, subject }: Identity, actor: Actor): Promise<RefreshOutcome> {
    const account = await this.#options.ldap?.lookUp(subject);
    // The directory is the whole truth about its people: who is gone there is in no team by its word.
    await this.#options.commands.run('refreshExternalAccount', {
      provider,
      subject,
      teams: account?.teams ?? [],
      refreshToken: account === undefined ? '' : null,
      actor,
    });
    return account === undefined ? 'ended' : 'kept';
  }

  async #refreshOidc(identity: Identity, actor: Actor): Promise<RefreshOutcome> {
    const { seal, oidc, commands } = this.#options;
    const { provider, subject } = identity;
    const refreshToken = seal.open(identity.refreshToken ?? '', purposeOf(identity));
    const name = provider.slice('oidc:'.length);
    const answer = await oidc.refresh(name, { subject, refreshToken });
    // A refused token may just be old: who signs in again has their groups, so they are left alone.
    const isEnded = answer.kind === 'ended';
    await commands.run('refreshExternalAccount', {
      provider,
      subject,
      teams: isEnded ? null : (answer.teams ?? null),
      refreshToken: isEnded ? '' : seal.seal(answer.refreshToken, purposeOf(identity)),
      actor,
    });
    return isEnded ? 'ended' : 'kept';
  }

  async #enter(entry: {
    readonly account: ExternalAccount;
    readonly rules: EntryRules;
    readonly refreshToken: string | null;
    readonly linkTo: number | null;
    readonly actor: Actor;
  }): Promise<EnteredAccount> {
    const user = await this.#options.commands.run('enterExternalAccount', entry);
    return { ...user, method: entry.account.provider };
  }
}

/** What a sealed refresh token is bound to. */
function purposeOf({ provider, subject }: { provider: string; subject: string }): string {
  return `provider-token:${provider}:${subject}`;
}
