// One client that pushes until the server is gone: blobs in every shape, images, tags that move, mounts.
// It writes down what was acknowledged, the moment that it was.

import type { Random } from '../simulation/random.ts';
import { type Blob, makeBlob, makeManifest } from './content.ts';
import type { Ledger, OpenUpload } from './ledger.ts';
import { fetchSignedIn } from './signed-in.ts';

export interface PusherOptions {
  readonly random: Random;
  readonly ledger: Ledger;
  readonly url: string;
  readonly name: string;
  /** All repositories, for mounts. */
  readonly repositories: readonly string[];
  /** What was pushed a while ago may have been collected: it is not mounted. */
  readonly mayBeGone?: boolean;
  /** Something is under way: a moment at which the server may be killed. */
  moment(): void;
}

type RequestBody = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** The server answered, and not as it should. */
export class WrongAnswer extends Error {}

export class Pusher {
  readonly #options: PusherOptions;
  readonly #repository: string;
  #images = 0;

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#repository = options.name;
  }

  /** @throws WrongAnswer; any other error means that the connection is gone. */
  async run(isOver: () => boolean): Promise<void> {
    const { random } = this.#options;
    while (!isOver()) {
      const luck = random.below(11);
      if (luck < 5) await this.#pushBlob(makeBlob(random));
      else if (luck < 9) await this.#pushImage();
      else if (luck < 10) await this.#mount();
      else await this.#makeOrRevokeToken();
    }
  }

  async #pushImage(): Promise<void> {
    const { random, ledger } = this.#options;
    const config = makeBlob(random);
    const layer = makeBlob(random);
    await this.#pushBlob(config);
    await this.#pushBlob(layer);
    this.#images += 1;
    const mark = `${this.#repository} ${this.#images} ${random.below(2 ** 31)}`;
    const { bytes, digest } = makeManifest({ config, layer, mark });
    const tag = random.pick(['one', 'two', 'three']);
    ledger.tagAsked(this.#repository, tag, digest);
    await this.#ask('PUT', `/v2/${this.#repository}/manifests/${tag}`, {
      status: 201,
      body: bytes,
      headers: { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' },
    });
    ledger.manifest(this.#repository, tag, { digest, size: bytes.length });
  }

  async #makeOrRevokeToken(): Promise<void> {
    const { random, ledger } = this.#options;
    const { tokens } = ledger;
    const live = tokens.liveIds();
    const headers = { 'Content-Type': 'application/json' };
    if (live.length < 3 || random.chance(0.5)) {
      const body = Buffer.from(JSON.stringify({ name: 'made between kills' }));
      const made = await this.#ask('POST', '/api/v1/tokens', { status: 201, body, headers });
      tokens.made((await made.json()) as { id: number; secret: string });
      return;
    }
    const id = random.pick(live);
    tokens.revocationAsked(id);
    await this.#ask('DELETE', `/api/v1/tokens/${id}`, { status: 204 });
    tokens.revoked(id);
  }

  async #mount(): Promise<void> {
    const { random, ledger, repositories } = this.#options;
    const from = random.pick(repositories);
    const digests = ledger.blobsOf(from);
    if (digests.length === 0 || this.#options.mayBeGone === true) return;
    const digest = random.pick(digests);
    const query = `mount=${digest}&from=${encodeURIComponent(from)}`;
    const target = `/v2/${this.#repository}/blobs/uploads/?${query}`;
    const answer = await this.#ask('POST', target, { status: 201 });
    const size = (await this.#ask('HEAD', answer.headers.get('location') ?? '', { status: 200 }))
      .headers;
    ledger.blob(this.#repository, digest, Number(size.get('content-length')));
  }

  async #pushBlob(blob: Blob): Promise<void> {
    const { random, ledger } = this.#options;
    const { bytes, digest } = blob;
    const uploads = `/v2/${this.#repository}/blobs/uploads/`;
    if (random.chance(0.25)) {
      await this.#ask('POST', `${uploads}?digest=${digest}`, { status: 201, body: bytes });
    } else {
      const begun = await this.#ask('POST', uploads, { status: 202 });
      const location = begun.headers.get('location') ?? '';
      const upload: OpenUpload = {
        repository: this.#repository,
        location,
        bytes,
        digest,
        acknowledged: 0,
        isClosing: false,
      };
      ledger.uploads.add(upload);
      await this.#sendChunks(upload, random.pick([0, 1, 1, 2, 5]));
      const rest = bytes.subarray(upload.acknowledged);
      upload.isClosing = true;
      await this.#ask('PUT', `${location}?digest=${digest}`, { status: 201, body: rest });
      ledger.uploads.delete(upload);
    }
    ledger.blob(this.#repository, digest, bytes.length);
  }

  async #sendChunks(upload: OpenUpload, chunks: number): Promise<void> {
    const { random } = this.#options;
    const { bytes, location } = upload;
    for (let count = 0; count < chunks; count += 1) {
      const start = upload.acknowledged;
      const left = bytes.length - start;
      if (left === 0) return;
      const length = chunks === 1 ? left : random.between(1, left);
      const chunk = bytes.subarray(start, start + length);
      const isStreamed = random.chance(0.4);
      const range = { 'Content-Range': `${start}-${start + length - 1}` };
      const answer = await this.#ask('PATCH', location, {
        status: 202,
        body: isStreamed ? streamOf(chunk) : chunk,
        headers: isStreamed && random.chance(0.5) ? {} : range,
      });
      const end = Number(answer.headers.get('range')?.split('-')[1]) + 1;
      if (end !== start + length) throw new WrongAnswer(`a PATCH up to ${start + length}: ${end}`);
      upload.acknowledged = end;
    }
  }

  async #ask(
    method: string,
    target: string,
    request: {
      status: number;
      body?: Uint8Array | ReadableStream<Uint8Array>;
      headers?: Record<string, string>;
    },
  ): Promise<Response> {
    const { body, headers, status } = request;
    this.#options.moment();
    const answer = await fetchSignedIn(`${this.#options.url}${target}`, {
      method,
      ...(headers && { headers }),
      ...(body && { body: body as RequestBody }),
    });
    const bytes = await answer.bytes();
    this.#options.moment();
    if (answer.status === status) return new Response(bytes, { headers: answer.headers });
    throw new WrongAnswer(`${method} ${target}: ${answer.status} instead of ${status}`);
  }
}

/** Sent without a length, in pieces. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + 100_000));
      at += 100_000;
    },
  });
}
