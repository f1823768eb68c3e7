// Actions on names, as a person writes them for a token or a trust policy: `pull,push:team/app`.
import { type Json, objectOf } from './api-client.ts';
import { UsageError } from './command.ts';
import { cell } from './show.ts';

export interface ScopeText {
  readonly actions: readonly string[];
  readonly names: readonly string[];
  readonly [other: string]: Json;
}

/** @throws UsageError */
export function parseScope(text: string): ScopeText {
  const colon = text.indexOf(':');
  const actions = text
    .slice(0, Math.max(colon, 0))
    .split(',')
    .filter((one) => one !== '');
  const names = text
    .slice(colon + 1)
    .split(',')
    .filter((one) => one !== '');
  if (colon > 0 && actions.length > 0 && names.length > 0) return { actions, names };
  throw new UsageError(
    `"${text}" is no scope: write actions and names, such as pull,push:team/**.`,
  );
}

export function showScopes(scopes: Json | undefined): string {
  if (!Array.isArray(scopes)) return '';
  return scopes
    .map(objectOf)
    .map(({ actions, names }) => `${joined(actions)}:${joined(names)}`)
    .join(' ');
}

function joined(values: Json | undefined): string {
  return Array.isArray(values) ? values.map(cell).join(',') : cell(values);
}
