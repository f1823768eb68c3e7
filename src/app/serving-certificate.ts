// The certificate that the server shows: read or made at the start, renewed while it runs.
import { hostname, networkInterfaces } from 'node:os';
import type { CertificatePair } from './certificate-pair.ts';
import { certificateSubject } from './certificate-subject.ts';
import { type CertificateFiles, readPair, watchCertificate } from './certificate-watch.ts';
import type { Configuration } from './configuration.ts';
import { issueCertificate, serverFiles } from './local-authority.ts';

export interface ServingCertificate {
  /** Undefined: plain HTTP. */
  readonly pair: CertificatePair | undefined;
  /** Tells of every new pair from now on. */
  watch(events: CertificateChange): void;
  stop(): void;
}

export interface CertificateChange {
  changed(pair: CertificatePair): void;
  /** A new pair cannot be used, or none could be made; the old one stays. */
  refused(reason: string): void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** @throws CertificateProblem, Error when files cannot be read or do not fit. */
export async function openCertificate(configuration: Configuration): Promise<ServingCertificate> {
  const { tls } = configuration;
  if (tls.kind === 'off') return { pair: undefined, watch() {}, stop() {} };
  const issue =
    tls.kind === 'auto'
      ? async () => {
          const machine = { hostname: hostname(), interfaces: networkInterfaces() };
          const subject = certificateSubject(configuration, machine);
          await issueCertificate(tls.directory, subject, Date.now());
        }
      : undefined;
  await issue?.();
  const files: CertificateFiles = tls.kind === 'auto' ? serverFiles(tls.directory) : tls;
  const pair = readPair(files, Date.now());
  const stops: (() => void)[] = [];
  return {
    pair,
    watch(events) {
      stops.push(watchCertificate(files, events));
      if (issue === undefined) return;
      // The watch sees what this writes.
      const daily = setInterval(() => {
        issue().catch((error: unknown) => events.refused(`no new certificate: ${error}`));
      }, DAY_MS);
      daily.unref();
      stops.push(() => clearInterval(daily));
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}
