// A certificate and its private key, both PEM, that belong together and are valid. Whoever holds a pair
// may serve with it. Knows no files' names but those it is told.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface CertificatePair {
  /** The server's certificate first, then the chain. */
  readonly cert: string;
  readonly key: string;
}

/** A pair that cannot be served with: a sentence for a person. */
export class CertificateProblem extends Error {}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CertificateProblem(
      `${what} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  }
}

/** @throws CertificateProblem when the key is not that of the certificate, or the time is over. */
export function checkPair(pair: CertificatePair, nowMs: number): X509Certificate {
  const certificate = parse('the certificate', () => new X509Certificate(pair.cert));
  const key: KeyObject = parse('the private key', () => createPrivateKey(pair.key));
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateProblem('the private key is not that of the certificate');
  }
  if (Date.parse(certificate.validTo) <= nowMs) {
    throw new CertificateProblem(`the certificate was valid until ${certificate.validTo}`);
  }
  return certificate;
}
