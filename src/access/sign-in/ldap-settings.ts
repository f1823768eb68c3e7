// What is set of the directory.
import type { EntryRules } from './external-account.ts';
import type { TeamRule } from './groups.ts';
import type { LdapAddress } from './ldap-connection.ts';

export interface LdapSettings extends LdapAddress {
  /** The account that searches; undefined: anybody may search there. */
  readonly bindDn: string | undefined;
  readonly bindPassword: string | undefined;
  /** Below it are the people. */
  readonly base: string;
  /** `{name}` stands for what was typed, escaped. */
  readonly filter: string;
  readonly attributes: {
    /** Undefined: the first of those that directories number their entries with. */
    readonly id: string | undefined;
    readonly name: string;
    readonly email: string;
    readonly displayName: string;
  };
  /** Undefined: the `memberOf` of the entry. `{dn}` and `{name}` stand for the person's. */
  readonly groups: { readonly base: string; readonly filter: string } | undefined;
  readonly teams: readonly TeamRule[];
  readonly rules: EntryRules;
}
