// The body of a request: stalls by a clock of the test's own, limits, and clients that vanish.
import { describe, expect, test } from 'bun:test';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import { ClientGoneError, RequestBody, streamedBody, wholeBody } from './request-body.ts';
import { ManualTimer } from './suite-manual-timer.ts';

interface Source {
  readonly body: RequestBody;
  readonly timer: ManualTimer;
  send(text: string): void;
  end(): void;
  breakOff(): void;
}

function bodyOf(length?: number): Source {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(c) {
      controller = c;
    },
  });
  const timer = new ManualTimer();
  return {
    body: new RequestBody(streamedBody(stream), { length, timer }),
    timer,
    send: (text) => controller?.enqueue(Buffer.from(text)),
    end: () => controller?.close(),
    breakOff: () => controller?.error(new Error('reset')),
  };
}

function codeOf(error: unknown): string {
  return error instanceof RegistryError ? error.code : String(error);
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.unreachable(`resolved with ${value}`),
    (error: unknown) => error,
  );
}

describe('a body', () => {
  test('gives chunk by chunk and counts what it gave', async () => {
    const { body, send, end } = bodyOf();
    send('abc');
    expect(Buffer.from((await body.next()) ?? []).toString()).toBe('abc');
    expect(body.received).toBe(3);
    end();
    expect(await body.next()).toBeUndefined();
    expect(await body.next()).toBeUndefined();
    expect(body.isGivenUp).toBe(false);
  });

  test('that is not there has length 0, whatever was announced', async () => {
    const body = new RequestBody(undefined, { length: 7, timer: new ManualTimer() });
    expect(body.length).toBe(0);
    expect(await body.next()).toBeUndefined();
  });

  test('that is known to be small comes in one piece', async () => {
    const source = wholeBody(async () => Buffer.from('abc'));
    const body = new RequestBody(source, { length: 3, timer: new ManualTimer() });
    expect(Buffer.from((await body.next()) ?? []).toString()).toBe('abc');
    expect(await body.next()).toBeUndefined();
    expect(body.received).toBe(3);
  });

  test('that breaks off means that the client is gone, now and later', async () => {
    const { body, breakOff } = bodyOf(10);
    breakOff();
    expect(await failure(body.next())).toBeInstanceOf(ClientGoneError);
    expect(await failure(body.next())).toBeInstanceOf(ClientGoneError);
    expect(body.isGivenUp).toBe(true);
  });
});

describe('a stalled client', () => {
  test('is given up after the time without a byte, not before', async () => {
    const { body, timer } = bodyOf();
    const waiting = failure(body.next());
    timer.advance(LIMITS.stallMs - 1);
    expect(body.isGivenUp).toBe(false);
    timer.advance(1);
    const error = await waiting;
    expect(codeOf(error)).toBe('REQUEST_INVALID');
    expect(String(error)).toContain('No byte came for 120 seconds');
    expect(body.isGivenUp).toBe(true);
  });

  test('that sends one byte now and then is only slow', async () => {
    const { body, timer, send } = bodyOf();
    for (let i = 0; i < 5; i++) {
      const waiting = body.next();
      timer.advance(LIMITS.stallMs - 1);
      send('x');
      expect((await waiting)?.length).toBe(1);
    }
    expect(body.isGivenUp).toBe(false);
  });

  test('is not blamed for the time that the registry takes to write', async () => {
    const { body, timer, send } = bodyOf();
    send('x');
    await body.next();
    timer.advance(5 * LIMITS.stallMs);
    send('y');
    expect((await body.next())?.length).toBe(1);
    const waiting = failure(body.next());
    timer.advance(LIMITS.stallMs - 1);
    expect(body.isGivenUp).toBe(false);
    timer.advance(LIMITS.stallMs);
    expect(codeOf(await waiting)).toBe('REQUEST_INVALID');
  });

  test('leaves no timer behind: after the end, a cancel or a release', async () => {
    const ended = bodyOf();
    ended.send('x');
    ended.end();
    while ((await ended.body.next()) !== undefined);
    expect(ended.timer.pending).toBe(0);

    const released = bodyOf();
    released.send('x');
    await released.body.next();
    expect(released.timer.pending).toBe(1);
    released.body.release();
    expect(released.timer.pending).toBe(0);

    const cancelled = bodyOf();
    const waiting = failure(cancelled.body.next());
    cancelled.body.cancel(new RegistryError('RANGE_INVALID'));
    expect(codeOf(await waiting)).toBe('RANGE_INVALID');
    expect(cancelled.timer.pending).toBe(0);
  });
});

describe('readWhole', () => {
  const anyRoom = () => {};

  test('takes a body of just the limit', async () => {
    const { body, send, end } = bodyOf();
    send('ab');
    send('cd');
    end();
    expect(Buffer.from(await body.readWhole(4, 'manifest', anyRoom)).toString()).toBe('abcd');
  });

  test('refuses an announced length without reading a byte', async () => {
    const { body } = bodyOf(5);
    const error = await failure(body.readWhole(4, 'manifest', anyRoom));
    expect(codeOf(error)).toBe('SIZE_TOO_LARGE');
    expect(String(error)).toContain('has 5.');
    expect(body.received).toBe(0);
  });

  test('refuses an unannounced one as soon as it is over the limit', async () => {
    const { body, send } = bodyOf();
    send('abc');
    send('de');
    send('never read');
    expect(codeOf(await failure(body.readWhole(4, 'manifest', anyRoom)))).toBe('SIZE_TOO_LARGE');
    expect(body.received).toBe(5);
  });
});
