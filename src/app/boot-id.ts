// Names this start of the machine. Bytes that were written but never synced are certain only within it.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: then nothing is certain beyond this process.
    return randomUUID();
  }
}
