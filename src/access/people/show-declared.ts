// Changes of a declaration, for a person: a sign and a line each, as of a diff.
import type { DeclaredChange, DeclaredGrant, DeclaredPolicy } from './declaration.ts';
import { type PathPolicyChange, pathPolicyTitle, sameText } from './declared-policies.ts';

export interface ShownChange {
  readonly sign: '+' | '-' | '~';
  readonly line: string;
}

export function showChange(change: DeclaredChange): ShownChange {
  switch (change.kind) {
    case 'add-grant':
      return { sign: '+', line: grantLine(change.grant) };
    case 'remove-grant':
      return { sign: '-', line: grantLine(change.grant) };
    case 'add-policy':
      return { sign: '+', line: policyLine(change.policy) };
    case 'remove-policy':
      return { sign: '-', line: policyLine(change.policy) };
    case 'change-policy':
      return {
        sign: '~',
        line: `${policyLine(change.policy)}: ${changedFields(change.before, change.policy)}`,
      };
    case 'set-path':
      return settingChange(change);
    case 'set-path-policy':
    case 'remove-path-policy':
      return pathPolicyChange(change);
  }
}

function pathPolicyChange(change: PathPolicyChange): ShownChange {
  const { before } = change;
  if (change.kind === 'remove-path-policy') {
    return { sign: '-', line: pathPolicyTitle(change.before) };
  }
  const { after } = change;
  const title = pathPolicyTitle(after);
  if (before === undefined) return { sign: '+', line: `${title}: ${JSON.stringify(after.policy)}` };
  const fields = [...new Set([before, after].flatMap(({ policy }) => Object.keys(policy)))];
  const changed = fields
    .map((name) => ({ name, was: sameText(before.policy[name]), is: sameText(after.policy[name]) }))
    .filter(({ was, is }) => was !== is)
    .map(({ name, was, is }) =>
      was === undefined ? `${name} ${is}` : `${name} ${was} becomes ${is ?? 'unset'}`,
    );
  return { sign: '~', line: `${title}: ${changed.join(', ')}` };
}

function grantLine({ role, to, on, tags, condition }: DeclaredGrant): string {
  const limits = [
    ...(tags === undefined ? [] : [` for tags ${tags.join(', ')}`]),
    ...(condition === undefined ? [] : [` if ${JSON.stringify(condition)}`]),
  ];
  return `grant ${role} on ${shownPath(on)} to ${to}${limits.join('')}`;
}

function policyLine({ path, name }: DeclaredPolicy): string {
  return `trust policy ${path}:${name}`;
}

const FIELDS = [
  'issuer',
  'audience',
  'conditions',
  'grants',
  'lifetimeSeconds',
  'isDisabled',
] as const;

function changedFields(before: DeclaredPolicy, after: DeclaredPolicy): string {
  return FIELDS.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name} ${JSON.stringify(before[name])} becomes ${JSON.stringify(after[name])}`)
    .join(', ');
}

const SETTINGS = ['visibility', 'creation'] as const;

function settingChange({
  before,
  after,
}: Extract<DeclaredChange, { kind: 'set-path' }>): ShownChange {
  const parts = SETTINGS.filter((name) => before[name] !== after[name]).map((name) => {
    if (before[name] === undefined) return `${name} ${after[name]}`;
    return `${name} ${before[name]} becomes ${after[name] ?? 'as above it'}`;
  });
  const isNew = SETTINGS.every((name) => before[name] === undefined);
  const isGone = SETTINGS.every((name) => after[name] === undefined);
  const sign = isNew ? '+' : isGone ? '-' : '~';
  return { sign, line: `path ${shownPath(after.path)}: ${parts.join(', ')}` };
}

function shownPath(path: string): string {
  return path === '' ? 'the root' : path;
}
