// A stream that is read on demand: nothing is fetched before someone asks. Knows no source of bytes.

export interface ByteSource {
  /** The next bytes, or undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Called once: at the end, after a fault, or when the reader goes away. */
  close(): Promise<void>;
}

export function streamOf(source: ByteSource): ReadableStream<Uint8Array> {
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await source.close();
  };
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const chunk = await source.next();
      // The reader may have gone away in the meantime.
      if (closed) return;
      if (chunk !== undefined) return controller.enqueue(chunk);
      await close();
      controller.close();
    } catch (error) {
      if (closed) return;
      await close().catch(() => undefined);
      controller.error(error);
    }
  };
  return new ReadableStream<Uint8Array>({ pull, cancel: close }, { highWaterMark: 0 });
}

/** The same bytes in pieces of at most `chunkBytes`. */
export function streamOfBytes(
  bytes: Uint8Array,
  chunkBytes = 64 * 1024,
): ReadableStream<Uint8Array> {
  let at = 0;
  return streamOf({
    async next() {
      if (at >= bytes.length) return undefined;
      const chunk = bytes.slice(at, at + chunkBytes);
      at += chunk.length;
      return chunk;
    },
    async close() {},
  });
}
