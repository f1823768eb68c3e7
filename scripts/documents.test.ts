import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SETTING_NAMES } from '../src/app/settings.ts';
import { expectedDocuments } from './documents.ts';

const root = resolve(import.meta.dir, '..');

test('what is made from the code is up to date (node bin/run.mjs scripts/write-documents.ts)', () => {
  for (const [path, text] of expectedDocuments(root)) {
    expect([path, existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8')]).toEqual([
      path,
      text,
    ]);
  }
});

test('the schema knows every setting, says what it is for, and refuses others', () => {
  const schema = JSON.parse(expectedDocuments(root).get('docs/entrepot.schema.json') ?? '');
  expect(Object.keys(schema.properties)).toEqual([...SETTING_NAMES]);
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toBeUndefined();
  for (const property of Object.values<{ description: string }>(schema.properties)) {
    expect(property.description.length).toBeGreaterThan(10);
  }
});

test('every numbered behaviour of clients is shown in the files that its line names', () => {
  const guide = readFileSync(join(root, 'docs/client-behaviours.md'), 'utf8');
  const said: string[] = [];
  for (const [, number, files = ''] of guide.matchAll(/^\| (\d+) \|.*\| (\[.*) \|$/gm)) {
    for (const [, name] of files.matchAll(/test\/protocol\/([a-z-]+)\.test/g)) {
      said.push(`${number} ${name}`);
    }
  }
  const shown = new Set<string>();
  for (const file of readdirSync(join(root, 'test/protocol'))) {
    const text = readFileSync(join(root, 'test/protocol', file), 'utf8');
    for (const [, number] of text.matchAll(/['`]clients (\d+): /g)) {
      shown.add(`${number} ${file.replace('.test.ts', '')}`);
    }
  }
  expect(shown.size).toBeGreaterThan(20);
  expect(said.sort()).toEqual([...shown].sort());
});
