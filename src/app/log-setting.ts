// The `log` setting: as text `info,format=json,access=off`, in the file also as keys of its own.

import { suggestion } from './nearest-name.ts';
import { SettingProblem } from './setting-values.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `auto`: text for a person at a terminal, JSON otherwise. */
export const LOG_FORMATS = ['auto', 'json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogSetting {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** One line for each request. */
  readonly access: boolean;
}

export const DEFAULT_LOG: LogSetting = { level: 'info', format: 'auto', access: true };

function oneOf<T extends string>(word: string, known: readonly T[], what: string): T {
  const found = known.find((candidate) => candidate === word);
  if (found !== undefined) return found;
  throw new SettingProblem(
    `"${word}" is not a ${what}: there are ${known.join(', ')}.${suggestion(word, known)}`,
  );
}

export function parseLog(text: string): LogSetting {
  let log = DEFAULT_LOG;
  for (const part of text.split(',').map((word) => word.trim())) {
    const [name, value] = part.includes('=') ? part.split('=', 2) : ['level', part];
    if (name === 'level') log = { ...log, level: oneOf(value ?? '', LOG_LEVELS, 'log level') };
    else if (name === 'format')
      log = { ...log, format: oneOf(value ?? '', LOG_FORMATS, 'log format') };
    else if (name === 'access')
      log = { ...log, access: oneOf(value ?? '', ['on', 'off'], 'choice') === 'on' };
    else oneOf(name ?? '', ['level', 'format', 'access'], 'part of the log setting');
  }
  return log;
}

export function formatLog(log: LogSetting): string {
  return `${log.level},format=${log.format},access=${log.access ? 'on' : 'off'}`;
}
