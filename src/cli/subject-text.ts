// Whom a grant is for, as a person writes it: `user:alice`, `team:acme/core`, `robot:team/backend:ci`,
// `organisation:acme`, `signed-in`, `anyone`.
import { type Json, objectOf } from './api-client.ts';
import { UsageError } from './command.ts';

const NAMED = ['user', 'team', 'robot', 'organisation'] as const;
const NAMELESS = ['signed-in', 'anyone'] as const;

export const SUBJECT_EXAMPLES =
  'user:alice, team:acme/core, robot:team/backend:ci, organisation:acme, signed-in or anyone';

export interface SubjectText {
  readonly kind: (typeof NAMED)[number] | (typeof NAMELESS)[number];
  readonly name: string;
  readonly [other: string]: Json;
}

/** @throws UsageError */
export function parseSubject(text: string): SubjectText {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const name = colon < 0 ? '' : text.slice(colon + 1);
  const nameless = NAMELESS.find((one) => one === kind);
  if (nameless !== undefined && name === '') return { kind: nameless, name };
  const named = NAMED.find((one) => one === (kind === 'org' ? 'organisation' : kind));
  if (named !== undefined && name !== '') return { kind: named, name };
  throw new UsageError(`"${text}" says nobody: write ${SUBJECT_EXAMPLES}.`);
}

export function showSubject(value: Json | undefined): string {
  const { kind, name } = objectOf(value);
  return name === '' || name === undefined ? String(kind) : `${kind}:${name}`;
}
