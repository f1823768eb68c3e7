// Some dozens of interleavings on a real PostgreSQL; thousands by hand, see main.ts.
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { postgresMissing } from '../../support/postgres.ts';
import { requires } from '../../support/requires.ts';
import { type Connection, openHistories } from './connection.ts';
import { interleave } from './interleave.ts';
import { NO_LOCK } from './planted.ts';

const missing = postgresMissing();
const test = requires('postgres', missing === undefined, missing ?? '');

/** Each takes about a tenth of a second. */
const SEEDS = 60;
/** Histories in which a bug on purpose has to show; about one in a hundred does. */
const MOST_SEEDS = 600;

describe('transactions on PostgreSQL, statement by statement', () => {
  let connection: Connection;
  beforeAll(async () => {
    if (missing === undefined) connection = await openHistories();
  }, 60_000);
  afterAll(() => connection?.end());

  test('leave every tag whole, every counter right and nothing behind', async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { broken, trace } = await interleave(connection, { seed });
      if (broken !== undefined) throw new Error(`seed ${seed}: ${broken}\n${trace.join('\n')}`);
    }
  }, 120_000);

  test('a collector that takes no lock is found out', async () => {
    let found: number | undefined;
    for (let seed = 1; seed <= MOST_SEEDS && found === undefined; seed += 1) {
      const { broken } = await interleave(connection, { seed, change: NO_LOCK });
      if (broken !== undefined) found = seed;
    }
    expect(found).toBeDefined();
  }, 200_000);
});
