// The parts of a blob in one body.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { multipartBody } from './multipart.ts';

const folder = mkdtempSync(join(tmpdir(), 'entrepot-multipart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = Buffer.from('0123456789abcdefghij');
const path = join(folder, 'blob');
writeFileSync(path, bytes);
const ranges = [
  { start: 0, end: 0 },
  { start: 18, end: 19 },
  { start: 5, end: 9 },
];

const contents = {
  bytes: { kind: 'bytes', bytes },
  file: { kind: 'file', path, size: bytes.length },
  stream: {
    kind: 'stream',
    size: bytes.length,
    open: (range?: { start: number; end: number }) =>
      new Blob([bytes.subarray(range?.start, (range?.end ?? bytes.length) + 1)]).stream(),
  },
} as const;

describe.each(Object.keys(contents) as (keyof typeof contents)[])('from %s', (kind) => {
  test('every part has its range and its bytes, and the length is right', async () => {
    const body = multipartBody({ content: contents[kind], size: bytes.length, ranges });
    const text = await new Response(body.stream).text();
    expect(Buffer.byteLength(text)).toBe(body.length);
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(body.contentType)?.[1];
    const [preamble, ...parts] = text.split(`\r\n--${boundary}`);
    expect(preamble).toBe('');
    expect(parts.pop()).toBe('--\r\n');
    const wanted = ['0', 'ij', '56789'];
    expect(parts).toEqual(
      ranges.map(
        ({ start, end }, index) =>
          `\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end}/20\r\n\r\n${wanted[index]}`,
      ),
    );
  });
});

test('nothing is read before the client takes it, and nothing after it has gone', async () => {
  const opened: number[] = [];
  const content = {
    kind: 'stream',
    size: 20,
    open(range?: { start: number; end: number }) {
      opened.push(range?.start ?? -1);
      return contents.stream.open(range);
    },
  } as const;
  const { stream } = multipartBody({ content, size: 20, ranges });
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  expect(opened.length).toBeLessThanOrEqual(2);
  await reader.cancel();
  expect(opened).not.toContain(5);
});
