// Which events of the audit log are about a namespace: for its owners, who may read those and no others.
// Told by what the event was done to, in the words in which the commands write it down.
import { isAtOrBelow } from '../../access/pattern.ts';

const NAME = '[a-z0-9._/-]+';

/** Each names one path; an event that fits none is an administrator's business. */
const FORMS: readonly RegExp[] = [
  // A repository or a path, with a tag, a digest or nothing behind it.
  new RegExp(`^(${NAME})(?:[:@][^ ]*)?$`),
  // A grant.
  new RegExp(`^[a-z0-9._-]+ on (${NAME}) for `),
  // A robot, a trust policy, and their tokens.
  new RegExp(`^(?:tokens? (?:\\d+ )?of )?(?:robot|trust policy) (${NAME}):`),
  // What is set on a path.
  new RegExp(`^(?:immutability|retention|quota|trash) policy of (${NAME})$`),
  // An organisation owns the namespace of its name.
  /^(?:organisation|team) ([a-z0-9._-]+)(?:\/|$)/,
];

/** `target`: as it stands in the log. */
export function isAboutPath(target: string, path: string): boolean {
  for (const form of FORMS) {
    const about = form.exec(target)?.[1];
    if (about !== undefined) return isAtOrBelow(about, path);
  }
  return false;
}
