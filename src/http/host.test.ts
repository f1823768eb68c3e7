// The runtime's server: when it answers. What it answers is tested over the whole program.
import { expect, test } from 'bun:test';
import type { AnswerParts } from './answer.ts';
import { startHost } from './host.ts';

test('requests that come before the server is ready wait for it', async () => {
  const ready = Promise.withResolvers<void>();
  let observed = 0;
  const host = startHost({
    hostname: '127.0.0.1',
    port: 0,
    certificate: undefined,
    trusted: () => false,
    answersAfter: ready.promise,
    answer: {
      pathPrefix: '',
      operate: { checkReady: async () => {}, isDraining: () => false },
      observe: () => {
        observed += 1;
      },
      log: { access: () => {}, fault: () => {} },
    } as unknown as AnswerParts,
  });
  try {
    const isHere = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: host.port,
      socket: { data: () => isHere.resolve() },
    });
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    // A connection that came later and asks for nothing is served first: the other one waits.
    const first = await Promise.race([
      isHere.promise.then(() => 'answer'),
      laterConnection(host.port),
    ]);
    expect([first, observed]).toEqual(['connected', 0]);
    ready.resolve();
    await isHere.promise;
    expect(observed).toBe(1);
    socket.end();
  } finally {
    await host.stop(0);
  }
});

async function laterConnection(port: number): Promise<string> {
  for (let count = 0; count < 5; count += 1) {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data: () => {} } });
    socket.end();
  }
  return 'connected';
}
