// A bug on purpose: the collector looks again in a new statement, and holds no lock while it does.
import type { Command } from '../../../src/metadata/command.ts';
import type { Transaction } from '../../../src/metadata/sql.ts';
import type { Change } from './interleave.ts';

/** The repository is taken without a lock, and so are the blobs. */
export const NO_LOCK: Change = (table) => ({
  ...table,
  collectManifests: unlocked(table.collectManifests),
  collectRights: unlocked(table.collectRights),
  collectBlobs: unlocked(table.collectBlobs),
});

function unlocked<A, R>({ run, durability }: Command<A, R>): Command<A, R> {
  return { durability, run: (tx, args) => run(withoutLocks(tx), args) };
}

function withoutLocks(tx: Transaction): Transaction {
  const plain = <S>(statement: S): S => {
    const { compile } = statement as { compile(engine: 'postgres'): { sql: string } };
    return {
      ...statement,
      compile(engine: 'postgres') {
        const compiled = compile.call(statement, engine);
        return {
          ...compiled,
          sql: compiled.sql.replace(/ for update( of "\w+")? skip locked/, ''),
        };
      },
    };
  };
  return {
    engine: tx.engine,
    all: (statement, parameters) => tx.all(plain(statement), parameters),
    first: (statement, parameters) => tx.first(plain(statement), parameters),
    run: (statement, parameters) => tx.run(statement, parameters),
    now: () => tx.now(),
  };
}
