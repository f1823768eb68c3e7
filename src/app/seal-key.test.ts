// The key file: made once, for its owner only, and never replaced.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readExistingSealKey, readSealKey } from './seal-key.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'entrepot-key-'));
});
afterEach(() => rmSync(data, { recursive: true }));

test('the first start makes one that only its owner reads; later ones find it', () => {
  const key = readSealKey({ keyFile: undefined, data });
  expect(key).toHaveLength(32);
  const path = join(data, 'seal.key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readSealKey({ keyFile: undefined, data })).toEqual(key);
  expect(readExistingSealKey({ keyFile: undefined, data })).toEqual(key);
  const other = mkdtempSync(join(tmpdir(), 'entrepot-key-'));
  try {
    expect(readSealKey({ keyFile: undefined, data: other })).not.toEqual(key);
  } finally {
    rmSync(other, { recursive: true });
  }
});

test('a file that was named is read and never made', () => {
  const keyFile = join(data, 'named');
  expect(() => readSealKey({ keyFile, data })).toThrow(`${keyFile} cannot be read`);
  expect(existsSync(keyFile)).toBe(false);
  expect(existsSync(join(data, 'seal.key'))).toBe(false);
  expect(() => readExistingSealKey({ keyFile: undefined, data })).toThrow('cannot be read');
  expect(existsSync(join(data, 'seal.key'))).toBe(false);
});

test('what holds no key is refused without being shown, and stays', () => {
  const path = join(data, 'seal.key');
  writeFileSync(path, 'not a key\n');
  const read = () => readSealKey({ keyFile: undefined, data });
  expect(read).toThrow('must hold 32 random bytes in base64');
  expect(read).not.toThrow('not a key');
  expect(readFileSync(path, 'utf8')).toBe('not a key\n');
});
