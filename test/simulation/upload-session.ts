// One client pushes one blob through uploads, as docker and containerd do: in one piece or in chunks,
// and after a lost answer it asks for the status and goes on, or begins again.
import type { Digest, DigestAlgorithm } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { finishUpload } from '../../src/registry/finish-upload.ts';
import {
  abandonUpload,
  appendToUpload,
  beginUpload,
  uploadStatus,
} from '../../src/registry/upload.ts';
import type { Content } from './content.ts';
import { planBody, SimulatedBody } from './request.ts';
import { UPLOAD_AGE_MS } from './server.ts';
import type { UploadSession } from './session.ts';
import { Violation } from './violation.ts';
import type { Heard, World } from './world.ts';

/** Requests after which a client gives the blob up. */
const REQUESTS = 25;

export class BlobPusher {
  readonly #world: World;
  readonly #client: string;
  readonly #repository: RepositoryName;
  readonly #content: Content;
  readonly #algorithm: DigestAlgorithm;
  #session: UploadSession | undefined;

  constructor(
    world: World,
    push: { client: string; repository: RepositoryName; content: Content },
  ) {
    this.#world = world;
    this.#client = push.client;
    this.#repository = push.repository;
    this.#content = push.content;
    this.#algorithm = world.random.chance(0.1) ? 'sha512' : 'sha256';
  }

  /** @returns whether the registry said that it has the blob. */
  async push(): Promise<boolean> {
    for (let request = 0; request < REQUESTS; request += 1) {
      if (this.#world.violation !== undefined) return false;
      const session = this.#session;
      if (session === undefined) await this.#begin();
      else if (session.isUnsure) await this.#askStatus(session);
      else if (this.#world.random.chance(0.02)) return this.#cancel(session);
      else if (await this.#send(session)) return true;
    }
    return false;
  }

  get #digest(): Digest {
    return this.#content.digest(this.#algorithm);
  }

  async #begin(): Promise<void> {
    const world = this.#world;
    const repository = this.#repository;
    const algorithm = world.random.chance(0.9) ? this.#algorithm : 'sha256';
    const { powerCuts } = world;
    const touchedAt = world.now();
    const answer = await world.request(this.#client, {
      label: 'begin an upload',
      operations: [],
      work: (server) => beginUpload(server.upload, { repository, actor: this.#client, algorithm }),
    });
    if (answer.kind !== 'ok') return;
    this.#session = {
      id: answer.value.id,
      repository,
      content: this.#content,
      acknowledged: 0,
      promised: 0,
      isUnsure: false,
      touchedAt,
      powerCuts,
      needsPlace: false,
      isTainted: false,
      mayBeOver: false,
    };
    world.sessions.set(answer.value.id, this.#session);
  }

  async #askStatus(session: UploadSession): Promise<void> {
    const { id, repository } = session;
    const answer = await this.#world.request(this.#client, {
      label: `status of ${id}`,
      operations: [],
      work: (server) => uploadStatus(server.upload, { id, repository }),
    });
    if (answer.kind === 'refused') this.#forget(session, answer.code);
    if (answer.kind !== 'ok') return;
    const { size } = answer.value;
    if (size < session.promised && isTrustworthy(this.#world, session) && !session.mayBeOver) {
      this.#violate(`upload ${id} holds ${size} bytes, but ${session.promised} were acknowledged`);
    }
    if (size > session.content.bytes.length) {
      if (!session.isTainted)
        this.#violate(`upload ${id} claims ${size} bytes: more than were sent`);
      this.#session = undefined;
      return;
    }
    session.acknowledged = size;
    session.promised = session.needsPlace ? Math.min(session.promised, size) : size;
    session.isUnsure = false;
  }

