// `--tls auto`: an authority of this server's own, and a certificate by it.
//
//   <data>/tls/authority.crt   what other machines are made to trust (may be read by all)
//   <data>/tls/authority.key   0600; without it a new authority is made, and trust starts anew
//   <data>/tls/server.crt      made again when names change, or when its end is near
//   <data>/tls/server.key      0600
//
// Each file is written beside and renamed. A crash between two leaves a pair that does not fit: it is
// made again at the next start.
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { X509Certificate as IssuedCertificate } from '@peculiar/x509';
import { type CertificatePair, checkPair } from './certificate-pair.ts';
import { type CertificateFiles, readPair } from './certificate-watch.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Apple's systems refuse more than 825 days, also from an authority that was added by hand. */
const SERVER_DAYS = 397;
/** Made again when less is left. */
const RENEW_DAYS = 30;
/** Clocks of other machines may be behind. */
const SKEW_MS = 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface CertificateSubject {
  readonly names: readonly string[];
  /** IPv4 and IPv6, without brackets. */
  readonly addresses: readonly string[];
}

interface Authority {
  readonly pair: CertificatePair;
}

function authorityFiles(directory: string): CertificateFiles {
  return { certificate: join(directory, 'authority.crt'), key: join(directory, 'authority.key') };
}

export function serverFiles(directory: string): CertificateFiles {
  return { certificate: join(directory, 'server.crt'), key: join(directory, 'server.key') };
}

/** What other machines must trust. */
export function authorityCertificate(directory: string): string {
  return authorityFiles(directory).certificate;
}

function write(path: string, text: string, mode: number): void {
  const beside = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(beside, text, { mode, flag: 'wx' });
  renameSync(beside, path);
}

function writePair(files: CertificateFiles, pair: CertificatePair): void {
  write(files.key, pair.key, 0o600);
  write(files.certificate, pair.cert, 0o644);
}

/** The pair as it is held, or undefined when it is absent or no good any more. */
function heldPair(files: CertificateFiles, nowMs: number): CertificatePair | undefined {
  try {
    return readPair(files, nowMs);
  } catch {
    return undefined;
  }
}

async function loadX509() {
  // The library asks for it, and both are needed only here: a start without `--tls auto` stays fast.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pairOf(
  certificate: IssuedCertificate,
  keys: CryptoKeyPair,
): Promise<CertificatePair> {
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

function serialNumber(): string {
  // Positive and of full length (RFC 5280, 4.1.2.2).
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** The authority of `directory`, made when there is none. */
export async function createAuthority(directory: string, nowMs: number): Promise<Authority> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const files = authorityFiles(directory);
  const held = heldPair(files, nowMs + SERVER_DAYS * DAY_MS);
  if (held !== undefined) return { pair: held };
  const x509 = await loadX509();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // Its own name for every authority: two of one name confuse whoever trusts both.
    name: `CN=Entrepot local authority ${randomBytes(4).toString('hex')}`,
    notBefore: new Date(nowMs - SKEW_MS),
    notAfter: new Date(nowMs + AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pair = await pairOf(certificate, keys);
  writePair(files, pair);
  return { pair };
}

function isFor(certificate: X509Certificate, { names, addresses }: CertificateSubject): boolean {
  return (
    names.every((name) => certificate.checkHost(name, { subject: 'never' }) !== undefined) &&
    addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

async function sign(
  authority: Authority,
  subject: CertificateSubject,
  nowMs: number,
): Promise<CertificatePair> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.pair.cert);
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.pair.key),
    ALGORITHM,
    false,
    ['sign'],
  );
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=Entrepot',
    issuer: issuer.subject,
    notBefore: new Date(nowMs - SKEW_MS),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...subject.names.map((value) => ({ type: 'dns' as const, value })),
        ...subject.addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(certificate, keys);
}

/**
 * A certificate of the authority of `directory` for these names and addresses, kept while it fits. Call it
 * at the start and once a day; watchCertificate(serverFiles(directory)) then notices a new one.
 */
export async function issueCertificate(
  directory: string,
  subject: CertificateSubject,
  nowMs: number,
): Promise<CertificatePair> {
  for (const address of subject.addresses) {
    if (isIP(address) === 0) throw new Error(`"${address}" is not an address`);
  }
  const authority = await createAuthority(directory, nowMs);
  const files = serverFiles(directory);
  const held = heldPair(files, nowMs + RENEW_DAYS * DAY_MS);
  if (held !== undefined) {
    const certificate = new X509Certificate(held.cert);
    const issuer = new X509Certificate(authority.pair.cert);
    if (certificate.verify(issuer.publicKey) && isFor(certificate, subject)) return held;
  }
  const pair = await sign(authority, subject, nowMs);
  checkPair(pair, nowMs);
  writePair(files, pair);
  return pair;
}
