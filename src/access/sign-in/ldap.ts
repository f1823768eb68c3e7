// Signing in with a name and password of a directory: the registry's own account finds the entry, then the
// directory itself is asked whether the password is right. Knows no users of this registry.
import type { Client, Entry, SearchOptions } from 'ldapts';
import { RegistryError } from '../../oci/errors.ts';
import { type ExternalAccount, emailOf } from './external-account.ts';
import { teamsOfGroups } from './groups.ts';
import { filled, isPasswordOf, isRefusal, orSeveral, unlessAbsent } from './ldap-answers.ts';
import { LDAP_LIMITS, type LdapLimits, withLdap } from './ldap-connection.ts';
import {
  attributeOf,
  firstText,
  groupNames,
  idAttributes,
  placeOfSubject,
  subjectOf,
  texts,
} from './ldap-entry.ts';
import type { LdapSettings } from './ldap-settings.ts';

/** Connections of sign-ins at one time. */
const CONNECTIONS = 16;
const LONGEST_NAME = 255;
const GROUPS_READ = 2_000;

export class LdapSignIn {
  readonly settings: LdapSettings;
  readonly #limits: LdapLimits;
  #connections = 0;

  constructor(settings: LdapSettings, limits: LdapLimits = LDAP_LIMITS) {
    this.settings = settings;
    this.#limits = limits;
  }

  /**
   * @returns undefined when name and password are not those of anybody there.
   * @throws RegistryError UNAVAILABLE when it cannot be asked, TOOMANYREQUESTS.
   */
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
      const name = found && firstText(attributeOf(found, this.settings.attributes.name));
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
      return await withLdap(this.settings, this.#limits, work);
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
    const name = firstText(attributeOf(entry, attributes.name));
    const email = emailOf(firstText(attributeOf(entry, attributes.email)));
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
      displayName: firstText(attributeOf(entry, attributes.displayName)) ?? name,
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
    if (groups === undefined) return groupNames(texts(attributeOf(entry, 'memberOf')));
    // The connection is the person's own now, who may not see all groups.
    await this.#bindOwn(client);
    const filter = filled(groups.filter, { name, dn: entry.dn });
    const options = { filter, attributes: ['1.1'], sizeLimit: GROUPS_READ };
    const found = await unlessAbsent(client.search(groups.base, { scope: 'sub', ...options }));
    return groupNames(found.map(({ dn }) => dn));
  }
}
