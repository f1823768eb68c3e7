// The few places where the engines' SQL differs.
import { type RawBuilder, sql } from 'kysely';
import type { Engine } from './statement.ts';

/** The digests of a parameter made by `digestList`, as a subquery with the one column `digest`. */
export function digestsIn(engine: Engine, list: string): RawBuilder<Uint8Array> {
  return engine === 'sqlite'
    ? sql`(select unhex(value) as digest from json_each(${list}))`
    : sql`(select decode(value, 'hex') as digest from json_array_elements_text(${list}::text::json))`;
}

/** The whole numbers of a JSON array parameter, as a subquery. */
export function numbersIn(engine: Engine, list: string): RawBuilder<number> {
  return engine === 'sqlite'
    ? sql`(select value from json_each(${list}))`
    : sql`(select value::bigint from json_array_elements_text(${list}::text::json))`;
}

/**
 * A list of stored digests as one parameter: the same text for both engines. Sorted, so that two
 * transactions that make rows for them never wait for each other in a circle.
 */
export function digestList(digests: readonly Uint8Array[]): string {
  return JSON.stringify(digests.map((digest) => Buffer.from(digest).toString('hex')).sort());
}

/** Locks the rows read until the transaction ends. SQLite needs no lock: it has one writer. */
export function locked<Q extends { forUpdate(): Q }>(engine: Engine, query: Q): Q {
  return engine === 'postgres' ? query.forUpdate() : query;
}

/** Keeps the rows read from being removed by others, without stopping other readers of them. */
export function kept<Q extends { forKeyShare(): Q }>(engine: Engine, query: Q): Q {
  return engine === 'postgres' ? query.forKeyShare() : query;
}
