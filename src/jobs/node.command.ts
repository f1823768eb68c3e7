// The transactions by which nodes say that they are there.
import { type Command, relaxed } from '../metadata/command.ts';
import { forgetNode, noteFlush, noteNode } from '../metadata/nodes.ts';
import type { Transaction } from '../metadata/sql.ts';

export function nodeCommands() {
  return {
    noteNode: relaxed((tx: Transaction, instance: string) => noteNode(tx, instance)),
    noteFlush: relaxed((tx: Transaction, instance: string) => noteFlush(tx, instance)),
    forgetNode: relaxed((tx: Transaction, instance: string) => forgetNode(tx, instance)),
  } satisfies Record<string, Command<never, unknown>>;
}
