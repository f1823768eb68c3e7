// Runs any TypeScript file of the checkout with Bun: `node bin/run.mjs bench/main.ts …`.
import { resolve } from 'node:path';
import { fail, prepare, runInstead } from './prepare.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Name the file to run: node bin/run.mjs FILE [ARGUMENT…]\n');
  process.exitCode = 2;
} else {
  try {
    runInstead({ bun: prepare({ development: true }), file: resolve(file), args });
  } catch (error) {
    fail(error);
  }
}
