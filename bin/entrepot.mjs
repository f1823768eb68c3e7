#!/usr/bin/env node
// The `entrepot` command: makes sure that everything is installed, then becomes src/cli/main.ts.
import { join } from 'node:path';
import { fail, prepare, root, runInstead } from './prepare.mjs';

try {
  const bun = prepare({ development: false });
  runInstead({ bun, file: join(root, 'src/cli/main.ts'), args: process.argv.slice(2) });
} catch (error) {
  fail(error);
}
