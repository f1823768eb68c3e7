// Every column that holds a path is known to the list of names: one that is forgotten would give what hangs
// on it to whoever takes the name next.
import { expect, test } from 'bun:test';
import { type Compilable, sql as raw } from 'kysely';
import { MOVED_COLUMNS, UNMOVED_COLUMNS } from './names.ts';
import { statement } from './statement.ts';
import { openInMemory } from './suite-drivers.ts';

const columns = statement()((q): Compilable<{ table: string; column: string }> => {
  const text = raw<{ table: string; column: string }>`select t.name as "table", c.name as "column"
    from sqlite_master t, pragma_table_info(t.name) c
    where t.type = 'table' and c.type = 'TEXT' order by 1, 2`;
  return { compile: () => text.compile(q) };
});

/** Of that kind by their names. A table of repositories' other names would stand out in the same way. */
const IS_PATH = /(^|_)path$|^repository(_name)?$|^target$|^counted_to$/;

test('each column with a path moves with it, or says why not', async () => {
  const database = await openInMemory();
  const found = (await database.sql.all(columns, {}))
    .filter(
      ({ table, column }) => IS_PATH.test(column) || `${table}.${column}` === 'repositories.name',
    )
    .map(({ table, column }) => `${table}.${column}`);
  await database.close();
  const moved = MOVED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  expect(found.toSorted()).toEqual([...moved, ...Object.keys(UNMOVED_COLUMNS)].sort());
  expect(new Set([...moved, ...Object.keys(UNMOVED_COLUMNS)]).size).toBe(found.length);
});
