// Which passwords may be chosen: a length (OWASP ASVS 2.1.1 and 2.1.2), and no rules of what it is made
// of; what everybody tries first is refused, and what is known of the user.
import { RegistryError } from '../../oci/errors.ts';
import { commonWordIn } from './common-passwords.ts';

/** Characters, as a person counts them. */
const SHORTEST_PASSWORD = 12;
/** Far below what is compared (`LONGEST_PASSWORD_BYTES`), whatever the characters. */
const LONGEST_PASSWORD = 128;
/** A name that is shorter than that stands in many good passwords by chance. */
const SHORTEST_TELLING = 4;

export interface PasswordOwner {
  readonly name: string;
  readonly email: string | null;
}

/** @throws RegistryError REQUEST_INVALID with the rule that is broken; never the password. */
export function checkNewPassword(password: string, owner: PasswordOwner): void {
  const text = password.normalize('NFKC');
  const { length } = [...text];
  if (length < SHORTEST_PASSWORD) {
    throw refused(`A password has at least ${SHORTEST_PASSWORD} characters.`);
  }
  if (length > LONGEST_PASSWORD) {
    throw refused(`A password has at most ${LONGEST_PASSWORD} characters.`);
  }
  if (isAboutOwner(text.toLowerCase(), owner)) {
    throw refused('The password is made of the user name or the e-mail address. Choose another.');
  }
  if (commonWordIn(text) !== undefined) {
    throw refused('That is one of the passwords that everybody tries first. Choose another.');
  }
}

/** It is one of them, with at most digits and signs around it. */
function isAboutOwner(text: string, { name, email }: PasswordOwner): boolean {
  const address = (email ?? '').toLowerCase();
  const [local = ''] = address.split('@');
  const bare = withoutEnds(text);
  return [name.toLowerCase(), local, address].some((known) => {
    const isTelling = withoutEnds(known).length >= SHORTEST_TELLING;
    return (known !== '' && text === known) || (isTelling && bare === withoutEnds(known));
  });
}

function withoutEnds(text: string): string {
  return text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
}

function refused(sentence: string): RegistryError {
  return new RegistryError('REQUEST_INVALID', sentence);
}
