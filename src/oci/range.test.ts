import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LIMITS } from './limits.ts';
import { parseContentRange, parseRange } from './range.ts';

const HUGE = '9'.repeat(30);

describe('one range of 1000 bytes', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=500-', 500, 999],
    ['bytes=-500', 500, 999],
    ['bytes=200-5000', 200, 999],
    ['bytes=0-999', 0, 999],
    ['bytes=-1', 999, 999],
    ['bytes=-5000', 0, 999],
    [`bytes=-${HUGE}`, 0, 999],
    [`bytes=1-${HUGE}`, 1, 999],
    ['Bytes=0-1', 0, 1],
    ['bytes= 0-1 ,', 0, 1],
    ['bytes=000-001', 0, 1],
  ])('%s', (header, start, end) => {
    expect(parseRange(header, 1000)).toEqual({ kind: 'ranges', ranges: [{ start, end }] });
  });
});

describe('the whole', () => {
  test.each([
    null,
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-b',
    'bytes=0-1,x',
    'bytes=--1',
    'bytes=0-1-2',
    'bytes =0-1',
    'bytes=0 - 1',
    'bytes=+0-1',
    'bytes=0x0-0x1',
    'items=0-1',
    '0-1',
  ])('%j', (header) => {
    expect(parseRange(header, 1000)).toEqual({ kind: 'whole' });
  });

  test('of an empty blob, whatever is asked', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=5-9', 'bytes=-0']) {
      expect(parseRange(header, 0)).toEqual({ kind: 'whole' });
    }
  });

  test('when the ranges together are longer than it', () => {
    expect(parseRange('bytes=0-,0-,0-', 1000)).toEqual({ kind: 'whole' });
    expect(parseRange('bytes=0-999,5-5', 1000)).toEqual({ kind: 'whole' });
  });

  test('when there are more ranges than the limit', () => {
    const header = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, i) => `${2 * i}-${2 * i}`).join(',')}`;
    const most = parseRange(header(LIMITS.rangesPerRequest), 1_000_000);
    expect(most.kind === 'ranges' ? most.ranges.length : 0).toBe(LIMITS.rangesPerRequest);
    expect(parseRange(header(LIMITS.rangesPerRequest + 1), 1_000_000)).toEqual({ kind: 'whole' });
  });
});

describe('unsatisfiable', () => {
  test.each([
    'bytes=1000-',
    'bytes=5000-10000',
    'bytes=-0',
    `bytes=${HUGE}-`,
    'bytes=500-0',
    'bytes=0-1,500-0',
    'bytes=1000-1001,2000-',
  ])('%s', (header) => {
    expect(parseRange(header, 1000)).toEqual({ kind: 'unsatisfiable' });
  });
});

test('several ranges keep their order, and those beyond the end are left out', () => {
  expect(parseRange('bytes=900-, 0-9,5000-5001,-1,10-19', 1000)).toEqual({
    kind: 'ranges',
    ranges: [
      { start: 900, end: 999 },
      { start: 0, end: 9 },
      { start: 999, end: 999 },
      { start: 10, end: 19 },
    ],
  });
});

test('what is served lies within the blob, is never empty and never more than the blob', () => {
  const position = fc.oneof(fc.nat(40), fc.constantFrom('', HUGE));
  const spec = fc.tuple(position, position).map(([first, last]) => `${first}-${last}`);
  fc.assert(
    fc.property(fc.array(spec), fc.nat(30), (specs, size) => {
      const answer = parseRange(`bytes=${specs.join(',')}`, size);
      if (answer.kind !== 'ranges') return;
      expect(answer.ranges.length).toBeGreaterThan(0);
      let length = 0;
      for (const { start, end } of answer.ranges) {
        expect(0 <= start && start <= end && end < size).toBeTrue();
        length += end - start + 1;
      }
      expect(length).toBeLessThanOrEqual(size);
    }),
    { numRuns: 1000 },
  );
});

test('a single range within the blob is served as it was asked', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (start, length, rest) => {
      const end = start + length;
      const answer = parseRange(`bytes=${start}-${end}`, end + 1 + rest);
      expect(answer).toEqual({ kind: 'ranges', ranges: [{ start, end }] });
    }),
  );
});

describe('the Content-Range of a chunk', () => {
  test('is read in each form that clients write', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        for (const text of [
          `${start}-${end}`,
          `bytes ${start}-${end}/*`,
          `bytes ${start}-${end}`,
          `bytes=${start}-${end}`,
          `Bytes ${start}-${end}/${BigInt(end) + 1n}`,
          ` ${start}-${end} `,
        ]) {
          expect(parseContentRange(text)).toEqual({ start, end });
        }
      }),
    );
  });

  test.each(['5-4', '0-9007199254740992', `${HUGE}-${HUGE}`, 'bytes 0-9/9', 'bytes 0-9/0'])(
    '%s is impossible',
    (text) => {
      expect(() => parseContentRange(text)).toThrow(
        expect.objectContaining({ code: 'RANGE_INVALID' }),
      );
    },
  );

  test.each(['', 'abc', '-', '0-', '-5', '0--1', 'bytes */10', '0-1,2-3', '0-1/', 'items 0-1/2'])(
    '%j is not a range',
    (text) => {
      expect(() => parseContentRange(text)).toThrow(
        expect.objectContaining({ code: 'BLOB_UPLOAD_INVALID' }),
      );
    },
  );
});
