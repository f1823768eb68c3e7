// How the settings of access control are read. As setting-values.ts: one text in, a SettingProblem out.
import { parseAllowedHosts } from '../access/keyless/address-guard.ts';
import { SESSION_LIFE_MS } from '../access/sign-in/session-times.ts';
import type { RequestLimitSettings, RequestRate } from '../http/access/request-limits.ts';
import { formatDuration, parseDuration, SettingProblem } from './setting-values.ts';

/** Clients take a shorter one for this long, and would go on with a dead token (client behaviour 5). */
const SHORTEST_TOKEN_MS = 60_000;
/** Beyond a day it is an access token that is meant. */
const LONGEST_TOKEN_MS = 86_400_000;

/** @returns milliseconds */
export function parseTokenLifetime(text: string): number {
  const lifetime = parseDuration(text);
  if (lifetime >= SHORTEST_TOKEN_MS && lifetime <= LONGEST_TOKEN_MS) return lifetime;
  throw new SettingProblem(`A bearer token counts for 60s to 24h; "${text}" is outside.`);
}

/** That somebody is there is noted once a minute: a shorter time would end sessions that are used. */
const SHORTEST_SESSION_MS = 5 * 60_000;

/** @returns milliseconds */
export function parseSessionTime(text: string): number {
  const time = parseDuration(text);
  if (time >= SHORTEST_SESSION_MS && time <= SESSION_LIFE_MS) return time;
  throw new SettingProblem(`A session is for 5m to 30d; "${text}" is outside.`);
}

/** @returns milliseconds; 0 = for ever. */
export function parseRetention(text: string): number {
  return text === FOR_EVER ? 0 : parseDuration(text);
}

export function formatRetention(milliseconds: number): string {
  return milliseconds === 0 ? FOR_EVER : formatDuration(milliseconds);
}

const FOR_EVER = 'forever';

export function parseAllowedHost(text: string): string {
  try {
    parseAllowedHosts([text]);
    return text;
  } catch (problem) {
    throw new SettingProblem(problem instanceof Error ? problem.message : String(problem));
  }
}

const RATE = /^(signed-in|anonymous)=(\d{1,7}):(\d{1,7})$/;

/** `signed-in=200:2000,anonymous=20:200`: of each, requests a second and requests at once. */
export function parseRequestLimits(text: string): RequestLimitSettings {
  const rates = new Map<string, RequestRate>();
  for (const part of text.split(',')) {
    const [, who, perSecond, burst] = RATE.exec(part.trim()) ?? [];
    const rate = { perSecond: Number(perSecond), burst: Number(burst) };
    if (who === undefined || rate.perSecond === 0 || rate.burst === 0 || rates.has(who)) {
      throw new SettingProblem(
        `"${part}" is not a limit: write signed-in=200:2000 or anonymous=20:200, requests a second and requests at once.`,
      );
    }
    rates.set(who, rate);
  }
  return { signedIn: rates.get('signed-in'), anonymous: rates.get('anonymous') };
}

export function formatRequestLimits({ signedIn, anonymous }: RequestLimitSettings): string {
  const show = (name: string, rate: RequestRate | undefined) =>
    rate === undefined ? [] : [`${name}=${rate.perSecond}:${rate.burst}`];
  return [...show('signed-in', signedIn), ...show('anonymous', anonymous)].join(',');
}
