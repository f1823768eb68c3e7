import { expect, test } from 'bun:test';
import { BlobSource, blobOf, digestOf } from './load/content.ts';
import { parseRegistry } from './registries.ts';
import { callsIn } from './syncs.ts';

test('a registry is given by name and address, with a process and credentials if known', () => {
  const full = parseRegistry(`zot=http://127.0.0.1:5001,pid=${process.pid},user=me,password=a=b`);
  expect(full.name).toBe('zot');
  expect(full.endpoint).toEqual({ hostname: '127.0.0.1', port: 5001 });
  expect(full.pid()).toBe(process.pid);
  expect(full.credentials).toEqual({ user: 'me', password: 'a=b' });
  const bare = parseRegistry('docker-registry=http://localhost');
  expect(bare.endpoint).toEqual({ hostname: 'localhost', port: 80 });
  expect(bare.pid()).toBeUndefined();
  expect(bare.credentials).toBeUndefined();
  expect(bare.isDebian).toBe(true);
});

for (const text of ['zot', 'zot=https://host', '=http://host', 'zot=http://host,pid']) {
  test(`"${text}" is refused`, () => expect(() => parseRegistry(text)).toThrow('is not name='));
}

test('an option that is not known is refused by its name', () => {
  expect(() => parseRegistry('zot=http://host,token=x')).toThrow('"token" is not an option');
});

test('a process that does not run is refused: its CPU time would look like none', () => {
  expect(() => parseRegistry(`zot=http://host,pid=${2 ** 22 + 1}`)).toThrow('no process');
  expect(() => parseRegistry('zot=http://host,pid=self/..')).toThrow('no process');
});

test('every blob of a source is new and has the digest that it claims', () => {
  for (const size of [1, 16, 17, 4096, 3 * 1024 * 1024 + 5]) {
    const source = new BlobSource(size);
    const digests = Array.from({ length: size === 1 ? 1 : 3 }, () => {
      const blob = source.next();
      expect(blob.bytes).toHaveLength(size);
      expect(blob.digest).toBe(digestOf(blob.bytes));
      return blob.digest;
    });
    expect(new Set(digests).size).toBe(digests.length);
  }
  expect(blobOf(Buffer.from('abc')).digest).toStartWith('sha256:ba7816bf');
});

test('a traced call counts once, also when another thread interrupts it', () => {
  const trace = [
    '12 fsync(7) = 0',
    '13 fdatasync(9 <unfinished ...>',
    '12 fsync(8)         = 0',
    '13 <... fdatasync resumed>) = 0',
    '12 --- SIGURG {si_signo=SIGURG} ---',
    '12 +++ exited with 0 +++',
  ];
  expect(callsIn(trace.join('\n'))).toBe(3);
});
