// The writer of an upload against a file that does what the test says: short writes, faults, stalls.
import { describe, expect, test } from 'bun:test';
import { faultOf, patternBytes } from './blob-store.suite.ts';
import { UploadFileWriter, type WritableFile, type WriterPool } from './upload-file.ts';
import { WRITE_BUFFER_BYTES, WriteBuffers } from './write-buffers.ts';

const MIB = 1024 * 1024;

class FakeFile implements WritableFile {
  bytes = new Uint8Array(64 * MIB);
  readonly writes: { position: number; length: number }[] = [];
  syncs = 0;
  closed = 0;
  /** At most so many bytes a call. */
  takes = Infinity;
  writeFault: Error | undefined;
  /** What a sync waits for. */
  syncGate: Promise<void> = Promise.resolve();
  /** What a write waits for. */
  writeGate: Promise<void> = Promise.resolve();

  async write(bytes: Uint8Array, offset: number, length: number, position: number) {
    if (this.closed > 0) throw new Error('a write after the close');
    await this.writeGate;
    if (this.writeFault) throw this.writeFault;
    const bytesWritten = Math.min(length, this.takes);
    this.bytes.set(bytes.subarray(offset, offset + bytesWritten), position);
    this.writes.push({ position, length: bytesWritten });
    return { bytesWritten };
  }

