// What clients that send large manifests slowly can take of the memory.
import { expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { RequestBody } from '../request-body.ts';
import { ManualTimer } from '../suite-manual-timer.ts';
import { ManifestRoom } from './manifest-room.ts';

/** A body whose chunks come when they are sent. */
function sentBody() {
  const chunks: (Uint8Array | undefined)[] = [];
  let wake = () => {};
  const source = async () => {
    while (chunks.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return chunks.shift();
  };
  const push = (chunk: Uint8Array | undefined) => {
    chunks.push(chunk);
    wake();
  };
  return {
    body: new RequestBody(source, { length: undefined, timer: new ManualTimer() }),
    send: (text: string) => push(Buffer.from(text)),
    end: () => push(undefined),
  };
}

async function codeOf(received: Promise<unknown>): Promise<string> {
  return received.then(
    () => 'taken',
    (error: unknown) => (error instanceof RegistryError ? error.code : String(error)),
  );
}

const sizeOf = async (bytes: Uint8Array) => bytes.length;

test('what has come and is not done with takes room; beyond it the next is told to wait', async () => {
  const room = new ManifestRoom(10);
  const slow = sentBody();
  slow.send('12345678');
  const held = room.receive(slow.body, sizeOf);
  const next = sentBody();
  next.send('ab');
  const working = Promise.withResolvers<void>();
  const fits = room.receive(next.body, () => working.promise);
  next.end();
  const other = sentBody();
  other.send('c');
  expect(await codeOf(room.receive(other.body, sizeOf))).toBe('TOOMANYREQUESTS');
  working.resolve();
  await fits;
  const again = sentBody();
  again.send('cd');
  again.end();
  expect(await room.receive(again.body, sizeOf)).toBe(2);
  slow.end();
  expect(await held).toBe(8);
});

test('room comes back from what fails', async () => {
  const room = new ManifestRoom(4);
  for (let i = 0; i < 3; i++) {
    const large = sentBody();
    large.send('abc');
    large.send('de');
    expect(await codeOf(room.receive(large.body, sizeOf))).toBe('TOOMANYREQUESTS');
    const bad = sentBody();
    bad.send('abcd');
    bad.end();
    const refuse = () => Promise.reject(new RegistryError('MANIFEST_INVALID'));
    expect(await codeOf(room.receive(bad.body, refuse))).toBe('MANIFEST_INVALID');
  }
});
