// `/api/v1`: from a request to the endpoint that answers it. Loaded with the first request there, so that
// a registry whose API nobody uses does without it.
import { OpenAPIHono } from '@hono/zod-openapi';
import { RegistryError } from '../../oci/errors.ts';
import { type Caller, UNKNOWN_CALLER } from '../access/caller.ts';
import type { Incoming } from '../incoming.ts';
import { jsonReply, notAllowed, type Reply } from '../reply.ts';
import { ApiCall } from './api-call.ts';
import type { ApiParts } from './api-parts.ts';
import { refuseCrossSite } from './cross-site.ts';
import { apiDocument } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { identifyCaller, signInFirst } from './identify-caller.ts';

interface Exchange {
  readonly request: Incoming;
  readonly parts: ApiParts;
  /** Hono's answers are of the web; ours goes beside them. */
  done(reply: Promise<Reply>): void;
}

type Env = { Bindings: Exchange };

const ROOT = '/api/v1';
const ANSWERED = new Response(null);

const router = makeRouter();

/** `path`: without the prefix. @throws RegistryError, ErrorWithHeaders */
export async function answerApi(
  request: Incoming,
  { path, parts }: { path: string; parts: ApiParts },
): Promise<Reply> {
  let reply: Promise<Reply> | undefined;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const exchange: Exchange = {
    request,
    parts,
    done: (made) => {
      reply = made;
    },
  };
  await router.fetch(new Request(`http://api${path}`, { method }), exchange);
  if (reply === undefined) throw nothingHere(request.method, path);
  return reply;
}

function makeRouter(): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>();
  for (const one of ENDPOINTS) {
    const route = `${ROOT}${one.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
    app.on(one.method.toUpperCase(), route, (context) => {
      context.env.done(answerOne(one, context.env, context.req.param()));
      return ANSWERED;
    });
  }
  app.get(`${ROOT}/openapi.json`, (context) => {
    context.env.done(Promise.resolve(jsonReply(200, apiDocument(context.env.parts.version))));
    return ANSWERED;
  });
  app.notFound(() => ANSWERED);
  return app;
}

async function answerOne(
  one: Endpoint,
  { request, parts }: Exchange,
  params: Record<string, string>,
): Promise<Reply> {
  const caller = await callerOf(one, request, parts);
  return one.answer(new ApiCall({ request, parts, caller }), params);
}

async function callerOf(one: Endpoint, request: Incoming, parts: ApiParts): Promise<Caller> {
  if (one.audience === 'public') {
    refuseCrossSite(request, { isByCookie: false });
    // Counts against the limits of its address.
    await parts.gate.identifyBy(null, request);
    return UNKNOWN_CALLER;
  }
  const caller = await identifyCaller(request, parts);
  if (one.audience === 'signed-in' && caller.standing.principal.kind === 'anonymous') {
    throw signInFirst(new RegistryError('UNAUTHORIZED'));
  }
  return caller;
}

function nothingHere(method: string, path: string): Error {
  const inner = path.slice(ROOT.length);
  const there = ENDPOINTS.filter((one) => path.startsWith(ROOT) && fits(one.path, inner));
  if (there.length > 0) {
    return notAllowed(
      method,
      there.map((one) => one.method.toUpperCase()),
    );
  }
  return new RegistryError(
    'NOT_FOUND',
    `Nothing is served at ${path.slice(0, 200)}. ${ROOT}/openapi.json lists what is.`,
  );
}

function fits(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  return (
    wanted.length === parts.length &&
    wanted.every((part, at) => part.startsWith('{') || part === parts[at])
  );
}
