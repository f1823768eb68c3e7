// An event of the audit log as it is read, and the filters on it.
import { type RawBuilder, sql as raw } from 'kysely';
import type { Outcome } from './access-schema.ts';

/** An event as it stands in the log. */
export interface AuditEvent {
  readonly id: number;
  /** Its number in the chain; undefined: not sealed yet. */
  readonly sequence: number | undefined;
  readonly hash: Uint8Array | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: string;
  readonly principal: string;
  readonly credential: string;
  readonly action: string;
  readonly target: string;
  readonly outcome: Outcome;
  readonly address: string;
  readonly client: string;
  readonly requestId: string;
  /** JSON, exactly as it was sealed. */
  readonly detail: string;
}

/** What an event must be like; absent = any. */
export interface AuditFilter {
  /** From this time on, milliseconds since 1970. */
  readonly from?: number;
  /** Before this time. */
  readonly until?: number;
  /** The name of who acted. */
  readonly actor?: string;
  /** Such as `user:12`. */
  readonly principal?: string;
  /** `token.create`, or all that begin alike: `token.*`. */
  readonly action?: string;
  /** What the target begins with. */
  readonly target?: string;
  readonly outcome?: Outcome;
  readonly address?: string;
  readonly requestId?: string;
}

export type AuditRow = Omit<AuditEvent, 'sequence' | 'hash'> & {
  readonly sequence: number | null;
  readonly hash: Uint8Array | null;
};

export const AUDIT_COLUMNS = [
  'id',
  'sequence',
  'hash',
  'at',
  'actor',
  'principal',
  'credential',
  'action',
  'target',
  'outcome',
  'address',
  'client',
  'request_id as requestId',
  'detail',
] as const;

export function eventOf(row: AuditRow): AuditEvent {
  return { ...row, sequence: row.sequence ?? undefined, hash: row.hash ?? undefined };
}

/** As parameters: '' = any. */
export interface FilterParameters {
  actor: string;
  principal: string;
  action: string;
  actionPrefix: string;
  target: string;
  outcome: string;
  address: string;
  requestId: string;
}

export function filterParameters(filter: AuditFilter): FilterParameters {
  const { actor = '', principal = '', action = '', target = '', address = '' } = filter;
  const isPrefix = action.endsWith('*');
  return {
    actor,
    principal,
    action: isPrefix ? '' : action,
    actionPrefix: isPrefix ? action.slice(0, -1) : '',
    target,
    outcome: filter.outcome ?? '',
    address,
    requestId: filter.requestId ?? '',
  };
}

/** As a condition. No index would serve all filters, and each costs every push a write. */
export function fitsFilter(p: FilterParameters): RawBuilder<boolean> {
  const is = (column: string, value: string) => {
    const text = raw`cast(${value} as text)`;
    return raw<boolean>`(${text} = '' or ${raw.ref(column)} = ${text})`;
  };
  const begins = (column: string, value: string) => {
    const text = raw`cast(${value} as text)`;
    return raw<boolean>`substr(${raw.ref(column)}, 1, length(${text})) = ${text}`;
  };
  const all = [
    is('actor', p.actor),
    is('principal', p.principal),
    is('action', p.action),
    begins('action', p.actionPrefix),
    begins('target', p.target),
    is('outcome', p.outcome),
    is('address', p.address),
    is('request_id', p.requestId),
  ];
  return raw<boolean>`${raw.join(all, raw` and `)}`;
}
