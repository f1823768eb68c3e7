// Policies as a person reads them: one line for each kind.
import { shownBytes } from './amount-text.ts';
import { type Json, type JsonObject, objectOf } from './api-client.ts';
import { cell } from './show.ts';

/** What the policy of an answer of the API says. */
export function shownPolicy({ kind, policy }: JsonObject): string {
  const said = objectOf(policy);
  switch (kind) {
    case 'immutability':
      return shownRules(said.rules, shownTags) || 'nothing is immutable';
    case 'quota':
      return shownQuota(said);
    case 'retention':
      return shownRetention(said);
    case 'trash':
      return `kept for ${cell(said.days)} days`;
    default:
      return cell(policy);
  }
}

function shownRules(rules: Json | undefined, show: (rule: JsonObject) => string): string {
  return Array.isArray(rules) ? rules.map((rule) => show(objectOf(rule))).join('; ') : '';
}

function shownTags({ tags, except, mayExpire }: JsonObject): string {
  const without = except === undefined ? '' : ` except ${cell(except)}`;
  return `${cell(tags)}${without}${mayExpire === true ? ' (may expire)' : ''}`;
}

function shownQuota(quota: JsonObject): string {
  const limits = ['bytes', 'repositories', 'tags'].flatMap((resource) => {
    const limit = quota[resource];
    return limit === undefined ? [] : [shownLimit(resource, objectOf(limit))];
  });
  const ask = quota.contact === undefined ? [] : [`ask ${cell(quota.contact)}`];
  return [...limits, ...ask].join('; ');
}

function shownLimit(resource: string, { soft, hard }: JsonObject): string {
  const amount = (value: Json) =>
    resource === 'bytes' ? shownBytes(Number(value)) : `${cell(value)} ${resource}`;
  const most = hard === undefined ? [] : [`at most ${amount(hard)}`];
  const warns = soft === undefined ? [] : [`warns beyond ${amount(soft)}`];
  return [...most, ...warns].join(', ');
}

function shownRetention({ rules, ...rest }: JsonObject): string {
  const keeps = shownRules(rules, ({ keep, count, ...limits }) => {
    const how = Object.entries(limits).map(([name, value]) => shownLimitOf(name, value));
    return [`keep ${cell(count)} ${cell(keep)}`.replace('  ', ' '), ...how].join(' ');
  });
  const others = Object.entries(rest).map(([name, value]) => `${name} ${shownSetting(value)}`);
  return [keeps, ...others].filter((text) => text !== '').join('; ') || 'everything stays';
}

function shownLimitOf(name: string, value: Json | undefined): string {
  switch (name) {
    case 'tags':
      return `of ${cell(value)}`;
    case 'within':
      // The rule has the word in its name.
      return cell(value);
    default:
      return `${name} ${cell(value)}`;
  }
}

function shownSetting(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return cell(value);
  const hours = Number(objectOf(value).everyHours);
  return hours === 1 ? 'every hour' : `every ${hours} hours`;
}
