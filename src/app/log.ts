// The log: JSON lines for machines, short lines for a person at a terminal. Never a secret, never a query
// string (an upload's address may carry what a client put there).
import pino, { type Logger } from 'pino';
import type { AccessLine } from '../http/answer.ts';
import type { ComposeLog } from './compose.ts';
import type { LogSetting } from './log-setting.ts';

export interface Log extends ComposeLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Writes out what is still in memory. */
  flush(): void;
}

/** Bytes gathered before a write, and milliseconds after which they are written in any case. */
const BUFFER_BYTES = 8 * 1024;
const FLUSH_MS = 500;

export function openLog(setting: LogSetting): Log {
  const isText =
    setting.format === 'text' || (setting.format === 'auto' && process.stdout.isTTY === true);
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: isText ? 0 : BUFFER_BYTES,
    periodicFlush: isText ? 0 : FLUSH_MS,
  });
  const target = isText
    ? { write: (line: string) => destination.write(asText(line)) }
    : destination;
  const logger = pino(
    {
      level: setting.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return {
    ...requestLog(logger, setting.access),
    jobFailed: (kind, error) => logger.warn({ job: kind, err: error }, 'a job failed'),
    warn: (message, error) => logger.warn({ err: error }, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    flush: () => destination.flushSync(),
  };
}

function requestLog(logger: Logger, hasAccess: boolean): Pick<ComposeLog, 'access' | 'fault'> {
  return {
    access: hasAccess
      ? (line) => logger.info(accessFields(line), 'request')
      : () => {
          // Switched off: not even the fields are made.
        },
    fault: (error, request) =>
      logger.error({ request: request.id, code: error.code, err: error.cause ?? error }, 'fault'),
  };
}

function accessFields(line: AccessLine): Record<string, unknown> {
  const milliseconds = Math.round(line.seconds * 100_000) / 100;
  const { id: request, seconds: _, ...rest } = line;
  const [client, userAgent] = [line.client(), line.userAgent()];
  return { ...rest, request, client, userAgent, milliseconds };
}

/** One line of the log for a person. */
function asText(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  const time = String(line.time).slice(11, 19);
  if (line.msg === 'request') {
    const code = line.code === undefined ? '' : ` ${line.code}`;
    const asked = `${line.method} ${line.path}`.replace(/\p{Cc}/gu, '\ufffd');
    return `${time} ${asked} ${line.status}${code} ${line.milliseconds} ms\n`;
  }
  const { err } = line as { err?: { stack?: string; message?: string } };
  const details = err === undefined ? '' : `: ${err.stack ?? err.message}`;
  return `${time} ${line.level} ${line.msg}${details}\n`;
}
