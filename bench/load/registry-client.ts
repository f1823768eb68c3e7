// The requests of the distribution spec that the workloads make, each checked: a wrong status or a
// wrong digest is an error, so that a fast refusal is never counted as work.
import type { Registry } from '../registries.ts';
import { authorize, type Headers } from './authorization.ts';
import { type Blob, BlobSource, digestOf, type Image, imageOf, OCI_MANIFEST } from './content.ts';
import { type Answer, Connection, type PreparedRequest, prepareRequest } from './http-client.ts';

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly headers?: Headers;
  readonly length?: number;
}

export class RegistryClient {
  readonly registry: Registry;
  readonly #authorization: Headers;

  private constructor(registry: Registry, authorization: Headers) {
    this.registry = registry;
    this.#authorization = authorization;
  }

  /** Signs in for these repositories, where the registry asks for it. */
  static async open(registry: Registry, repositories: readonly string[]): Promise<RegistryClient> {
    return new RegistryClient(registry, await authorize(registry, repositories));
  }

  connect(): Connection {
    return new Connection(this.registry.endpoint);
  }

  /** Runs `work` with this many connections, and closes them at its end. */
  async withConnections<T>(count: number, work: (all: Connection[]) => Promise<T>): Promise<T> {
    const connections = Array.from({ length: count }, () => this.connect());
    try {
      return await work(connections);
    } finally {
      for (const connection of connections) connection.close();
    }
  }

  prepare(line: RequestLine): PreparedRequest {
    const headers = { ...this.#authorization, ...line.headers };
    return prepareRequest(this.registry.endpoint, { ...line, headers });
  }

  /** Sends one request and checks its status. */
  async ask(
    connection: Connection,
    line: RequestLine & { readonly body?: Uint8Array; readonly expect: readonly number[] },
  ): Promise<Answer> {
    const carries = line.body !== undefined || ['POST', 'PUT', 'PATCH'].includes(line.method);
    const request = this.prepare(carries ? { ...line, length: line.body?.length ?? 0 } : line);
    const answer = await connection.send(request, {
      keep: true,
      ...(line.body === undefined ? {} : { body: line.body }),
    });
    if (!line.expect.includes(answer.status)) {
      const text = Buffer.from(answer.body).toString('utf8').slice(0, 300);
      throw new Error(
        `${this.registry.name}: ${line.method} ${line.target} gave ${answer.status} ${text}`,
      );
    }
    return answer;
  }

  async startUpload(connection: Connection, repository: string): Promise<string> {
    const target = `/v2/${repository}/blobs/uploads/`;
    const answer = await this.ask(connection, { method: 'POST', target, expect: [202] });
    return locationOf(answer);
  }

  /** POST and one PUT with the whole body. */
  async pushBlob(connection: Connection, repository: string, blob: Blob): Promise<void> {
    const location = await this.startUpload(connection, repository);
    await this.closeUpload(connection, { location, digest: blob.digest, body: blob.bytes });
  }

  async closeUpload(
    connection: Connection,
    upload: { readonly location: string; readonly digest: string; readonly body?: Uint8Array },
  ): Promise<void> {
    const target = `${upload.location}${upload.location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(upload.digest)}`;
    const answer = await this.ask(connection, {
      method: 'PUT',
      target,
      headers: { 'Content-Type': 'application/octet-stream' },
      body: upload.body ?? new Uint8Array(0),
      expect: [201],
    });
    this.#checkDigest(answer, upload.digest);
  }

  async putManifest(
    connection: Connection,
    options: { readonly repository: string; readonly reference: string; readonly manifest: Blob },
  ): Promise<Answer> {
    const answer = await this.ask(connection, {
      method: 'PUT',
      target: `/v2/${options.repository}/manifests/${options.reference}`,
      headers: { 'Content-Type': OCI_MANIFEST },
      body: options.manifest.bytes,
      expect: [201],
    });
    this.#checkDigest(answer, options.manifest.digest);
    return answer;
  }

  /** The whole push of an image as clients do it: HEAD, POST and PUT for each blob, then the manifest. */
  async pushImage(
    connection: Connection,
    options: {
      readonly repository: string;
      readonly reference: string;
      readonly source: BlobSource;
      readonly layers: number;
    },
  ): Promise<Image> {
    const layers: { digest: string; size: number }[] = [];
    for (let index = 0; index < options.layers; index++) {
      const layer = options.source.next();
      await this.#pushMissing(connection, options.repository, layer);
      layers.push({ digest: layer.digest, size: layer.bytes.length });
    }
    const image = imageOf(layers);
    await this.#pushMissing(connection, options.repository, image.config);
    await this.putManifest(connection, { ...options, manifest: image.manifest });
    return image;
  }

  async #pushMissing(connection: Connection, repository: string, blob: Blob): Promise<void> {
    const target = `/v2/${repository}/blobs/${blob.digest}`;
    const answer = await this.ask(connection, { method: 'HEAD', target, expect: [200, 404] });
    if (answer.status === 404) await this.pushBlob(connection, repository, blob);
  }

  /** Reads something whole and checks its bytes against the digest. */
  async verify(
    connection: Connection,
    what: { readonly target: string; readonly digest: string },
  ): Promise<void> {
    const answer = await this.ask(connection, {
      method: 'GET',
      target: what.target,
      headers: { Accept: OCI_MANIFEST },
      expect: [200],
    });
    if (digestOf(answer.body) !== what.digest) {
      throw new Error(`${this.registry.name}: ${what.target} gave other bytes than its digest`);
    }
  }

  /** A new image of `layers` layers of `size` bytes, pushed over one connection. */
  pushNewImage(options: {
    readonly repository: string;
    readonly reference: string;
    readonly layers: number;
    readonly size: number;
  }): Promise<Image> {
    const source = new BlobSource(options.size);
    return this.withConnections(1, async ([connection]) => {
      if (connection === undefined) throw new Error('no connection');
      return this.pushImage(connection, { ...options, source });
    });
  }

  #checkDigest(answer: Answer, digest: string): void {
    const given = answer.header('docker-content-digest');
    if (given !== undefined && given !== digest) {
      throw new Error(`${this.registry.name} stored ${given} where ${digest} was pushed`);
    }
  }
}

/** The path and query of an answer's Location, on whatever host it names. */
export function locationOf(answer: Answer): string {
  const location = answer.header('location');
  const path = location?.indexOf('/v2/') ?? -1;
  if (location === undefined || path === -1) throw new Error('the upload has no Location');
  return location.slice(path);
}
