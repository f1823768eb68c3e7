// Answers of any length, a piece at a time: the next one is made when the client has taken the last.
import type { Reply } from '../reply.ts';

export function streamReply(type: string, pieces: AsyncGenerator<string>): Reply {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  // How long it gets nobody knows before its end.
  return {
    status: 200,
    headers: { 'Content-Type': type },
    body: { kind: 'stream', stream },
    length: 0,
  };
}
