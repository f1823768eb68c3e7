// Authorities of certificates that are trusted besides the usual ones, where this registry asks addresses
// that owners and administrators have set: issuers of trust policies, providers, the directory.
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

/** @returns the certificates (PEM) of a file. @throws Error with a sentence when there is none, or a broken one. */
export function parseAuthorities(text: string, path: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) {
    throw new Error(
      `${path} holds no certificate: it should have one or more of them as PEM, each between BEGIN CERTIFICATE and END CERTIFICATE.`,
    );
  }
  for (const [at, one] of found.entries()) {
    if (!isCertificate(one)) {
      throw new Error(`${path}: its certificate number ${at + 1} cannot be read.`);
    }
  }
  return found;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

/** As one text, with the usual ones; undefined when there are no others: then the runtime takes its own. */
export function withUsualAuthorities(authorities: readonly string[]): string | undefined {
  if (authorities.length === 0) return undefined;
  return [...rootCertificates, ...authorities].join('\n');
}

/** What `fetch` is, with these authorities. */
export function fetchTrusting(
  ca: string,
): (url: string, options: RequestInit) => Promise<Response> {
  return (url, options) => fetch(url, { ...options, tls: { ca } });
}
