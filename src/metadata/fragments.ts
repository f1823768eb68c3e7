// The few places where the engines' SQL differs.
import { type AliasedRawBuilder, sql } from 'kysely';
import type { Engine } from './statement.ts';

/**
 * The digests of a parameter made by `digestList`, as the table `wanted` with the one column `digest`.
 * Stands first, with `crossJoin` behind it: SQLite keeps that order and looks each digest up, where it
 * would else read all blobs of a repository. PostgreSQL orders joins by its statistics.
 */
export function wantedDigests(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ digest: Uint8Array }, 'wanted'> {
  const rows =
    engine === 'sqlite'
      ? sql<{ digest: Uint8Array }>`(select unhex(value) as digest from json_each(${list}))`
      : sql<{
          digest: Uint8Array;
        }>`(select decode(value, 'hex') as digest from json_array_elements_text(${list}::text::json))`;
  return rows.as<'wanted'>(sql.ref('wanted'));
}

/** The whole numbers of a JSON array parameter, as the table `wanted` with the one column `id`. As above. */
export function wantedIds(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ id: number }, 'wanted'> {
  const rows =
    engine === 'sqlite'
      ? sql<{ id: number }>`(select value as id from json_each(${list}))`
      : sql<{
          id: number;
        }>`(select value::bigint as id from json_array_elements_text(${list}::text::json))`;
  return rows.as<'wanted'>(sql.ref('wanted'));
}

/** The texts of a JSON array parameter, as the table `wanted` with the one column `name`. As above. */
export function wantedNames(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ name: string }, 'wanted'> {
  const rows =
    engine === 'sqlite'
      ? sql<{ name: string }>`(select value as name from json_each(${list}))`
      : sql<{
          name: string;
        }>`(select value collate "C" as name from json_array_elements_text(${list}::text::json))`;
  return rows.as<'wanted'>(sql.ref('wanted'));
}

/** Pairs of texts, a JSON array of arrays, as the table `wanted` with `first` and `second`. As above. */
export function wantedPairs(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ first: string; second: string }, 'wanted'> {
  const rows =
    engine === 'sqlite'
      ? sql<{
          first: string;
          second: string;
        }>`(select value ->> 0 as first, value ->> 1 as second from json_each(${list}))`
      : sql<{
          first: string;
          second: string;
        }>`(select (value ->> 0) collate "C" as first, (value ->> 1) collate "C" as second
          from json_array_elements(${list}::text::json))`;
  return rows.as<'wanted'>(sql.ref('wanted'));
}

/** As `wantedNames`, for columns of texts that are no names. */
export function wantedTexts(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ name: string }, 'wanted'> {
  const rows =
    engine === 'sqlite'
      ? sql<{ name: string }>`(select value as name from json_each(${list}))`
      : sql<{
          name: string;
        }>`(select value as name from json_array_elements_text(${list}::text::json))`;
  return rows.as<'wanted'>(sql.ref('wanted'));
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
