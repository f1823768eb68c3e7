// The keys of bearer tokens in one process: what is read again, and when.
import { beforeEach, expect, test } from 'bun:test';
import type { Commands } from '../../metadata/command.ts';
import type { SigningKeyRow } from '../../metadata/signing-keys.ts';
import type { Sql } from '../../metadata/sql.ts';
import { sealWith } from '../seal.ts';
import type { SigningKeyCommands } from './signing-key.command.ts';
import { newSigningKey, SigningKeys } from './signing-keys.ts';

const seal = sealWith(new Uint8Array(32));
const row = (): SigningKeyRow => ({ ...newSigningKey(seal), createdAt: 0, retiredAt: null });

let rows: SigningKeyRow[];
let reads: number;
/** Reads are answered when it is settled, with what was there when they were asked. */
let answer: Promise<void>;
let time: number;
let keys: SigningKeys;
beforeEach(() => {
  rows = [row()];
  reads = 0;
  answer = Promise.resolve();
  time = 1_000_000;
  const all = async () => {
    reads += 1;
    const found = rows;
    await answer;
    return found;
  };
  const sql = { engine: 'sqlite', all } as unknown as Sql;
  const commands = {} as Commands<SigningKeyCommands>;
  keys = new SigningKeys({ sql, commands, seal, now: () => time });
});

const kid = () => rows[0]?.kid ?? '';

test('after a change a key is read once for all who ask, and none is told that it is unknown', async () => {
  const { kid: signing } = await keys.current();
  keys.forget();
  const { promise, resolve } = Promise.withResolvers<void>();
  answer = promise;
  const asked = [keys.find(signing), keys.find(signing), keys.find(signing)];
  resolve();
  for (const key of await Promise.all(asked)) expect(key?.type).toBe('public');
  expect(reads).toBe(2);
});

test('a key that was taken away verifies and signs no more, though a look was under way', async () => {
  const { kid: leaked } = await keys.current();
  time += 2_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  answer = promise;
  const before = keys.find('of somebody else');
  rows = [row()];
  keys.forget();
  const after = keys.find(leaked);
  resolve();
  expect([await before, await after]).toEqual([undefined, undefined]);
  expect((await keys.current()).kid).toBe(kid());
});

test('keys that are not known cost one look a second, also when the clock is set back', async () => {
  await keys.current();
  rows = [row()];
  time += 500;
  expect([await keys.find(kid()), reads]).toEqual([undefined, 1]);
  time -= 3_600_000;
  expect((await keys.find(kid()))?.type).toBe('public');
  expect((await keys.current()).kid).toBe(kid());
});
