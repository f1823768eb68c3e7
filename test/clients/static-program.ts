// A Linux program without libraries, written byte by byte: it prints one text and ends with 0.
// Images made FROM scratch need something to run, and no compiler is sure to be present.

/** The names that images give to the processors this program can be written for. */
export type ProgramArchitecture = 'amd64' | 'arm64';

const LOAD_ADDRESS = 0x400000;
const HEADER_LENGTH = 64 + 56;
/** `e_machine` of the ELF header. */
const MACHINE: Readonly<Record<ProgramArchitecture, number>> = { amd64: 62, arm64: 183 };

/** The processor of this machine, where a program can be written for it. */
export function hostArchitecture(): ProgramArchitecture | undefined {
  if (process.arch === 'x64') return 'amd64';
  return process.arch === 'arm64' ? 'arm64' : undefined;
}

/** An ELF executable that prints `text`. */
export function staticProgram(text: string, architecture: ProgramArchitecture): Buffer {
  const message = Buffer.from(text);
  const code = architecture === 'amd64' ? amd64Code(message.length) : arm64Code(message.length);
  const header = elfHeader(architecture, HEADER_LENGTH + code.length + message.length);
  return Buffer.concat([header, code, message]);
}

function elfHeader(architecture: ProgramArchitecture, fileLength: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(MACHINE[architecture], 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS + HEADER_LENGTH), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt16LE(64, 58);
  // One segment: the whole file, readable and executable.
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 88);
  header.writeBigUInt64LE(BigInt(fileLength), 96);
  header.writeBigUInt64LE(BigInt(fileLength), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return header;
}

/** write(1, message, length); exit(0). The message follows the code. */
function amd64Code(length: number): Buffer {
  const code = Buffer.from([
    ...[0xb8, 1, 0, 0, 0], // mov eax, 1
    ...[0xbf, 1, 0, 0, 0], // mov edi, 1
    ...[0x48, 0x8d, 0x35, 16, 0, 0, 0], // lea rsi, [rip + 16]: the end of this code
    ...[0xba, 0, 0, 0, 0], // mov edx, length
    ...[0x0f, 0x05], // syscall
    ...[0xb8, 60, 0, 0, 0], // mov eax, 60
    ...[0x31, 0xff], // xor edi, edi
    ...[0x0f, 0x05], // syscall
  ]);
  code.writeUInt32LE(length, 18);
  return code;
}

/** The same for the other processor; `movz` takes 16 bits, enough for any message here. */
function arm64Code(length: number): Buffer {
  const words = [
    movz(8, 64),
    movz(0, 1),
    0x100000c1, // adr x1, the end of this code: 24 bytes on
    movz(2, length),
    0xd4000001, // svc 0
    movz(8, 93),
    movz(0, 0),
    0xd4000001,
  ];
  const code = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => {
    code.writeUInt32LE(word, index * 4);
  });
  return code;
}

function movz(register: number, value: number): number {
  return (0xd2800000 | (value << 5) | register) >>> 0;
}
