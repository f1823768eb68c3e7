// Asks containerd for an image as the kubelet does: the call PullImage of the Container Runtime Interface
// (runtime.v1, api.proto), which is gRPC over the socket. Written by hand, because crictl cannot be
// installed with `go install`. Knows just these messages.
import { type ClientHttp2Session, connect } from 'node:http2';
import { createConnection } from 'node:net';
import type { Account } from './registry-under-test.ts';

export type CriPull = Readonly<{
  /** The socket of containerd. */
  address: string;
  image: string;
  /** What the kubelet took out of a pull secret. */
  account?: Account | undefined;
}>;

export type CriAnswer =
  | Readonly<{ isPulled: true; reference: string }>
  | Readonly<{ isPulled: false; message: string }>;

const PULL_LIMIT_MS = 60_000;

export async function criPull({ address, image, account }: CriPull): Promise<CriAnswer> {
  // PullImageRequest { ImageSpec image = 1 { string image = 1 } AuthConfig auth = 2 }
  const auth = account && [field(1, account.name), field(2, account.password)];
  const request = [field(1, field(1, image)), ...(auth ? [field(2, Buffer.concat(auth))] : [])];
  const session = connect('http://containerd', {
    createConnection: () => createConnection(address),
  });
  try {
    return await call(session, '/runtime.v1.ImageService/PullImage', Buffer.concat(request));
  } finally {
    session.destroy();
  }
}

/** One message there, one back, and the outcome in the trailers. */
function call(session: ClientHttp2Session, path: string, message: Buffer): Promise<CriAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<CriAnswer>();
  const late = setTimeout(() => reject(new Error(`${path} was not answered`)), PULL_LIMIT_MS);
  session.on('error', reject);
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const chunks: Buffer[] = [];
  let outcome: Record<string, unknown> = {};
  // An answer without a message has its outcome where the headers are.
  stream.on('response', (headers) => {
    outcome = { ...outcome, ...headers };
  });
  stream.on('trailers', (trailers) => {
    outcome = { ...outcome, ...trailers };
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', reject);
  stream.on('end', () => {
    const text = decodeURIComponent(String(outcome['grpc-message'] ?? ''));
    if (String(outcome['grpc-status']) !== '0') resolve({ isPulled: false, message: text });
    else resolve({ isPulled: true, reference: textField(Buffer.concat(chunks).subarray(5)) });
  });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  return promise.finally(() => clearTimeout(late));
}

/** A field of protobuf that has a length: text, or another message. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** The text of a message that has one field of fewer than 128 bytes. */
function textField(message: Buffer): string {
  return message.subarray(2, 2 + (message[1] ?? 0)).toString();
}
