// What was acknowledged: kept outside the server, and held against it after each start.

import { digestOf } from './content.ts';
import { fetchSignedIn } from './signed-in.ts';
import { TokenLedger, verifyAuditLog } from './token-ledger.ts';

export interface OpenUpload {
  readonly repository: string;
  readonly location: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
  /** Bytes that were acknowledged. */
  acknowledged: number;
  /** The closing request was sent: the upload may be gone because it is a blob. */
  isClosing: boolean;
}

interface Held {
  readonly size: number;
  isVerified: boolean;
}

interface Part {
  readonly digest: string;
  readonly size: number;
}

export class Ledger {
  readonly #blobs = new Map<string, Held>();
  readonly #manifests = new Map<string, Held>();
  /** Where each tag may be: the last acknowledged digest, and those asked for since. */
  readonly #tags = new Map<string, string[]>();
  readonly uploads = new Set<OpenUpload>();
  readonly tokens = new TokenLedger();

  get size(): number {
    return this.#blobs.size + this.#manifests.size + this.tokens.acknowledged;
  }

  blob(repository: string, digest: string, size: number): void {
    this.#blobs.set(`${repository}/blobs/${digest}`, { size, isVerified: false });
  }

  /** A push to a tag was sent: from now on it may be there, or not. */
  tagAsked(repository: string, tag: string, digest: string): void {
    const key = `${repository}/manifests/${tag}`;
    const known = this.#tags.get(key) ?? [''];
    this.#tags.set(key, [...known, digest]);
  }

  manifest(repository: string, tag: string, pushed: { digest: string; size: number }): void {
    const { digest, size } = pushed;
    this.#manifests.set(`${repository}/manifests/${digest}`, { size, isVerified: false });
    this.#tags.set(`${repository}/manifests/${tag}`, [digest]);
  }

  blobsOf(repository: string): string[] {
    const prefix = `${repository}/blobs/`;
    return [...this.#blobs.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  /** Reads back what is new since the last time, or all of it. @throws Error for what is lost. */
  async verify(url: string, all: boolean): Promise<number> {
    let verified = 0;
    for (const [key, held] of [...this.#blobs, ...this.#manifests]) {
      if (held.isVerified && !all) continue;
      await verifyOne(url, key, held.size);
      held.isVerified = true;
      verified += 1;
    }
    for (const [key, digests] of this.#tags) await this.#verifyTag(url, key, digests);
    await this.tokens.verify(url);
    await verifyAuditLog(url);
    return verified;
  }

  /** Every tag is where it may be, and whatever it needs is there. @throws Error for what is lost. */
  async verifyKept(url: string): Promise<number> {
    let parts = 0;
    for (const [key, digests] of this.#tags) {
      await this.#verifyTag(url, key, digests);
      const [at] = this.#tags.get(key) ?? [];
      if (at === undefined || at === '') continue;
      const repository = key.slice(0, key.indexOf('/manifests/'));
      const answer = await fetchSignedIn(`${url}/v2/${repository}/manifests/${at}`);
      if (answer.status !== 200) throw new Error(`${key} has lost its manifest ${at}`);
      const { config, layers } = (await answer.json()) as { config: Part; layers: Part[] };
      for (const { digest, size } of [config, ...layers]) {
        await verifyOne(url, `${repository}/blobs/${digest}`, size);
        parts += 1;
      }
    }
    await this.tokens.verify(url);
    await verifyAuditLog(url);
    return parts;
  }

  async #verifyTag(url: string, key: string, digests: readonly string[]): Promise<void> {
    const answer = await fetchSignedIn(`${url}/v2/${key}`, { method: 'HEAD' });
    const at = answer.status === 404 ? '' : (answer.headers.get('docker-content-digest') ?? '?');
    if (!digests.includes(at)) {
      throw new Error(`${key} is at "${at}" (${answer.status}), not at ${digests.join(' or ')}`);
    }
    // Nothing is on its way any more, so what is there now is what counts.
    this.#tags.set(key, [at]);
  }
}

async function verifyOne(url: string, key: string, size: number): Promise<void> {
  const answer = await fetchSignedIn(`${url}/v2/${key}`);
  const bytes = await answer.bytes();
  const digest = key.slice(key.lastIndexOf('/') + 1);
  if (answer.status === 200 && bytes.length === size && digestOf(bytes) === digest) return;
  throw new Error(
    `${key} was acknowledged with ${size} bytes; now ${answer.status} with ${bytes.length} bytes of ${digestOf(bytes)}`,
  );
}
