// One address of the management API: what it takes, what it gives, who may ask. From this come the route,
// the checks and the document. An answer goes through its own description, so that nothing is sent that
// is not in the document.
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { RegistryError } from '../../oci/errors.ts';
import type { Incoming } from '../incoming.ts';
import type { Reply } from '../reply.ts';
import { emptyReply, jsonReply } from '../reply.ts';
import type { ApiCall } from './api-call.ts';
import { fieldProblem } from './field-problem.ts';

/**
 * `public`: credentials are not looked at. `anyone`: they are, when there are some. `signed-in`: there must
 * be some.
 */
export type Audience = 'public' | 'anyone' | 'signed-in';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
}

interface Asked<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  readonly method: Method;
  /** With `{name}` for what varies. */
  readonly path: string;
  /** Chapter of the document. */
  readonly tag: string;
  readonly summary: string;
  /** Who may, in a sentence. */
  readonly may?: string;
  /** Default: signed-in. */
  readonly audience?: Audience;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
}

interface EndpointSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
> extends Asked<P, Q, B> {
  /** Absent: 204 without a body. */
  readonly result?: R;
  /** Default: 200, or 204 without a result. */
  readonly status?: 200 | 201;
  handle(call: ApiCall, input: Input<P, Q, B>): Promise<z.input<R>>;
}

export interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly audience: Audience;
  describe(registry: OpenAPIHono['openAPIRegistry']): void;
  answer(call: ApiCall, params: Readonly<Record<string, string>>): Promise<Reply>;
}

/** Bytes of a body: none comes near, and it is held whole. */
const BODY_BYTES = 256 * 1024;

export function endpoint<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
>(spec: EndpointSpec<P, Q, B, R>): Endpoint {
  const { result } = spec;
  const status = spec.status ?? (result === undefined ? 204 : 200);
  const content = result && { 'application/json': { schema: result } };
  return endpointOf(spec, { status, content }, async (call, input) => {
    const given = await spec.handle(call, input);
    const headers = { ...call.headers };
    if (result === undefined) return emptyReply(204, headers);
    return jsonReply(status, result.parse(given), headers);
  });
}

interface ReplySpec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>
  extends Asked<P, Q, B> {
  readonly types: readonly string[];
  reply(call: ApiCall, input: Input<P, Q, B>): Promise<Reply>;
}

/** For what is no JSON. */
export function replyEndpoint<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  spec: ReplySpec<P, Q, B>,
): Endpoint {
  const content = Object.fromEntries(spec.types.map((type) => [type, { schema: z.string() }]));
  return endpointOf(spec, { status: 200, content }, (call, input) => spec.reply(call, input));
}

/** Of a success, for the document. */
interface Answered {
  readonly status: number;
  readonly content: Record<string, { schema: z.ZodType }> | undefined;
}

function endpointOf<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  spec: Asked<P, Q, B>,
  answered: Answered,
  reply: (call: ApiCall, input: Input<P, Q, B>) => Promise<Reply>,
): Endpoint {
  const { method, path, audience = 'signed-in', params, query = NO_QUERY, body } = spec;
  return {
    method,
    path,
    audience,
    describe: (registry) => registry.registerPath(describe(spec, answered)),
    async answer(call, named) {
      const input = {
        params: checked(params, withoutNul(named, 'address'), 'address') as z.output<P>,
        query: checked(query, withoutNul(queryOf(call.request), 'query'), 'query') as z.output<Q>,
        body: (body && checked(body, await readBody(call.request), 'body')) as z.output<B>,
      };
      return reply(call, input);
    },
  };
}

/** In JSON there is no other way to write it. */
const ESCAPED_NUL = '\\u0000';

const NO_QUERY = z.strictObject({});

/** @throws RegistryError REQUEST_INVALID that names the field. */
function checked(schema: z.ZodType | undefined, value: unknown, place: string): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value, { error: fieldProblem });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  // Messages of fields never repeat what was sent: it may be a password.
  const said = (issue?.message ?? 'is not valid').replace(/\.$/, '');
  throw new RegistryError(
    'REQUEST_INVALID',
    `The ${place} is not valid: ${path === '' ? '' : `${path}: `}${said}.`,
    {
      field: path,
    },
  );
}

function queryOf({ query }: Incoming): Record<string, string> {
  return Object.fromEntries(query);
}

/** PostgreSQL takes none in a text. @throws RegistryError REQUEST_INVALID */
function withoutNul<T extends Readonly<Record<string, string>>>(texts: T, place: string): T {
  if (!Object.values(texts).some((text) => text.includes('\0'))) return texts;
  throw new RegistryError('REQUEST_INVALID', `The ${place} holds a NUL character.`);
}

async function readBody({ body, headers }: Incoming): Promise<unknown> {
  const bytes = await body.readWhole(BODY_BYTES, 'request', () => {});
  if (bytes.length === 0) return {};
  const [type = ''] = (headers.get('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') {
    throw new RegistryError(
      'REQUEST_INVALID',
      'The body must be JSON: Content-Type: application/json.',
    );
  }
  const text = Buffer.from(bytes).toString('utf8');
  if (text.includes(ESCAPED_NUL)) {
    throw new RegistryError('REQUEST_INVALID', 'The body holds a NUL character.');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new RegistryError('REQUEST_INVALID', 'The body is not JSON.');
  }
}

const ERRORS = z
  .object({
    errors: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        detail: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
  })
  .openapi('Errors');

const SECURITY = [{ accessToken: [] }, { password: [] }, { session: [] }];

function describe(
  spec: Asked<z.ZodObject, z.ZodObject, z.ZodType>,
  { status, content }: Answered,
): Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0] {
  const { method, path, tag, summary, may, audience, params, query, body } = spec;
  const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
  const anonymous = audience === 'anyone' ? [{}] : [];
  return {
    method,
    path: `/api/v1${path}`,
    tags: [tag],
    summary,
    ...(may !== undefined && { description: may }),
    security: audience === 'public' ? [] : [...anonymous, ...SECURITY],
    request: {
      ...(params !== undefined && { params }),
      ...(query !== undefined && { query }),
      ...(body !== undefined && { body: { required: true, content: json(body) } }),
    },
    responses: {
      [status]: {
        description: content === undefined ? 'Done.' : 'The answer.',
        ...(content !== undefined && { content }),
      },
      default: { description: 'What went wrong.', content: json(ERRORS) },
    },
  };
}
