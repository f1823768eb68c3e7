// What a sealed event's hash is made of. Changing a byte of this makes every chain look broken: a new form
// needs a new name, and both must be read. docs/audit.md says the same for those who check an export.
import { createHash } from 'node:crypto';
import type { AuditEvent } from '../../metadata/audit-events.ts';

const FORM = 'entrepot-audit-1';

export type EventToSeal = Omit<AuditEvent, 'sequence' | 'hash'> & { readonly sequence: number };

/** SHA-256 of the hash of the event before, and of this event: all its columns. */
export function hashEvent(previous: Uint8Array, event: EventToSeal): Uint8Array {
  return createHash('sha256').update(previous).update(canonicalBytes(event)).digest();
}

/** Each field as its length in UTF-8 bytes, a colon and itself: no two events have the same bytes. */
function canonicalBytes(event: EventToSeal): Buffer {
  const fields = [
    FORM,
    String(event.sequence),
    String(event.id),
    String(event.at),
    event.actor,
    event.principal,
    event.credential,
    event.action,
    event.target,
    event.outcome,
    event.address,
    event.client,
    event.requestId,
    event.detail,
  ];
  return Buffer.from(fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join(''));
}
