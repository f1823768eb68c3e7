// The transaction that forgets moves of one tag, some hundred at a time.
import { relaxed } from '../../metadata/command.ts';
import { forgetOldEvents, type OldEvents } from '../../metadata/old-tag-events.ts';
import type { Transaction } from '../../metadata/sql.ts';

export function oldEventCommands() {
  return {
    // Lost, it is done again.
    forgetOldTagEvents: relaxed((tx: Transaction, old: OldEvents) => forgetOldEvents(tx, old)),
  };
}
