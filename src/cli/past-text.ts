// Places in the past as a person writes them: instants, digests, moves of a tag, steps back.
import { UsageError } from './command.ts';

const INSTANT = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d))?Z?)?$/;

/** `2026-11-01 12:00` or `2026-11-01`, UTC like all times that are shown; ISO 8601 with an offset too. */
export function instantOf(text: string): string | undefined {
  const [, day, minute = '00:00', second = '00'] = INSTANT.exec(text) ?? [];
  const time = Date.parse(day === undefined ? text : `${day}T${minute}:${second}Z`);
  const isMeant = day !== undefined || /^\d{4}-\d\d-\d\dT/.test(text);
  return isMeant && Number.isFinite(time) ? new Date(time).toISOString() : undefined;
}

/** @throws UsageError */
export function neededInstant(text: string): string {
  const instant = instantOf(text);
  if (instant !== undefined) return instant;
  throw new UsageError(`"${text}" is no time: write such as '2026-11-01 12:00' (UTC).`);
}

/** Where a tag is to go back to, as the API takes it. @throws UsageError */
export function wayBackOf(text: string): string | number {
  const move = /^#([1-9]\d{0,8})$/.exec(text)?.[1];
  if (move !== undefined) return Number(move);
  if (/^-[1-9]\d{0,8}$/.test(text)) return Number(text);
  if (/^sha(256|512):/.test(text)) return text;
  const instant = instantOf(text);
  if (instant !== undefined) return instant;
  throw new UsageError(
    `"${text}" is no place in a history: write a digest, -2 (two moves back), '#17' (a move of entrepot tag history) or a time such as '2026-11-01 12:00' (UTC).`,
  );
}
