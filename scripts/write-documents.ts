// Writes the parts of the documentation that are made from the code: node bin/run.mjs scripts/write-documents.ts
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expectedDocuments } from './documents.ts';

const root = resolve(import.meta.dir, '..');
for (const [path, text] of expectedDocuments(root)) writeFileSync(join(root, path), text);
