// Notices a renewed certificate: looks at two files again and again, and hands over the new pair once both
// fit together. Until then, and when they never do, the old pair stays. Serving with it is http/'s.
import { readFileSync, statSync } from 'node:fs';
import { type CertificatePair, CertificateProblem, checkPair } from './certificate-pair.ts';

/** Renewal programs leave days: a look every ten seconds costs two calls. */
const LOOK_EVERY_MS = 10_000;

export interface WatchTimer {
  now(): number;
  /** Calls `look` every `periodMs` until the function returned is called. */
  every(periodMs: number, look: () => void): () => void;
}

export const WATCH_TIMER: WatchTimer = {
  now: () => Date.now(),
  every(periodMs, look) {
    const timer = setInterval(look, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateEvents {
  changed(pair: CertificatePair): void;
  /** The files changed and cannot be used; told once for each change. */
  refused(reason: string): void;
}

/** @throws CertificateProblem when a file cannot be read, or the two do not fit. */
export function readPair(files: CertificateFiles, nowMs: number): CertificatePair {
  const pair = { cert: readPem(files.certificate), key: readPem(files.key) };
  checkPair(pair, nowMs);
  return pair;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new CertificateProblem(`${path} cannot be read: ${why}`, { cause });
  }
}

/** Changes whenever a file is written, replaced, or comes to stand behind another link. */
function stateOf({ certificate, key }: CertificateFiles): string {
  return [certificate, key]
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
    })
    .join(', ');
}

/** @returns a function that ends the watch. */
export function watchCertificate(
  files: CertificateFiles,
  events: CertificateEvents,
  timer: WatchTimer = WATCH_TIMER,
): () => void {
  let seen = stateOf(files);
  return timer.every(LOOK_EVERY_MS, () => {
    const state = stateOf(files);
    if (state === seen) return;
    seen = state;
    let pair: CertificatePair;
    try {
      pair = readPair(files, timer.now());
    } catch (error) {
      events.refused(
        `${files.certificate} and ${files.key} have changed and are not used, the old certificate stays: ${error instanceof Error ? error.message : error}`,
      );
      return;
    }
    events.changed(pair);
  });
}
