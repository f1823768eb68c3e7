// One set of tests on both databases: each engine gets a registry of its own, and none may log a fault.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { DatabaseSettings } from '../../src/app/database.ts';
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../support/entrepot.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';

export interface ProtocolSuite {
  readonly test: ConditionalTest;
  /** Only inside a test. */
  registry(): EngineRegistry;
}

/** `database`: for a second node on the same data. */
export type EngineRegistry = TestRegistry & { readonly database: DatabaseSettings };

export function onBothEngines(
  area: string,
  suite: (parts: ProtocolSuite) => void,
  options: TestRegistryOptions = {},
): void {
  const missing = postgresMissing();
  const engines = [
    { engine: 'SQLite', run: test as ConditionalTest, isHere: true },
    {
      engine: 'PostgreSQL',
      run: requires('postgres', missing === undefined, missing ?? ''),
      isHere: missing === undefined,
    },
  ] as const;
  for (const { engine, run, isHere } of engines) {
    describe(`${area} on ${engine}`, () => {
      let running: EngineRegistry | undefined;
      beforeAll(async () => {
        if (!isHere) return;
        const settings = engine === 'SQLite' ? undefined : await postgresSettings();
        const started = await startTestRegistry({
          ...options,
          ...(settings && { database: settings }),
        });
        const path = join(started.directory, 'entrepot.db');
        running = { ...started, database: settings ?? { kind: 'sqlite', path } };
      }, 60_000);
      afterAll(async () => {
        await running?.stop();
        expect(running?.faults ?? []).toEqual([]);
      });
      suite({
        test: run,
        registry() {
          if (running === undefined) throw new Error('the registry is not running');
          return running;
        },
      });
    });
  }
}

async function postgresSettings(): Promise<DatabaseSettings> {
  return { kind: 'postgres', url: await (await startPostgres()).createDatabase() };
}
