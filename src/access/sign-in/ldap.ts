// Signing in with a name and password of a directory: the registry's own account finds the entry, then the
// directory itself is asked whether the password is right. Knows no users of this registry.
import {
  type Client,
  type Entry,
  Filter,
  InappropriateAuthError,
  InvalidCredentialsError,
  NoSuchObjectError,
  type SearchOptions,
  type SearchResult,
  SizeLimitExceededError,
  UnwillingToPerformError,
} from 'ldapts';
import { RegistryError } from '../../oci/errors.ts';
import type { EntryRules, ExternalAccount, ExternalPasswords } from './external-account.ts';
import { type TeamRule, teamsOfGroups } from './groups.ts';
import { type LdapAddress, withLdap } from './ldap-connection.ts';
import {
  firstText,
  groupNames,
  idAttributes,
  placeOfSubject,
  subjectOf,
  texts,
} from './ldap-entry.ts';

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

/** Connections of sign-ins at one time. */
const CONNECTIONS = 16;
const LONGEST_NAME = 255;
const GROUPS_READ = 2_000;

export class LdapSignIn implements ExternalPasswords {
  readonly settings: LdapSettings;
  #connections = 0;

  constructor(settings: LdapSettings) {
    this.settings = settings;
  }

  async signIn({
    name,
    password,
  }: {
    readonly name: string;
    readonly password: string;
  }): Promise<ExternalAccount | undefined> {
    // A directory takes a name without a password for nobody in particular, and says yes.
    if (password === '' || name === '' || name.length > LONGEST_NAME) return undefined;
    return this.#ask(async (client) => {
      const entry = await this.#find(client, {
        filter: filled(this.settings.filter, { name, dn: '' }),
      });
      if (entry === undefined) return undefined;
      if (!(await isPasswordOf(client, { dn: entry.dn, password }))) return undefined;
      return this.#accountOf(client, entry);
    });
  }

  /**
   * The account as it is now, for groups between two sign-ins.
   * @returns undefined when the entry is there no more, or is none of those who may sign in.
   */
  async lookUp(subject: string): Promise<ExternalAccount | undefined> {
    const place = placeOfSubject(subject);
    return this.#ask(async (client) => {
      const found =
        'dn' in place
          ? await this.#find(client, { base: place.dn, scope: 'base', filter: '(objectClass=*)' })
          : await this.#find(client, place);
      const name = found && firstText(found[this.settings.attributes.name]);
      if (name === undefined) return undefined;
      // The filter says who may come in, and may have changed its mind about them.
      const entry = await this.#find(client, {
        filter: filled(this.settings.filter, { name, dn: '' }),
      });
      if (entry === undefined || subjectOf(entry, this.settings.attributes.id) !== subject) {
        return undefined;
      }
      return this.#accountOf(client, entry);
    });
  }

  async #ask<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#connections >= CONNECTIONS) {
      throw new RegistryError(
        'TOOMANYREQUESTS',
        'Too many sign-ins at once. Try again in a moment.',
      );
    }
    this.#connections += 1;
    try {
      return await withLdap(this.settings, work);
    } catch (cause) {
      if (cause instanceof RegistryError) throw cause;
      const message =
        'The directory that knows this account cannot be asked now. Try again in a moment.';
      throw new RegistryError('UNAVAILABLE', message, undefined, { cause });
    } finally {
      this.#connections -= 1;
    }
  }

  /** @returns undefined for none, and for more than one: it would not be certain who that is. */
  async #find(
    client: Client,
    search: SearchOptions & { base?: string },
  ): Promise<Entry | undefined> {
    const { base = this.settings.base, ...options } = search;
    const { id, name, email, displayName } = this.settings.attributes;
    const ids = idAttributes(id);
    await this.#bindOwn(client);
    const found = await unlessAbsent(
      client
        .search(base, {
          scope: 'sub',
          ...options,
          sizeLimit: 2,
          attributes: [...ids, name, email, displayName, 'memberOf'],
          explicitBufferAttributes: ids,
        })
        .catch(orSeveral),
    );
    return found.length === 1 ? found[0] : undefined;
  }

  async #bindOwn(client: Client): Promise<void> {
    const { bindDn, bindPassword } = this.settings;
    if (bindDn === undefined) return;
    try {
      await client.bind(bindDn, bindPassword);
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      throw new Error('the directory refuses ldap.bind-dn with ldap.bind-password', { cause });
    }
  }

  async #accountOf(client: Client, entry: Entry): Promise<ExternalAccount> {
    const { attributes, teams } = this.settings;
    const name = firstText(entry[attributes.name]);
    const email = firstText(entry[attributes.email]);
    const subject = subjectOf(entry, attributes.id);
    if (name === undefined || subject === undefined) {
      const lacking = name === undefined ? attributes.name : attributes.id;
      throw new Error(`the entry of a person in the directory has no ${lacking}`);
    }
    const groups = teams.length === 0 ? [] : await this.#groupsOf(client, { entry, name });
    return {
      provider: 'ldap',
      subject,
      name,
      displayName: firstText(entry[attributes.displayName]) ?? name,
      email,
      // The directory is the administrator's own: what it says of e-mails is true.
      isEmailVerified: email !== undefined,
      teams: teamsOfGroups(groups, teams, { ignoreCase: true }),
    };
  }

  async #groupsOf(
    client: Client,
    { entry, name }: { readonly entry: Entry; readonly name: string },
  ): Promise<string[]> {
    const { groups } = this.settings;
    if (groups === undefined) return groupNames(texts(entry.memberOf));
    // The connection is the person's own now, who may not see all groups.
    await this.#bindOwn(client);
    const filter = filled(groups.filter, { name, dn: entry.dn });
    const options = { filter, attributes: ['1.1'], sizeLimit: GROUPS_READ };
    const found = await unlessAbsent(client.search(groups.base, { scope: 'sub', ...options }));
    return groupNames(found.map(({ dn }) => dn));
  }
}

/** More than were asked for: it is not certain who that is, as with none. */
function orSeveral(error: unknown): SearchResult {
  if (error instanceof SizeLimitExceededError) return { searchEntries: [], searchReferences: [] };
  throw error;
}

async function unlessAbsent(search: Promise<SearchResult>): Promise<Entry[]> {
  try {
    return (await search).searchEntries;
  } catch (error) {
    // The place that was searched is not there: so nobody is there.
    if (error instanceof NoSuchObjectError) return [];
    throw error;
  }
}

/** What was typed goes in as text: nothing in it can be a part of the filter. */
function filled(filter: string, values: { readonly name: string; readonly dn: string }): string {
  return filter.replaceAll(/\{(name|dn)\}/g, (_, key: 'name' | 'dn') => Filter.escape(values[key]));
}

async function isPasswordOf(
  client: Client,
  { dn, password }: { readonly dn: string; readonly password: string },
): Promise<boolean> {
  try {
    await client.bind(dn, password);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Wrong, without a password, or locked: all one to who asks. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof InvalidCredentialsError ||
    error instanceof InappropriateAuthError ||
    error instanceof UnwillingToPerformError
  );
}
