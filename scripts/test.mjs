// `npm test`: makes sure that everything is installed, then runs the stages of test-run.ts.
import { join } from 'node:path';
import { fail, prepare, root, runInstead } from '../bin/prepare.mjs';

try {
  const bun = prepare({ development: true });
  runInstead({ bun, file: join(root, 'scripts/test-run.ts'), args: process.argv.slice(2) });
} catch (error) {
  fail(error);
}
