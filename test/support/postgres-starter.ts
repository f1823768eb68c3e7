// Run as a program by postgres.test.ts: starts a server, says where it is, and waits to be killed.
import { startServer } from './postgres-server.ts';

const server = await startServer();
process.stdout.write(`${server.url}\n`);
setInterval(() => {}, 60_000);
