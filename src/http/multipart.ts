// `multipart/byteranges` (RFC 9110 §14.6): what podman asks for when it takes parts of a zstd:chunked
// layer. It fails when only the first range comes back (client behaviour 21).
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ByteRange } from '../oci/range.ts';
import type { OpenedBlob } from '../registry/pull.ts';

export interface Multipart {
  readonly contentType: string;
  /** Bytes. */
  readonly length: number;
  readonly stream: ReadableStream<Uint8Array>;
}

export function multipartBody(parts: {
  content: OpenedBlob;
  size: number;
  ranges: readonly ByteRange[];
}): Multipart {
  const { content, size, ranges } = parts;
  const boundary = randomBytes(16).toString('hex');
  const heads = ranges.map(({ start, end }) =>
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  let length = tail.length;
  ranges.forEach(({ start, end }, index) => {
    length += (heads[index]?.length ?? 0) + end - start + 1;
  });
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const [index, range] of ranges.entries()) {
      yield heads[index] as Uint8Array;
      yield* bytesOf(content, range);
    }
    yield tail;
  }
  const contentType = `multipart/byteranges; boundary=${boundary}`;
  return { contentType, length, stream: pulled(bytes()) };
}

async function* bytesOf(content: OpenedBlob, range: ByteRange): AsyncGenerator<Uint8Array> {
  if (content.kind === 'bytes') yield content.bytes.subarray(range.start, range.end + 1);
  else if (content.kind === 'stream') yield* content.open(range);
  else yield* createReadStream(content.path, range);
}

/** A chunk is made only when the client has taken the one before it. */
function pulled(source: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await source.return(undefined);
    },
  });
}
