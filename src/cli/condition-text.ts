// Conditions of grants and tokens, for a person.
import { type Json, type JsonObject, objectOf } from './api-client.ts';
import { cell } from './show.ts';

/** `from 10.0.0.0/8, Mon-Fri 08:00-18:00 Europe/Paris` */
export function showCondition(condition: Json | undefined): string {
  if (condition === null || condition === undefined) return '';
  const { networks = [], windows = [] } = objectOf(condition);
  const parts = Array.isArray(networks) && networks.length > 0 ? [`from ${cell(networks)}`] : [];
  const times = Array.isArray(windows) ? windows.map((window) => showWindow(objectOf(window))) : [];
  return [...parts, ...times].join('; ');
}

const DAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function showWindow({ days, from, to, zone }: JsonObject): string {
  const names = Array.isArray(days) ? days.map((day) => DAYS[Number(day)] ?? '?') : [];
  return `${names.join(' ')} ${clock(from)}-${clock(to)} ${cell(zone)}`;
}

function clock(minutes: Json | undefined): string {
  const all = Number(minutes);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${two(Math.floor(all / 60))}:${two(all % 60)}`;
}
