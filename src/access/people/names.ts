// Names that people choose, and what may not be one: every text that comes into the tables of access is
// read here first. Errors say the rule.
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import { ACCESS_LIMITS } from './limits.ts';

/** They mean something else in addresses, in the log, in sign-ins or to clients. */
const RESERVED = new Set(
  `admin administrator anonymous anyone api auth entrepot everyone everybody health healthz help
  internal invitation invitations job jobs ldap login logout manage me metrics nobody oauth oauth2 oidc
  organisation organisations owner password private public registry robot robots root self session
  sessions settings sign-in sign-up signed-in signin signup static support system team teams token
  tokens user users v1 v2 well-known workload workloads`.split(/\s+/),
);

/** @throws RegistryError REQUEST_INVALID. `what`: such as `A user name`. */
function checkName(what: string, name: string): void {
  if (name.length > ACCESS_LIMITS.nameLength) {
    throw invalid(`${what} has at most ${ACCESS_LIMITS.nameLength} characters.`);
  }
  if (name.includes('/') || !isRepositoryName(name)) {
    throw invalid(
      `"${name}" cannot be used: ${what.toLowerCase()} has lower-case letters and digits, joined by . _ __ or -.`,
    );
  }
}

/** Of a user or an organisation: the namespace of that name is theirs. @throws RegistryError */
export function checkAccountName(name: string): void {
  checkName('A name', name);
  if (isReservedName(name)) throw invalid(`The name "${name}" is reserved. Choose another one.`);
}

function isReservedName(name: string): boolean {
  return RESERVED.has(name);
}

/** Of a team, robot, role or trust policy, whose names stand for themselves. @throws RegistryError */
export function checkPartName(
  what: 'team' | 'robot' | 'role' | 'trust policy',
  name: string,
): void {
  checkName(`The name of a ${what}`, name);
}

/** A namespace, a repository or '' for the root. @throws RegistryError REQUEST_INVALID */
export function checkPath(path: string): void {
  if (path === '' || isRepositoryName(path)) return;
  throw invalid(
    `"${path}" is not a path: write the name of a namespace or repository, or nothing for the root.`,
  );
}

/** Text for people, of one line. @throws RegistryError REQUEST_INVALID */
export function checkText(what: string, text: string, longest: number): void {
  if (text.length > longest) throw invalid(`${what} has at most ${longest} characters.`);
  if (/\p{Cc}/u.test(text)) throw invalid(`${what} is one line, without control characters.`);
}

/** @throws RegistryError REQUEST_INVALID */
export function checkDisplayName(text: string): void {
  checkText('A display name', text, ACCESS_LIMITS.displayNameLength);
}

/** Only the form: whether somebody reads it is another question. @throws RegistryError */
export function checkEmail(email: string | null): void {
  if (email === null) return;
  checkText('An e-mail address', email, ACCESS_LIMITS.emailLength);
  if (!isEmail(email)) {
    throw invalid('That is not an e-mail address: write one such as alice@example.org.');
  }
}

/** What `checkEmail` takes. */
export function isEmail(text: string): boolean {
  if (text.length > ACCESS_LIMITS.emailLength || /\p{Cc}/u.test(text)) return false;
  return /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(text);
}

export function invalid(sentence: string): RegistryError {
  return new RegistryError('REQUEST_INVALID', sentence);
}

export function conflict(sentence: string): RegistryError {
  return new RegistryError('CONFLICT', sentence);
}

export function notFound(sentence: string): RegistryError {
  return new RegistryError('NOT_FOUND', sentence);
}
