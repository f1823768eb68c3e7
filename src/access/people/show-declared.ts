// Changes of a declaration, for a person: a sign and a line each, as of a diff.
import type { DeclaredChange, DeclaredGrant, DeclaredPolicy } from './declaration.ts';

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
  }
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
