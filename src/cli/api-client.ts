// Speaks to the management API of a server. Knows addresses and JSON, and no command.
import { CommandFailure } from './command.ts';
import type { Terminal } from './terminal.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the server said no with. */
export class Refusal extends CommandFailure {
  readonly status: number;
  readonly code: string;
  readonly detail: JsonObject;

  constructor(refusal: { status: number; code: string; message: string; detail: JsonObject }) {
    super(refusal.message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.detail = refusal.detail;
  }
}

export interface ApiClientOptions {
  /** Without a slash at its end. */
  readonly server: string;
  /** Undefined: nobody in particular. */
  readonly authorization: string | undefined;
  readonly version: string;
  readonly fetch: Terminal['fetch'];
}

/** Milliseconds until the end of an answer. */
const TIMEOUT_MS = 60_000;
const ROOT = '/api/v1';
/** Entries asked for at once when all are wanted. */
const PAGE = 500;

interface Call {
  readonly query?: Query;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer may go on for as long as it takes. */
  readonly isLong?: true;
}

export class ApiClient {
  readonly server: string;
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.server = options.server;
    this.#options = options;
  }

  /** @throws Refusal, CommandFailure when the server cannot be reached. */
  async get(path: string, query: Query = {}): Promise<Json> {
    return json(await this.send('GET', path, { query }));
  }

  async post(path: string, body: Json = {}, query: Query = {}): Promise<Json> {
    return json(await this.send('POST', path, { body, query }));
  }

  async put(path: string, body: Json = {}, query: Query = {}): Promise<Json> {
    return json(await this.send('PUT', path, { body, query }));
  }

  async patch(path: string, body: Json, query: Query = {}): Promise<Json> {
    return json(await this.send('PATCH', path, { body, query }));
  }

  async delete(path: string, query: Query = {}): Promise<Json> {
    return json(await this.send('DELETE', path, { query }));
  }

  /** Every entry of a list, whatever its pages; at most `most`. */
  async *list(
    path: string,
    query: Query = {},
    most = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<JsonObject> {
    let cursor: string | undefined;
    let left = most;
    do {
      const page = await this.get(path, { limit: Math.min(left, PAGE), ...query, cursor });
      const { items, next } = pageOf(page);
      for (const item of items) {
        yield item;
        left -= 1;
        if (left === 0) return;
      }
      cursor = next;
    } while (cursor !== undefined);
  }

  /** The entries of a list that comes whole. */
  async items(path: string, query: Query = {}): Promise<readonly JsonObject[]> {
    return pageOf(await this.get(path, query)).items;
  }

  /** All entries of a list by pages, or the first `most`. */
  async all(path: string, query: Query = {}, most?: number): Promise<JsonObject[]> {
    const found: JsonObject[] = [];
    for await (const item of this.list(path, query, most)) found.push(item);
    return found;
  }

  /** The answer as it is, for what is too long to be held. @throws Refusal */
  async send(method: string, path: string, call: Call = {}): Promise<Response> {
    const reply = await this.#fetch(method, path, call);
    if (reply.ok) return reply;
    throw await refusalOf(reply, {
      server: this.server,
      // Whoever is just signing in need not be told to.
      isToSignIn: reply.status === 401 && path !== '/session',
    });
  }

  async #fetch(method: string, path: string, { query = {}, body, headers, isLong }: Call) {
    const { server, authorization, version, fetch } = this.#options;
    const url = new URL(`${server}${ROOT}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    try {
      return await fetch(url.href, {
        method,
        headers: {
          accept: 'application/json',
          'user-agent': `entrepot/${version}`,
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // Credentials go to the server that was named and to no other.
        redirect: 'manual',
        ...(isLong !== true && { signal: AbortSignal.timeout(TIMEOUT_MS) }),
      });
    } catch (error) {
      throw unreachable(server, error);
    }
  }
}

/** One part of an address, such as a name that has slashes. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

export function unreachable(server: string, error: unknown): CommandFailure {
  const why = (error instanceof Error ? error.message : String(error)).replace(/[.?]+$/, '');
  const hint = /certificate|self.signed/i.test(why)
    ? 'Name the certificate of its authority in the variable NODE_EXTRA_CA_CERTS.'
    : 'Is the address right, and does the registry run?';
  return new CommandFailure(`${server} cannot be reached: ${why}. ${hint}`);
}

async function json(reply: Response): Promise<Json> {
  if (reply.status === 204) return null;
  const text = await reply.text();
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new CommandFailure(
      `${new URL(reply.url).origin} answered with something that is no JSON.`,
    );
  }
}

function pageOf(page: Json): { items: readonly JsonObject[]; next: string | undefined } {
  const { items, next } = objectOf(page);
  if (!Array.isArray(items)) throw new CommandFailure('The server answered without a list.');
  return { items: items.map(objectOf), next: typeof next === 'string' ? next : undefined };
}

/** @throws CommandFailure for what is no object. */
export function objectOf(value: Json | undefined): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new CommandFailure('The server answered with something that is not understood here.');
}

/** @throws CommandFailure */
export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw new CommandFailure('The server answered with something that is not understood here.');
}

async function refusalOf(
  reply: Response,
  { server, isToSignIn }: { server: string; isToSignIn: boolean },
): Promise<CommandFailure> {
  const { status } = reply;
  const [first] = errorsIn(await reply.text().catch(() => ''));
  if (first === undefined) return notOurs(status, server);
  const { code, message, detail = {} } = first;
  const seconds = reply.headers.get('retry-after');
  const wait = status === 429 && seconds !== null ? ` Try again in ${seconds} s.` : '';
  const how = isToSignIn ? ` With the command line: entrepot login ${server}` : '';
  return new Refusal({ status, code, message: `${message}${wait}${how}`, detail });
}

function notOurs(status: number, server: string): CommandFailure {
  const hint =
    status >= 300 && status < 400 ? ' It sends elsewhere: give the address it sends to.' : '';
  return new CommandFailure(
    `${server} answered with status ${status} and without a reason. Is it an Entrepot registry?${hint}`,
  );
}

interface SaidError {
  readonly code: string;
  readonly message: string;
  readonly detail?: JsonObject;
}

function errorsIn(text: string): SaidError[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: SaidError[] };
    return Array.isArray(errors) ? errors.filter(({ message }) => typeof message === 'string') : [];
  } catch {
    return [];
  }
}
