// A registry in a process of its own, so that a test can measure its memory and nothing else's. Prints its
// port, and ends with its standard input.
import { startTestRegistry } from '../support/entrepot.ts';

const registry = await startTestRegistry();
process.stdout.write(`${registry.port}\n`);
for await (const _ of process.stdin);
await registry.stop();
process.exit(registry.faults.length === 0 ? 0 : 1);
