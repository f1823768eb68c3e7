// A query written once with Kysely, compiled once for each engine, run many times.
// Building a query costs 50 µs, running a compiled one 2 to 8: on the path of a pull only the latter is paid.
import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryId,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Schema } from './schema.ts';

export type Engine = 'sqlite' | 'postgres';
export type SqlValue = string | number | Uint8Array | null;

export interface CompiledStatement {
  readonly sql: string;
  /** Makes the positional arguments out of the named ones. */
  bind(parameters: Readonly<Record<string, SqlValue>>): SqlValue[];
}

/** A compiled-once query with named parameters `P` and rows `R`. */
export interface Statement<P, R> {
  compile(engine: Engine): CompiledStatement;
  /** Only for types: the parameters and rows. */
  readonly shape?: { readonly parameters: P; readonly row: R };
}

export type Queries = Kysely<Schema>;

/**
 * Writes a parameter of a read as `(select ?)`. SQLite prepares a join anew (2 µs a table) each time a
 * parameter that stands bare in its conditions is bound; a scalar subquery it leaves alone.
 * Measured in docs/decisions/0005-parameters-of-reads.md.
 */
class ReadCompiler extends SqliteQueryCompiler {
  #isRead = false;

  override compileQuery(node: RootOperationNode, queryId: QueryId) {
    this.#isRead = node.kind === 'SelectQueryNode';
    return super.compileQuery(node, queryId);
  }

  protected override getCurrentParameterPlaceholder(): string {
    return this.#isRead ? '(select ?)' : '?';
  }
}

class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A queryless Kysely: it only knows how to write SQL for its engine. */
export function queriesFor(engine: Engine): Queries {
  return engine === 'sqlite'
    ? new Kysely<Schema>({
        dialect: {
          createAdapter: () => new SqliteAdapter(),
          createDriver: () => new DummyDriver(),
          createIntrospector: (db) => new SqliteIntrospector(db),
          createQueryCompiler: () => new ReadCompiler(),
        },
      })
    : new Kysely<Schema>({
        dialect: {
          createAdapter: () => new PostgresAdapter(),
          createDriver: () => new DummyDriver(),
          createIntrospector: (db) => new PostgresIntrospector(db),
          createQueryCompiler: () => new PostgresQueryCompiler(),
        },
      });
}

const queries: Readonly<Record<Engine, Queries>> = {
  sqlite: queriesFor('sqlite'),
  postgres: queriesFor('postgres'),
};

/**
 * Declares a statement. In `build`, `p.name` stands for the parameter `name`.
 *
 *     const tagByName = statement<{ repository: number; name: string }>()((q, p) =>
 *       q.selectFrom('tags').selectAll().where('repository_id', '=', p.repository).where('name', '=', p.name));
 *     await sql.first(tagByName, { repository: 1, name: 'latest' });
 */
export function statement<P = Record<never, never>>() {
  return <R>(build: (q: Queries, p: P, engine: Engine) => Compilable<R>): Statement<P, R> => {
    const compiled: Partial<Record<Engine, CompiledStatement>> = {};
    return {
      compile(engine) {
        compiled[engine] ??= compileOnce(engine, build);
        return compiled[engine];
      },
    };
  };
}

function compileOnce<P, R>(
  engine: Engine,
  build: (q: Queries, p: P, engine: Engine) => Compilable<R>,
): CompiledStatement {
  const slots = new Proxy({}, { get: (_, name) => new Slot(String(name)) }) as P;
  const query = build(queries[engine], slots, engine).compile();
  const sources = query.parameters.map((value) =>
    value instanceof Slot ? { slot: value.name } : { constant: value as SqlValue },
  );
  return {
    sql: query.sql,
    bind: (parameters) => sources.map((source) => bindOne(source, parameters)),
  };
}

function bindOne(
  source: { slot: string } | { constant: SqlValue },
  parameters: Readonly<Record<string, SqlValue>>,
): SqlValue {
  if ('constant' in source) return source.constant;
  const value = parameters[source.slot];
  // `undefined` would become NULL in one driver and an error in the other.
  if (value === undefined) throw new Error(`the statement wants a parameter "${source.slot}"`);
  return value;
}
