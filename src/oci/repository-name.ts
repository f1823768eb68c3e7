// Repository names (distribution spec, "Pulling manifests").
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

declare const repositoryNameBrand: unique symbol;
export type RepositoryName = string & { readonly [repositoryNameBrand]: true };

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

export function isRepositoryName(text: string): text is RepositoryName {
  // The length is looked at first, so that the expression never runs on a long input.
  return text.length <= LIMITS.repositoryNameLength && NAME.test(text);
}

/** @throws RegistryError NAME_INVALID with the rule that is broken. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  if (text.length > LIMITS.repositoryNameLength) {
    throw new RegistryError(
      'NAME_INVALID',
      `A repository name has at most ${LIMITS.repositoryNameLength} characters; this one has ${text.length}.`,
    );
  }
  const hint = /[A-Z]/.test(text) ? ' Use lower case.' : '';
  throw new RegistryError(
    'NAME_INVALID',
    `"${text}" is not a repository name: write lower-case letters and digits, joined by . _ __ or -, in parts separated by /.${hint}`,
  );
}

/** The namespace that a repository lies in: `team/backend` for `team/backend/api`, '' for `alpine`. */
export function namespaceOf(name: RepositoryName): string {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}