  /** Sends a chunk or the rest. @returns true when the blob is there. */
  async #send(session: UploadSession): Promise<boolean> {
    const { random } = this.#world;
    const at = session.acknowledged;
    const left = session.content.bytes.length - at;
    if (left === 0 || random.chance(0.3)) return this.#finish(session, at);
    // docker sends all in one PATCH, others send chunks.
    return this.#append(session, at, random.chance(0.4) ? left : random.between(1, left));
  }

  async #append(session: UploadSession, at: number, length: number): Promise<boolean> {
    const world = this.#world;
    const { id, repository } = session;
    const bytes = session.content.bytes.subarray(at, at + length);
    const plan = planBody(world.random, bytes, world.profile.lossRate);
    const start = session.needsPlace || world.random.chance(0.6) ? at : undefined;
    const begun = world.now();
    const answer = await world.request(this.#client, {
      label: `PATCH ${id} ${start ?? '(no range)'} + ${bytes.length} of ${session.content.bytes.length}`,
      operations: [],
      work: (server) => {
        const body = new SimulatedBody(server, world.random, plan);
        return appendToUpload(server.upload, { id, repository, start, body });
      },
    });
    this.#learn(session, answer, start);
    if (answer.kind !== 'ok') return false;
    session.touchedAt = begun;
    session.acknowledged = answer.value.size;
    session.promised = answer.value.size;
    if (answer.value.size !== at + bytes.length && !session.isTainted) {
      this.#violate(`a PATCH of ${bytes.length} at ${at} was answered with ${answer.value.size}`);
    }
    return false;
  }

  async #finish(session: UploadSession, at: number): Promise<boolean> {
    const world = this.#world;
    const { id, repository } = session;
    const plan = planBody(world.random, session.content.bytes.subarray(at), world.profile.lossRate);
    const isWrong = world.random.chance(0.03);
    const other = world.random.pick(world.contents).digest(this.#algorithm);
    const digest = isWrong ? other : this.#digest;
    const start = session.needsPlace || world.random.chance(0.4) ? at : undefined;
    session.mayBeOver = true;
    const answer = await world.request(this.#client, {
      label: `PUT ${id} at ${at} + ${plan.bytes.length}${digest === this.#digest ? '' : ' wrong'}`,
      operations: [
        world.model.begin(world.model.blob(repository, digest).adds, world.promise.blobMs),
      ],
      work: (server) => {
        const body = new SimulatedBody(server, world.random, plan);
        return finishUpload(server.upload, { id, repository, start, body, digest });
      },
    });
    this.#learn(session, answer, start);
    if (answer.kind === 'ok') {
      world.sessions.delete(id);
      if (digest !== this.#digest) this.#violate(`upload ${id} was taken for ${digest}`);
    } else if (answer.kind === 'refused' && answer.code === 'DIGEST_INVALID') {
      if (digest === this.#digest && isTrustworthy(world, session)) {
        this.#violate(`upload ${id} was refused although its digest is right`);
      }
      this.#session = undefined;
      world.sessions.delete(id);
    }
    return answer.kind === 'ok';
  }

  #learn(session: UploadSession, answer: Heard<unknown>, start: number | undefined): void {
    const { random } = this.#world;
    if (!answer.isOver) session.needsPlace = true;
    if (start === undefined && !answer.isOver) session.isTainted = true;
    if (answer.kind === 'ok') return;
    session.isUnsure = true;
    if (answer.kind === 'refused' && answer.code === 'BLOB_UPLOAD_UNKNOWN') {
      this.#forget(session, answer.code);
    } else if (answer.kind !== 'refused' && random.chance(0.2)) {
      this.#session = undefined;
    }
  }

  /** The registry does not know the upload. It had better have a reason. */
  #forget(session: UploadSession, code: string): void {
    this.#session = undefined;
    this.#world.sessions.delete(session.id);
    if (code !== 'BLOB_UPLOAD_UNKNOWN') this.#violate(`a status was refused with ${code}`);
    if (isTrustworthy(this.#world, session) && !session.mayBeOver) {
      this.#violate(`upload ${session.id} is unknown, and nobody ended it`);
    }
  }

  async #cancel(session: UploadSession): Promise<boolean> {
    const { id, repository } = session;
    session.mayBeOver = true;
    const answer = await this.#world.request(this.#client, {
      label: `cancel ${id}`,
      operations: [],
      work: (server) => abandonUpload(server.upload, { id, repository }),
    });
    this.#session = undefined;
    if (answer.kind === 'ok') this.#world.sessions.delete(id);
    return false;
  }

  #violate(message: string): void {
    this.#world.violate(new Violation(message));
  }
}

/** What was acknowledged of this upload must still be there. */
export function isTrustworthy(world: World, session: UploadSession): boolean {
  if (session.isTainted || session.powerCuts !== world.powerCuts) return false;
  return world.now() - session.touchedAt < UPLOAD_AGE_MS;
}
