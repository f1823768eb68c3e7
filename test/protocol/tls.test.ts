// TLS: a certificate that is renewed while clients push and pull.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { readPair } from '../../src/app/certificate-watch.ts';
import {
  authorityCertificate,
  issueCertificate,
  serverFiles,
} from '../../src/app/local-authority.ts';
import { type Host, startHost } from '../../src/http/host.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { digestOf, seededContent, startUpload } from './push.ts';
import { until } from './until.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-tls-'));
let registry: TestRegistry;

async function newPair(names: readonly string[]) {
  const subject = { names: [...names], addresses: ['127.0.0.1'] };
  await issueCertificate(directory, subject, Date.now());
  return readPair(serverFiles(directory), Date.now());
}

/**
 * Connections that wait to be accepted when the old listener closes are reset by the kernel (unless
 * net.ipv4.tcp_migrate_req is set). Clients try such a connection again, and so do these.
 */
async function unlessReset<R>(connectAndAsk: () => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connectAndAsk();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ECONNRESET' || attempt === 3) throw error;
    }
  }
}

/** The serial number of the certificate that a new connection is shown. */
function shownSerial(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(authorityCertificate(directory));
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

beforeAll(async () => {
  registry = await startTestRegistry();
});

afterAll(async () => {
  await registry.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('a renewed certificate', () => {
  let host: Host;
  afterAll(() => host.stop(5_000));

  test('is shown to new connections, and no request of the old ones is lost', async () => {
    const first = await newPair(['localhost']);
    host = startHost({
      hostname: '127.0.0.1',
      port: 0,
      certificate: first,
      trusted: () => false,
      answer: registry.program.answer,
    });
    const { port } = host;
    const url = `https://localhost:${port}`;
    const ca = readFileSync(authorityCertificate(directory), 'utf8');
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(url + path, { ...init, tls: { ca } } as RequestInit);
    const serials = [new X509Certificate(first.cert).serialNumber];
    expect(await shownSerial(port)).toBe(serials[0] as string);

    // A body that is under way during all renewals.
    const content = seededContent(3_000_000, 'renewal');
    const location = await startUpload(registry.url, 'tls/slow');
    const sent = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(content.slice(0, 1_000_000));
        await sent.promise;
        controller.enqueue(content.slice(1_000_000));
        controller.close();
      },
    });
    const slow = ask(`${location}?digest=${digestOf(content)}`, { method: 'PUT', body });

    const { live } = registry.program.answer.v2.upload;
    const id = location.split('/').at(-1) ?? '';
    await until(() => live.isWriting(id), 'the slow upload is under way');

    let isOver = false;
    let answered = 0;
    const client = async () => {
      while (!isOver) {
        const close = { headers: { Connection: 'close' } };
        const { status } = await unlessReset(() => ask('/v2/', close));
        expect(status).toBe(401);
        answered += 1;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    for (const names of [
      ['localhost', 'one.test'],
      ['localhost', 'two.test'],
      ['localhost', 'three.test'],
    ]) {
      const before = answered;
      const pair = await newPair(names);
      host.renewCertificate(pair);
      serials.push(new X509Certificate(pair.cert).serialNumber);
      expect(await unlessReset(() => shownSerial(port))).toBe(serials.at(-1) as string);
      while (answered < before + 20) await unlessReset(() => ask('/v2/'));
    }
    isOver = true;
    await clients;
    sent.resolve();
    expect((await slow).status).toBe(201);
    expect(new Set(serials).size).toBe(4);
    expect(registry.faults).toEqual([]);
  }, 60_000);
});
