import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { Connection, type Endpoint, prepareRequest } from './http-client.ts';

const MEGABYTES_8 = 8 * 1024 * 1024;
let http: ReturnType<typeof Bun.serve>;
let endpoint: Endpoint;

beforeAll(() => {
  http = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (request.method === 'PUT') {
        const hash = createHash('sha256');
        for await (const chunk of request.body ?? []) hash.update(chunk);
        return new Response(hash.digest('hex'), { status: 201 });
      }
      if (request.url.endsWith('/stream')) return new Response(new Blob(['a', 'bc']).stream());
      return new Response('hello', { headers: { 'x-agent': 'one' } });
    },
  });
  endpoint = { hostname: '127.0.0.1', port: http.port ?? 0 };
});
afterAll(() => http.stop(true));

/** A server that answers each request with the next of these texts, then closes if told so. */
async function scripted(answers: readonly string[], close: boolean) {
  let connections = 0;
  let next = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write(answers[next++] ?? '');
      if (close) socket.end();
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return {
    endpoint: { hostname: '127.0.0.1', port: address.port },
    connections: () => connections,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('one connection carries many requests, one after another', async () => {
  const connection = new Connection(endpoint);
  const get = prepareRequest(endpoint, { method: 'GET', target: '/' });
  const head = prepareRequest(endpoint, { method: 'HEAD', target: '/' });
  for (let round = 0; round < 3; round++) {
    const answer = await connection.send(get, { keep: true });
    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.body).toString()).toBe('hello');
    expect(answer.header('x-agent')).toBe('one');
    const asked = await connection.send(head);
    expect([asked.status, asked.announced, asked.received]).toEqual([200, 5, 0]);
  }
  connection.close();
});

test('a body that is larger than any buffer arrives as it was sent', async () => {
  const connection = new Connection(endpoint);
  const body = Buffer.alloc(MEGABYTES_8, 'entrepot ');
  const put = prepareRequest(endpoint, { method: 'PUT', target: '/', length: body.length });
  const answer = await connection.send(put, { body, keep: true });
  const digest = createHash('sha256').update(body).digest('hex');
  expect(answer.status).toBe(201);
  expect(Buffer.from(answer.body).toString()).toBe(digest);
  connection.close();
});

test('a stream without a length is read to its end', async () => {
  const connection = new Connection(endpoint);
  const get = prepareRequest(endpoint, { method: 'GET', target: '/stream' });
  const answer = await connection.send(get, { keep: true });
  expect(Buffer.from(answer.body).toString()).toBe('abc');
  connection.close();
});

test('a connection that the server closed is opened again', async () => {
  const server = await scripted(
    [
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na',
      'HTTP/1.1 200 OK\r\n\r\nuntil the end',
    ],
    true,
  );
  const connection = new Connection(server.endpoint);
  const get = prepareRequest(server.endpoint, { method: 'GET', target: '/' });
  expect((await connection.send(get)).received).toBe(1);
  expect((await connection.send(get)).received).toBe(13);
  expect(server.connections()).toBe(2);
  connection.close();
  server.stop();
});

test('an answer that is cut is an error', async () => {
  const server = await scripted(['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na'], true);
  const connection = new Connection(server.endpoint);
  const get = prepareRequest(server.endpoint, { method: 'GET', target: '/' });
  await expect(connection.send(get)).rejects.toThrow('in the middle');
  server.stop();
});

test('a server that is not there is an error', async () => {
  const server = await scripted([], false);
  server.stop();
  const connection = new Connection(server.endpoint);
  const get = prepareRequest(server.endpoint, { method: 'GET', target: '/' });
  await expect(connection.send(get)).rejects.toThrow();
});
