// A renewed certificate is noticed once both files fit; a wrong pair leaves the old one in use.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificatePair, CertificateProblem } from './certificate-pair.ts';
import { readPair, WATCH_TIMER, watchCertificate } from './certificate-watch.ts';
import { issueCertificate } from './local-authority.ts';

const now = Date.now();
const pairs: CertificatePair[] = [];
let folder: string;
let files: { certificate: string; key: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-watch-'));
  files = { certificate: join(folder, 'a.crt'), key: join(folder, 'a.key') };
  for (const name of ['one', 'two']) {
    pairs.push(await issueCertificate(join(folder, name), { names: [name], addresses: [] }, now));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const pair = (index: number): CertificatePair => {
  const found = pairs[index];
  if (found === undefined) throw new Error('no such pair');
  return found;
};

let events: string[];
let look: () => void;
let stop: () => void;
let clock = now;

beforeEach(() => {
  rmSync(files.certificate, { force: true });
  rmSync(files.key, { force: true });
  writeFileSync(files.certificate, pair(0).cert);
  writeFileSync(files.key, pair(0).key);
  events = [];
  clock = now;
  stop = watchCertificate(
    files,
    {
      changed: ({ cert }) => events.push(cert === pair(1).cert ? 'two' : 'one'),
      refused: (reason) => events.push(reason.split(', the old certificate stays: ')[1] ?? reason),
    },
    {
      now: () => clock,
      every(_, given) {
        look = given;
        return () => events.push('stopped');
      },
    },
  );
});

test('files that stay as they are, are not read', () => {
  look();
  look();
  expect(events).toEqual([]);
});

test('a pair renewed in two steps is taken once it fits', () => {
  writeFileSync(files.certificate, pair(1).cert);
  look();
  look();
  expect(events).toEqual(['the private key is not that of the certificate']);
  writeFileSync(files.key, pair(1).key);
  look();
  look();
  expect(events.slice(1)).toEqual(['two']);
});

test('files that are absent or no PEM leave the old pair', () => {
  unlinkSync(files.key);
  look();
  expect(events[0]).toContain('ENOENT');
  writeFileSync(files.key, 'nonsense');
  look();
  expect(events[1]).toStartWith('the private key cannot be read');
  writeFileSync(files.certificate, 'nonsense');
  look();
  expect(events[2]).toStartWith('the certificate cannot be read');
  expect(events).toHaveLength(3);
});

test('a certificate whose time is over is not taken', () => {
  writeFileSync(files.certificate, pair(1).cert);
  writeFileSync(files.key, pair(1).key);
  clock = now + 400 * 86_400_000;
  look();
  expect(events[0]).toStartWith('the certificate was valid until');
});

test('a link that comes to stand for another folder is noticed', () => {
  const link = join(folder, 'current');
  symlinkSync(join(folder, 'one'), link);
  const seen: string[] = [];
  let again = (): void => {};
  watchCertificate(
    { certificate: join(link, 'server.crt'), key: join(link, 'server.key') },
    { changed: ({ cert }) => seen.push(cert), refused: (reason) => seen.push(reason) },
    {
      now: () => now,
      every(_, given) {
        again = given;
        return () => {};
      },
    },
  );
  symlinkSync(join(folder, 'two'), join(folder, 'next'));
  renameSync(join(folder, 'next'), link);
  again();
  expect(seen).toEqual([pair(1).cert]);
});

test('readPair refuses what does not fit', () => {
  expect(readPair(files, now)).toEqual(pair(0));
  writeFileSync(files.key, pair(1).key);
  expect(() => readPair(files, now)).toThrow('the private key is not that of the certificate');
  const absent = { ...files, key: join(folder, 'absent') };
  // A sentence of its own: an error of the file system would be taken for one of the data directory.
  expect(() => readPair(absent, now)).toThrow(CertificateProblem);
  expect(() => readPair(absent, now)).toThrow(`${absent.key} cannot be read`);
});

test('the watch ends, and the real timer runs and ends', async () => {
  stop();
  expect(events).toEqual(['stopped']);
  let looks = 0;
  await new Promise<void>((resolve) => {
    const end = WATCH_TIMER.every(1, () => {
      looks += 1;
      if (looks === 3) {
        end();
        resolve();
      }
    });
  });
  expect(looks).toBe(3);
});
