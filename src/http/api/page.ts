// Lists by pages: how many, and the cursor that leads to the next page. A cursor is nothing to read; it
// names the last row that was given, and goes on after it whatever was added or removed since.
import { z } from '@hono/zod-openapi';
import { RegistryError } from '../../oci/errors.ts';

const LONGEST_PAGE = 1_000;
const USUAL_PAGE = 100;

/** For the query of a list. */
export const PAGE_QUERY = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(LONGEST_PAGE)
    .default(USUAL_PAGE)
    .openapi({ description: 'Entries of a page.' }),
  cursor: z.string().max(2_048).optional().openapi({ description: '`next` of the page before.' }),
};

/** @param name of the kind of page, in the document. */
export function pageSchema<T extends z.ZodType>(name: string, item: T) {
  return z
    .object({
      items: z.array(item).readonly(),
      next: z.string().optional().openapi({ description: 'Absent on the last page.' }),
    })
    .openapi(name);
}

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * `read` gets the key after which to go on and how many rows to read: one more than are shown, to see
 * whether there is another page.
 */
export async function pageOf<Row, Key extends z.ZodType, Item>(
  { limit, cursor }: PageRequest,
  list: {
    /** Of the key of a row, as a cursor holds it. */
    readonly key: Key;
    read(page: { after: z.output<Key> | undefined; limit: number }): Promise<readonly Row[]>;
    keyOf(row: Row): z.output<Key>;
    show(row: Row): Item;
  },
): Promise<{ items: Item[]; next: string | undefined }> {
  const after = cursor === undefined ? undefined : readCursor(list.key, cursor);
  const rows = await list.read({ after, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const items = shown.map((row) => list.show(row));
  return { items, next: last && writeCursor(list.keyOf(last)) };
}

export function writeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws RegistryError REQUEST_INVALID */
export function readCursor<Key extends z.ZodType>(schema: Key, cursor: string): z.output<Key> {
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    if (text.includes('\\u0000')) throw new Error('PostgreSQL takes no NUL in a text');
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new RegistryError(
      'REQUEST_INVALID',
      'The cursor is none of this list. Use the one that the page before gave.',
      { field: 'cursor' },
      { cause },
    );
  }
}
