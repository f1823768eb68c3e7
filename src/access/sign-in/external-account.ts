// A person as a provider or directory describes them, in words that are the same for all of these.
import { isEmail } from '../people/names.ts';

/** Where accounts come from: `oidc:NAME`, or the one directory. */
export type ExternalProvider = `oidc:${string}` | 'ldap';

export interface ExternalAccount {
  readonly provider: ExternalProvider;
  /** What the provider knows the account by, for ever; names and e-mails change hands. */
  readonly subject: string;
  /** As the provider spells it. */
  readonly name: string;
  readonly displayName: string;
  readonly email: string | undefined;
  /** The provider says that the address is theirs. */
  readonly isEmailVerified: boolean;
  /** `organisation/team`, as the rules make them of its groups. */
  readonly teams: readonly string[];
}

/** Who of a provider may come in. */
export interface EntryRules {
  /** Accounts are made at the first sign-in. */
  readonly allowSignUp: boolean;
  /** A verified e-mail joins the account to the user who has the same one. */
  readonly linkByEmail: boolean;
  /** Lower case; empty = any, and none is needed. */
  readonly emailDomains: readonly string[];
}

/** The name here: the part before an @, in lower case, with - for what a name cannot hold. */
export function userNameOf(name: string): string {
  const [local = ''] = name.split('@');
  return local
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, (run) => (/^(?:\.|__?|-+)$/.test(run) ? run : '-'))
    .replaceAll(/^[._-]+|[._-]+$/g, '');
}

/** '' for what is no address. */
export function domainOf(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 1 ? '' : email.slice(at + 1).toLowerCase();
}

/** What is no address of an e-mail counts as none: a provider may send anything. */
export function emailOf(text: string | undefined): string | undefined {
  return text !== undefined && isEmail(text) ? text : undefined;
}

/** As a person reads it: `the directory`, `"company"`. */
export function providerTitle(provider: ExternalProvider): string {
  return provider === 'ldap' ? 'the directory' : `"${provider.slice('oidc:'.length)}"`;
}
