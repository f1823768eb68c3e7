import { expect, test } from 'bun:test';
import { headerOf, ResponseParser } from './response-parser.ts';

const LENGTH = 'HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n';

function parse(text: string, pieceLength: number, headOnly = false) {
  const parser = new ResponseParser();
  parser.begin({ headOnly, keep: true });
  const bytes = Buffer.from(text, 'latin1');
  let complete = false;
  for (let at = 0; at < bytes.length; at += pieceLength) {
    expect(complete).toBe(false);
    complete = parser.feed(bytes.subarray(at, at + pieceLength));
  }
  return { parser, complete };
}

for (const pieceLength of [1, 2, 3, 7, 1000]) {
  test(`a body by length arrives whole in pieces of ${pieceLength}`, () => {
    const { parser, complete } = parse(LENGTH, pieceLength);
    expect(complete).toBe(true);
    expect(parser.status).toBe(200);
    expect(parser.announced).toBe(5);
    expect(parser.body().toString()).toBe('hello');
  });

  test(`a body in chunks, with an extension and a trailer, in pieces of ${pieceLength}`, () => {
    const { parser, complete } = parse(CHUNKED, pieceLength);
    expect(complete).toBe(true);
    expect(parser.announced).toBe(-1);
    expect(parser.body().toString()).toBe('hello!');
  });

  test(`an interim response is passed over in pieces of ${pieceLength}`, () => {
    const { parser, complete } = parse(`HTTP/1.1 100 Continue\r\n\r\n${LENGTH}`, pieceLength);
    expect(complete).toBe(true);
    expect(parser.body().toString()).toBe('hello');
  });
}

test('HEAD, 204 and 304 have no body, whatever length they announce', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n';
  expect(parse(head, 1000, true).complete).toBe(true);
  expect(parse(head.replace('200', '304'), 1000).complete).toBe(true);
  expect(parse('HTTP/1.1 204 No Content\r\n\r\n', 1000).complete).toBe(true);
  expect(parse(head, 1000).complete).toBe(false);
});

test('without a length the body lasts until the connection ends', () => {
  const { parser, complete } = parse('HTTP/1.1 200 OK\r\n\r\nabc', 4);
  expect(complete).toBe(false);
  expect(parser.end()).toBe(true);
  expect(parser.received).toBe(3);
});

test('a cut body is not the end of a response', () => {
  const { parser, complete } = parse(LENGTH.slice(0, -1), 1000);
  expect(complete).toBe(false);
  expect(parser.end()).toBe(false);
});

test('more bytes than announced, and what is not HTTP, are errors', () => {
  expect(() => parse(`${LENGTH}x`, 1000)).toThrow('more bytes');
  expect(() => parse('SSH-2.0-hello\r\n\r\n', 1000)).toThrow('no HTTP');
});

test('headers are found without regard to case, and only at the start of a line', () => {
  const head = 'HTTP/1.1 200 OK\r\nX-Note: etag: no\r\nETag:  "a" \r\n';
  expect(headerOf(head, 'etag')).toBe('"a"');
  expect(headerOf(head, 'x-note')).toBe('etag: no');
  expect(headerOf(head, 'note')).toBeUndefined();
});
