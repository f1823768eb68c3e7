// What is wrong with a field of a request, in words for the person who sent it. Never repeats a value: it may be
// a password. Forms that say more themselves keep their words.
import type { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

/** @returns undefined: the words of the library will do. */
export function fieldProblem(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : typeProblem(issue.expected);
    case 'unrecognized_keys':
      return `has no ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'invalid_union':
      return unionProblem(issue.options);
    case 'too_big':
      return `must ${bound('at most', Number(issue.maximum), issue.origin)}`;
    case 'too_small':
      return `must ${bound('at least', Number(issue.minimum), issue.origin)}`;
    case 'invalid_format':
      return formatProblem(issue.format);
    default:
      return undefined;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function typeProblem(expected: string): string | undefined {
  const type = TYPES[expected];
  return type === undefined ? undefined : `must be ${type}`;
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value)).join(', ');
  return values.length === 1 ? shown : `one of ${shown}`;
}

/** Of a form that one of its members decides, such as `keep` of a rule. */
function unionProblem(options: unknown): string | undefined {
  return Array.isArray(options) && options.length > 0 ? `must be ${oneOf(options)}` : undefined;
}

function bound(words: string, limit: number, origin: string): string {
  if (origin === 'string')
    return `have ${words} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${words} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return `be ${words} ${limit}`;
}

function formatProblem(format: string): string | undefined {
  if (format === 'datetime') return 'must be a time such as 2030-01-31T12:00:00Z';
  return format === 'date' ? 'must be a day such as 2030-01-31' : undefined;
}
