// Byte ranges: of a download (RFC 9110 §14.1 and §14.2), and of a chunk that is uploaded
// (distribution spec, "Pushing a blob in chunks"). Positions count from 0; both ends are included.
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RangeRequest = { kind: 'whole' };
const UNSATISFIABLE: RangeRequest = { kind: 'unsatisfiable' };
const RANGE_SPEC = /^[ \t]*([0-9]*)-([0-9]*)[ \t]*$/;

/**
 * What a Range header asks of `size` bytes.
 *
 * - Absent, another unit, malformed, too many: the whole, as if it had not been sent (§14.2).
 * - A last byte before the first (`500-0`): unsatisfiable. The RFC leaves the choice between that
 *   and ignoring it; the conformance suite of the distribution spec wants it refused.
 * - Of no bytes: the whole. A client that puts a range on each request must still get an empty blob.
 * - The order is kept and neighbours are not merged: podman pairs each part of the answer with the
 *   range that it asked for. Only when the ranges overlap so much that they are longer than the
 *   whole, the whole is sent instead, so that no header can make us send more than the blob.
 */
export function parseRange(header: string | null | undefined, size: number): RangeRequest {
  if (header === null || header === undefined || size === 0) return WHOLE;
  if (header.slice(0, 6).toLowerCase() !== 'bytes=') return WHOLE;
  const specs = header.slice(6).split(',', LIMITS.rangesPerRequest + 1);
  if (specs.length > LIMITS.rangesPerRequest) return WHOLE;

  const ranges: ByteRange[] = [];
  let seen = 0;
  let inverted = false;
  let length = 0;
  for (const spec of specs) {
    if (spec.trim() === '') continue; // §5.6.1.2: empty elements of a list are skipped.
    const match = RANGE_SPEC.exec(spec);
    const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
    if (first === '' && last === '') return WHOLE;
    seen++;
    if (first !== '' && last !== '' && Number(last) < Number(first)) inverted = true;
    const range = resolve(first, last, size);
    if (range === undefined) continue;
    ranges.push(range);
    length += range.end - range.start + 1;
  }
  if (seen === 0) return WHOLE;
  if (inverted || ranges.length === 0) return UNSATISFIABLE;
  return length > size ? WHOLE : { kind: 'ranges', ranges };
}

/** One range, cut to the size; undefined when it lies beyond the end. Numbers may be Infinity. */
function resolve(first: string, last: string, size: number): ByteRange | undefined {
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 ? undefined : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(first);
  if (start >= size) return undefined;
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

// The spec writes `0-99`. Docker's older documents and RFC 9110 write `bytes 0-99/*`, and some
// clients `bytes=0-99`.
const CONTENT_RANGE = /^(?:bytes[ =][ \t]*)?([0-9]+)-([0-9]+)(?:\/(?:\*|([0-9]+)))?$/i;

/**
 * The Content-Range of a chunk.
 *
 * What cannot be read is a broken request; what can be read and cannot be true is a range at a
 * wrong place, and its sender should ask where the upload stands. So the two have different codes.
 * @throws RegistryError BLOB_UPLOAD_INVALID when it is not a range; RANGE_INVALID when it is an
 *   impossible one: it ends before it starts, or lies beyond its own length or 2^53-1.
 */
export function parseContentRange(header: string): ByteRange {
  const match = CONTENT_RANGE.exec(header.trim());
  if (match === null) {
    throw new RegistryError(
      'BLOB_UPLOAD_INVALID',
      `"${header.slice(0, 80)}" is not a Content-Range: write the first and the last byte of the chunk, like 0-1048575.`,
    );
  }
  const [start, end, total] = [Number(match[1]), Number(match[2]), match[3]];
  if (start > Number.MAX_SAFE_INTEGER || end > Number.MAX_SAFE_INTEGER) {
    throw new RegistryError('RANGE_INVALID', 'The Content-Range lies beyond any possible blob.');
  }
  if (end < start) {
    throw new RegistryError(
      'RANGE_INVALID',
      `The Content-Range ends at byte ${end}, before it starts at byte ${start}.`,
    );
  }
  if (total !== undefined && end >= Number(total)) {
    throw new RegistryError(
      'RANGE_INVALID',
      `The Content-Range ends at byte ${end}, beyond the length that it gives itself.`,
    );
  }
  return { start, end };
}
