// The audit log as text: JSON lines, CSV, and lines of syslog. A line at a time, so that an export of any
// size takes the memory of one page.
import type { AuditEvent } from '../../metadata/audit-events.ts';

export const EXPORT_FORMATS = ['json-lines', 'csv', 'syslog'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Text enough to be worth a write. */
const CHUNK_LENGTH = 64 * 1024;

/** `host` names the registry in syslog lines. */
export async function* exportAudit(
  events: AsyncIterable<AuditEvent>,
  { format, host }: { format: ExportFormat; host: string },
): AsyncGenerator<string> {
  let chunk = format === 'csv' ? csvHead() : '';
  for await (const event of events) {
    chunk += lineOf(event, { format, host });
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function lineOf(event: AuditEvent, { format, host }: { format: ExportFormat; host: string }) {
  if (format === 'json-lines') return jsonLine(event);
  return format === 'csv' ? csvLine(event) : syslogLine(event, host);
}

/** An event as the API and the exports show it. `detail` stays JSON text, for whoever checks the hash. */
export function shownEvent(event: AuditEvent) {
  const { sequence, hash, at, ...rest } = event;
  return {
    sequence: sequence ?? null,
    ...rest,
    at: new Date(at).toISOString(),
    hash: hash === undefined ? null : Buffer.from(hash).toString('hex'),
  };
}

export function jsonLine(event: AuditEvent): string {
  return `${JSON.stringify(shownEvent(event))}\n`;
}

const CSV_COLUMNS = [
  'sequence',
  'id',
  'at',
  'actor',
  'principal',
  'credential',
  'action',
  'target',
  'outcome',
  'address',
  'client',
  'requestId',
  'detail',
  'hash',
] as const;

function csvHead(): string {
  return `${CSV_COLUMNS.join(',')}\r\n`;
}

/** RFC 4180. */
export function csvLine(event: AuditEvent): string {
  const shown = shownEvent(event);
  return `${CSV_COLUMNS.map((column) => csvField(String(shown[column] ?? ''))).join(',')}\r\n`;
}

function csvField(text: string): string {
  // Spreadsheets run what begins like this as a formula; a name or a client may be anybody's words.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 5424, 6.2.1: 13 is "log audit". */
const FACILITY = 13;
const SEVERITY = { done: 6, refused: 4, failed: 3 } as const;
/** RFC 5612 keeps 32473 for those who have no number of their own. */
const STRUCTURED_ID = 'entrepot@32473';

/** RFC 5424, one event a line, all of it in the structured data. */
export function syslogLine(event: AuditEvent, host: string): string {
  const shown = shownEvent(event);
  const { outcome, at, action, actor, target } = shown;
  const priority = FACILITY * 8 + SEVERITY[outcome];
  const parameters = CSV_COLUMNS.filter((name) => name !== 'at' && shown[name] !== null).map(
    (name) => `${name}="${parameterValue(String(shown[name]))}"`,
  );
  const head = [
    `<${priority}>1`,
    at,
    headerField(host, 255),
    'entrepot -',
    headerField(action, 32),
  ];
  const message = visible(`${actor} ${action} ${target} ${outcome}`);
  return `${head.join(' ')} [${STRUCTURED_ID} ${parameters.join(' ')}] ${message}\n`;
}

/** Printable ASCII without spaces, or `-`. */
function headerField(text: string, length: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, length) || '-';
}

/** RFC 5424, 6.3.3. */
function parameterValue(text: string): string {
  return visible(text).replaceAll(/["\\\]]/g, '\\$&');
}

/** A control character would end the line, and what follows could pass for another event. */
function visible(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
