// The statements that this process reads with from SQLite, as text; writes run in another thread.
import { spyOn } from 'bun:test';
import { SqliteConnection } from '../../src/metadata/sqlite.ts';
import type { Statement } from '../../src/metadata/statement.ts';

export interface WatchedStatements {
  texts: string[];
  restore(): void;
}

export function watchStatements(): WatchedStatements {
  const watched: WatchedStatements = { texts: [], restore: () => {} };
  const spies = (['all', 'first'] as const).map((name) => {
    const original = SqliteConnection.prototype[name];
    function noted(this: SqliteConnection, ...asked: [Statement<never, unknown>, never]) {
      watched.texts.push(asked[0].compile('sqlite').sql);
      return Reflect.apply(original, this, asked);
    }
    return spyOn(SqliteConnection.prototype, name).mockImplementation(noted as never);
  });
  watched.restore = () => {
    for (const spy of spies) spy.mockRestore();
  };
  return watched;
}
