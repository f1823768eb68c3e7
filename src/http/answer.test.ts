// What all answers have in common, without a socket.
import { describe, expect, test } from 'bun:test';
import { ANONYMOUS } from '../access/principal.ts';
import { RegistryError } from '../oci/errors.ts';
import { type AccessLine, type AnswerParts, answer } from './answer.ts';
import type { RequestObservation } from './metrics.ts';
import type { Reply } from './reply.ts';
import { RequestBody, streamedBody } from './request-body.ts';
import { ManualTimer } from './suite-manual-timer.ts';
import type { TokenParts } from './token/token-service.ts';
import { ManifestRoom } from './v2/manifest-room.ts';
import type { V2Parts } from './v2/parts.ts';

interface Answered {
  readonly reply: Reply;
  readonly lines: AccessLine[];
  readonly observations: RequestObservation[];
  readonly faults: RegistryError[];
}

interface Ask {
  readonly method?: string;
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly body?: RequestBody;
  readonly prefix?: string;
  /** Stands for who asks; the first thing that is looked at. */
  readonly identify?: () => unknown;
}

const nobody = () => ({ shown: 'bearer', standing: { principal: ANONYMOUS }, bearer: undefined });

async function ask(request: Ask): Promise<Answered> {
  const lines: AccessLine[] = [];
  const observations: RequestObservation[] = [];
  const faults: RegistryError[] = [];
  const parts: AnswerParts = {
    v2: {
      // The first thing that a handler asks for.
      gate: {
        known: () => undefined,
        identify: async () => (request.identify ?? nobody)(),
        admitted: () => ({}),
        oldNames: { areOldNamesKnown: true, oldName: () => undefined },
      },
      manifestRoom: new ManifestRoom(),
      pullLog: undefined,
    } as unknown as V2Parts,
    token: {} as TokenParts,
    api: {} as AnswerParts['api'],
    operate: {
      admitToMetrics: async () => {},
      checkReady: () => Promise.reject(new Error('secret')),
      isDraining: () => false,
      metrics: async () => ({ contentType: 'text/plain', text: 'a 1\n' }),
    },
    pathPrefix: request.prefix ?? '',
    observe: (observation) => void observations.push(observation),
    log: {
      access: (line) => void lines.push(line),
      fault: (error) => void faults.push(error),
    },
  };
  const reply = await answer(parts, {
    id: 'id-1',
    method: request.method ?? 'GET',
    target: request.target,
    headers: new Headers(request.headers),
    body: request.body ?? new RequestBody(undefined, { length: 0, timer: new ManualTimer() }),
    client: () => '192.0.2.1',
    origin: () => 'http://registry.test',
  });
  return { reply, lines, observations, faults };
}

function textOf({ reply }: Answered): string {
  return reply.body.kind === 'bytes' ? reply.body.bytes.toString() : '';
}

describe('the headers of all', () => {
  test('stand on every answer of /v2/, good or bad, and nowhere else', async () => {
    for (const [target, isV2] of [
      ['/v2/', true],
      ['/v2', true],
      ['/v2/?x=1', true],
      ['/v2/nothing', true],
      ['/v2x', false],
      ['/livez', false],
      ['/nothing', false],
    ] as const) {
      const { headers } = (await ask({ target })).reply;
      expect(headers['X-Request-Id']).toBe('id-1');
      const version = headers['Docker-Distribution-API-Version'];
      expect([target, version]).toEqual([target, isV2 ? 'registry/2.0' : undefined]);
      expect(headers.Connection).toBeUndefined();
    }
  });

  test('the request id of an error is in its body too', async () => {
    const answered = await ask({ target: '/v2/nothing' });
    expect(JSON.parse(textOf(answered)).errors[0].detail.requestId).toBe('id-1');
  });
});

describe('a path prefix', () => {
  test('holds for what is not /v2/', async () => {
    const status = async (target: string) =>
      (await ask({ target, prefix: '/registry' })).reply.status;
    expect(await status('/registry/livez')).toBe(200);
    expect(await status('/livez')).toBe(404);
    expect(await status('/registrylivez')).toBe(404);
    expect(await status('/v2/')).toBe(200);
    expect(await status('/registry/v2/')).toBe(404);
  });
});

describe('a fault', () => {
  test('is logged with its cause, and answered without it', async () => {
    const cause = new Error('secret');
    const answered = await ask({
      target: '/v2/a/tags/list',
      identify: () => {
        throw cause;
      },
    });
    expect(answered.reply.status).toBe(500);
    expect(textOf(answered)).not.toContain('secret');
    expect(answered.faults.map((fault) => fault.cause)).toEqual([cause]);
    expect(answered.lines[0]).toMatchObject({ code: 'INTERNAL', status: 500 });
  });

  test('is none where the client was wrong', async () => {
    const answered = await ask({
      target: '/v2/a/tags/list',
      identify: () => {
        throw new RegistryError('DENIED', 'Not you.');
      },
    });
    expect([answered.reply.status, answered.faults]).toEqual([403, []]);
    expect(textOf(answered)).toContain('Not you.');
  });

  test('of readiness is logged', async () => {
    const answered = await ask({ target: '/readyz' });
    expect(answered.reply.status).toBe(503);
    expect(answered.faults.map((fault) => String(fault.cause))).toEqual(['Error: secret']);
    expect(textOf(answered)).not.toContain('secret');
  });
});

test('a client that went away is 499 in the log and no fault', async () => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.error(new Error('reset'));
    },
  });
  const answered = await ask({
    method: 'PUT',
    target: '/v2/a/manifests/v1',
    body: new RequestBody(streamedBody(stream), { length: 9, timer: new ManualTimer() }),
  });
  expect(answered.reply.status).toBe(499);
  expect(answered.reply.headers.Connection).toBe('close');
  expect(answered.faults).toEqual([]);
  expect(answered.lines[0]).toMatchObject({ status: 499, bytesSent: 0 });
});

test('an address that is too long is 414, counted with its query', async () => {
  const answered = await ask({ target: `/v2/_catalog?last=${'a'.repeat(20_000)}` });
  expect(answered.reply.status).toBe(414);
});

test('an access line tells what was asked, by whom, and how it ended', async () => {
  const headers = { 'User-Agent': 'docker/27' };
  const { lines, observations } = await ask({ target: '/v2/?n=1', headers });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.userAgent()).toBe('docker/27');
  expect(lines[0]).toMatchObject({
    id: 'id-1',
    method: 'GET',
    path: '/v2/',
    operation: 'ping',
    status: 200,
    code: undefined,
    bytesSent: 2,
    bytesReceived: 0,
  });
  expect(observations).toHaveLength(1);
  expect(observations[0]).toMatchObject({ operation: 'ping', status: 200, bytesSent: 2 });
  const head = await ask({ method: 'HEAD', target: '/v2/' });
  expect(head.observations[0]).toMatchObject({ bytesSent: 0 });
  expect(head.reply.length).toBe(2);
});