  async datasync(): Promise<void> {
    if (this.closed > 0) throw new Error('a sync after the close');
    this.syncs += 1;
    await this.syncGate;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

function openWriter(file: FakeFile, offset = 0) {
  const pool: WriterPool = { buffers: new WriteBuffers(), earlySyncs: 0 };
  const told = { abandoned: 0, ended: 0 };
  const writer = new UploadFileWriter({
    role: 'upload u',
    handle: file,
    offset,
    pool,
    async abandon() {
      told.abandoned += 1;
    },
    ended() {
      told.ended += 1;
    },
  });
  return { writer, pool, told };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('writer of an upload file', () => {
  test('small chunks are gathered: one write a buffer, each at its place', async () => {
    const file = new FakeFile();
    const { writer } = openWriter(file, 1000);
    const whole = patternBytes(WRITE_BUFFER_BYTES * 3 + 5);
    for (let at = 0; at < whole.length; at += 16_384) {
      await writer.write(whole.subarray(at, at + 16_384));
    }
    await writer.close();
    expect(file.writes).toEqual([
      { position: 1000, length: WRITE_BUFFER_BYTES },
      { position: 1000 + WRITE_BUFFER_BYTES, length: WRITE_BUFFER_BYTES },
      { position: 1000 + WRITE_BUFFER_BYTES * 2, length: WRITE_BUFFER_BYTES },
      { position: 1000 + WRITE_BUFFER_BYTES * 3, length: 5 },
    ]);
    expect(Buffer.compare(file.bytes.subarray(1000, 1000 + whole.length), whole)).toBe(0);
  });

  test('a system that takes fewer bytes than offered is asked again for the rest', async () => {
    const file = new FakeFile();
    file.takes = 1000;
    const { writer } = openWriter(file);
    await writer.write(patternBytes(4500));
    await writer.close();
    expect(file.writes.map(({ length }) => length)).toEqual([1000, 1000, 1000, 1000, 500]);
    expect(Buffer.compare(file.bytes.subarray(0, 4500), patternBytes(4500))).toBe(0);
  });

  test('a small upload is not synced before the commit', async () => {
    const file = new FakeFile();
    const { writer } = openWriter(file);
    await writer.write(patternBytes(1000));
    await writer.close();
    expect(file.syncs).toBe(0);
    expect(file.closed).toBe(1);
  });

  test('a large one is synced on the way, so that the commit finds little', async () => {
    const file = new FakeFile();
    const { writer } = openWriter(file);
    const piece = new Uint8Array(MIB);
    for (let turn = 0; turn < 33; turn += 1) await writer.write(piece);
    await writer.close();
    await writer.retire();
    expect(file.syncs).toBeGreaterThanOrEqual(4);
    expect(file.closed).toBe(1);
  });

  test('a slow early sync holds up neither writes nor the close; the commit waits for it', async () => {
    const file = new FakeFile();
    const gate = Promise.withResolvers<void>();
    file.syncGate = gate.promise;
    const { writer, told } = openWriter(file);
    for (let turn = 0; turn < 20; turn += 1) await writer.write(new Uint8Array(MIB));
    await writer.close();
    expect([file.syncs, file.closed, told.ended]).toEqual([1, 0, 0]);
    const retired = writer.retire();
    gate.resolve();
    await retired;
    expect([file.closed, told.ended]).toEqual([1, 1]);
  });

  test('one store runs two early syncs at once and no more', async () => {
    const gate = Promise.withResolvers<void>();
    const pool: WriterPool = { buffers: new WriteBuffers(), earlySyncs: 0 };
    const files = Array.from({ length: 5 }, () => new FakeFile());
    const writers = files.map((file) => {
      file.syncGate = gate.promise;
      const noop = async () => undefined;
      const options = { role: 'upload u', handle: file, offset: 0, pool };
      return new UploadFileWriter({ ...options, abandon: noop, ended: noop });
    });
    for (const writer of writers) {
      await writer.write(new Uint8Array(2 * MIB));
      await writer.close();
    }
    expect(files.reduce((sum, file) => sum + file.syncs, 0)).toBe(2);
    gate.resolve();
    for (const writer of writers) await writer.retire();
    expect(pool.earlySyncs).toBe(0);
  });

  test('a fault of a write is told at the next call, once, and nothing is written after it', async () => {
    const file = new FakeFile();
    file.writeFault = systemError('ENOSPC');
    const { writer, told } = openWriter(file);
    const write = async () => {
      for (let turn = 0; turn < 8; turn += 1)
        await writer.write(new Uint8Array(WRITE_BUFFER_BYTES));
    };
    expect(await faultOf(write())).toBe('full');
    file.writeFault = undefined;
    expect(await faultOf(writer.write(new Uint8Array(WRITE_BUFFER_BYTES)))).toBe('full');
    expect(await faultOf(writer.close())).toBe('none');
    expect(file.writes).toEqual([]);
    expect([file.closed, told.ended, told.abandoned]).toEqual([1, 1, 0]);
  });

  test('a fault that no write has told is told by close', async () => {
    const file = new FakeFile();
    file.writeFault = systemError('ENOSPC');
    const { writer } = openWriter(file);
    await writer.write(new Uint8Array(10));
    expect(await faultOf(writer.close())).toBe('full');
    expect(file.closed).toBe(1);
  });

  test('a failed early sync gives the file up, and the writer learns it', async () => {
    const file = new FakeFile();
    file.syncGate = Promise.reject(systemError('EIO'));
    const { writer, told } = openWriter(file);
    const write = async () => {
      for (let turn = 0; turn < 64; turn += 1) await writer.write(new Uint8Array(MIB));
    };
    expect(await faultOf(write())).toBe('failed');
    await writer.close();
    expect([told.abandoned, file.closed]).toEqual([1, 1]);
  });

  test('a sync that fails after the close is told to the commit', async () => {
    const file = new FakeFile();
    const gate = Promise.withResolvers<void>();
    file.syncGate = gate.promise;
    const { writer, told } = openWriter(file);
    await writer.write(new Uint8Array(2 * MIB));
    await writer.close();
    const retired = faultOf(writer.retire());
    gate.reject(systemError('EIO'));
    expect(await retired).toBe('failed');
    expect(told.abandoned).toBe(1);
  });

  test('shutting out waits for the write that is under way, and lets no other begin', async () => {
    const file = new FakeFile();
    const gate = Promise.withResolvers<void>();
    file.writeGate = gate.promise;
    const { writer } = openWriter(file);
    await writer.write(new Uint8Array(WRITE_BUFFER_BYTES));
    const blocked = faultOf(writer.write(new Uint8Array(WRITE_BUFFER_BYTES)));
    const retired = writer.retire();
    expect(file.closed).toBe(0);
    gate.resolve();
    await retired;
    expect(await blocked).toBe('superseded');
    expect(file.writes.length).toBe(1);
    expect(file.closed).toBe(1);
  });
});
