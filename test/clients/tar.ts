// Writes the ustar archives that layers are. Owner, mode and time are fixed, so the same files give
// the same bytes. Knows nothing of images.

export type TarFile = Readonly<{ path: string; bytes: Uint8Array; mode?: number }>;

const BLOCK = 512;
/** 2026-01-01: any fixed time would do, but some tools warn of files from 1970. */
const MODIFIED_SECONDS = 1767225600;

export function tarOf(files: readonly TarFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    parts.push(header(file), file.bytes);
    const rest = file.bytes.byteLength % BLOCK;
    if (rest > 0) parts.push(Buffer.alloc(BLOCK - rest));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

function header(file: TarFile): Buffer {
  if (file.path.length > 100) throw new Error(`the path ${file.path} is too long for this archive`);
  const block = Buffer.alloc(BLOCK);
  block.write(file.path, 0, 100);
  block.write(octal(file.mode ?? 0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(file.bytes.byteLength, 12), 124);
  block.write(octal(MODIFIED_SECONDS, 12), 136);
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 7)} `, 148);
  return block;
}

/** Digits and a closing NUL, `length` bytes in all. */
function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\u0000`;
}
