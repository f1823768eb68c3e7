// How answers of a directory are read that are not an entry: what is no fault, and what it says of passwords.
import {
  type Client,
  type Entry,
  Filter,
  InappropriateAuthError,
  InvalidCredentialsError,
  NoSuchObjectError,
  type SearchResult,
  SizeLimitExceededError,
  UnwillingToPerformError,
} from 'ldapts';

/** More than were asked for: it is not certain who that is, as with none. */
export function orSeveral(error: unknown): SearchResult {
  if (error instanceof SizeLimitExceededError) return { searchEntries: [], searchReferences: [] };
  throw error;
}

export async function unlessAbsent(search: Promise<SearchResult>): Promise<Entry[]> {
  try {
    return (await search).searchEntries;
  } catch (error) {
    // The place that was searched is not there: so nobody is there.
    if (error instanceof NoSuchObjectError) return [];
    throw error;
  }
}

/** What was typed goes in as text: nothing in it can be a part of the filter. */
export function filled(
  filter: string,
  values: { readonly name: string; readonly dn: string },
): string {
  return filter.replaceAll(/\{(name|dn)\}/g, (_, key: 'name' | 'dn') => Filter.escape(values[key]));
}

export async function isPasswordOf(
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
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof InvalidCredentialsError ||
    error instanceof InappropriateAuthError ||
    error instanceof UnwillingToPerformError
  );
}
