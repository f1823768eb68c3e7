// Amounts as a person writes and reads them: bytes with a unit, limits of quotas.
import { UsageError } from './command.ts';

/** kB and so on are powers of 1000, KiB and so on of 1024. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  p: 1e15,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
};

/** `10GB`, `1.5TiB`, `5000`. @throws UsageError */
export function bytesOf(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,16}(?:\.\d{1,6})?) ?([a-z]{0,3})$/i.exec(text) ?? [];
  const size = Math.round(Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(
    `"${text}" is no size: write a number and kB, MB, GB or TB (KiB, MiB, GiB, TiB for powers of 1024), such as 10GB.`,
  );
}

/** Part of a limit: `80%`. @throws UsageError */
export function percentOf(text: string): number {
  const [, digits] = /^(\d{1,3})%$/.exec(text) ?? [];
  const percent = Number(digits);
  if (percent >= 1 && percent <= 100) return percent / 100;
  throw new UsageError(`"${text}" is no part of a limit: write such as 80%.`);
}

const SHOWN = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `10 GB`, `1.24 GB` */
export function shownBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < SHOWN.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : Number(size.toPrecision(3))} ${SHOWN[unit]}`;
}
