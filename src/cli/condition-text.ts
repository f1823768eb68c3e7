// Conditions of grants and tokens, as a person writes and reads them.
import { type Json, type JsonObject, objectOf } from './api-client.ts';
import type { Given } from './command.ts';
import { cell } from './show.ts';
import { parseWindow, showWindow } from './window-text.ts';

export const CONDITION_FLAGS = {
  from: { value: 'NETWORK', about: 'Only from there, such as 10.0.0.0/8.', isList: true },
  window: {
    value: 'HOURS',
    about: "Only in such hours of the week: 'Mon-Fri 08:00-18:00 Europe/Paris'.",
    isList: true,
  },
} as const;

/** A field of what is sent; none when nothing is asked for. @throws UsageError */
export function conditionOf(given: Given): JsonObject {
  const networks = given.list('from');
  const windows = given.list('window').map(parseWindow);
  if (networks.length === 0 && windows.length === 0) return {};
  return {
    condition: {
      ...(networks.length > 0 && { networks }),
      ...(windows.length > 0 && { windows }),
    },
  };
}

/** `from 10.0.0.0/8; Mon-Fri 08:00-18:00 Europe/Paris` */
export function showCondition(condition: Json | undefined): string {
  if (condition === null || condition === undefined) return '';
  const { networks = [], windows = [] } = objectOf(condition);
  const parts = Array.isArray(networks) && networks.length > 0 ? [`from ${cell(networks)}`] : [];
  const times = Array.isArray(windows) ? windows.map((window) => showWindow(objectOf(window))) : [];
  const anyOf = times.length > 0 ? [times.join(' or ')] : [];
  return [...parts, ...anyOf].join('; ');
}
