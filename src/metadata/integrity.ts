// Whether the file of SQLite is whole: what the doctor asks, of a file that a server may be using.
import { openSqliteReader } from './sqlite.ts';

/** Faults told at most. */
const MOST_FAULTS = 20;

/** Reads the whole file. @returns what is wrong, in SQLite's own words; nothing: it is whole. */
export function checkSqliteFile(path: string): string[] {
  const connection = openSqliteReader(path, Date.now);
  try {
    const rows = connection.query(`pragma integrity_check(${MOST_FAULTS})`, []) as {
      integrity_check: string;
    }[];
    const faults = rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
    // In a damaged file they cannot be followed.
    if (faults.length > 0) return faults;
    const references = connection.query('pragma foreign_key_check', []) as { table: string }[];
    const tables = new Set(references.map(({ table }) => table));
    for (const table of tables) faults.push(`rows of ${table} refer to rows that are not there`);
    return faults.slice(0, MOST_FAULTS);
  } finally {
    connection.close();
  }
}
