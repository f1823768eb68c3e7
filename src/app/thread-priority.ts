// Where cores are short, what somebody waits for goes first: threads of less haste lower their own priority.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** @param nice as of `nice(1)`: 0 is the priority of the others, 19 the lowest. */
export function lowerPriority(nice: number): void {
  try {
    // On Linux a priority is a thread's own.
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), nice);
  } catch {
    // Elsewhere all are equal.
  }
}
