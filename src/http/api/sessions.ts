// Signing in and out in a browser, and the sessions that somebody has.
import { z } from '@hono/zod-openapi';
import type { NewSessionSecret } from '../../access/sign-in/session.ts';
import { SESSION_LIFE_MS } from '../../access/sign-in/session-times.ts';
import { signIn } from '../../access/sign-in/sign-in.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { readSessionCookie, sessionCookie } from './session-cookie.ts';
import { ID, TIME, timeOf } from './shapes.ts';

const TAG = 'Sign-in';

export const SIGNED_IN = z
  .object({
    name: z.string(),
    method: z.string().openapi({ example: 'password+totp' }),
    expiresAt: TIME,
  })
  .openapi('SignedIn');

const SESSION = z
  .object({
    id: z.int(),
    method: z.string(),
    address: z.string(),
    client: z.string(),
    createdAt: TIME,
    seenAt: TIME,
    expiresAt: TIME,
    isCurrent: z.boolean(),
  })
  .openapi('Session');

/** What the browser had before, which a new sign-in takes the place of. */
export function cookieBefore({ request, parts }: ApiCall): string | undefined {
  return readSessionCookie({ request, ...parts });
}

/** Gives the browser its new secret. */
export function giveCookie(call: ApiCall, secret: string): void {
  const { request, parts } = call;
  const maxAgeSeconds = SESSION_LIFE_MS / 1000;
  call.headers['Set-Cookie'] = sessionCookie({ request, ...parts }, { secret, maxAgeSeconds });
}

export function signedInWith(call: ApiCall, { secret, session }: NewSessionSecret) {
  giveCookie(call, secret);
  const { name, method, expiresAt } = session;
  return { name, method, expiresAt: timeOf(expiresAt) };
}

const beginSession = endpoint({
  method: 'post',
  path: '/session',
  tag: TAG,
  summary: 'Sign in with a password; sets the session cookie',
  may: 'When a second factor is on and `code` is absent, the error has `secondFactor: true` and its `methods` in the detail.',
  audience: 'public',
  body: z.strictObject({
    name: z.string().max(255),
    password: z.string().max(4_096),
    code: z.string().max(64).optional(),
  }),
  status: 201,
  result: SIGNED_IN,
  async handle(call, { body }) {
    const { signIn: parts, sessions } = call.parts;
    const signedIn = await signIn(parts, body, call.context);
    const made = await sessions.create(signedIn, {
      context: call.context,
      before: cookieBefore(call),
    });
    return signedInWith(call, made);
  },
});

const endSession = endpoint({
  method: 'delete',
  path: '/session',
  tag: TAG,
  summary: 'Sign out: ends the session of the cookie',
  async handle(call) {
    const id = sessionOf(call);
    if (id !== undefined) {
      const { id: userId } = call.user;
      await call.parts.commands.run('endSession', { userId, id, actor: call.actor });
    }
    giveCookie(call, '');
  },
});

/** Undefined for other credentials. */
export function sessionOf({ caller }: ApiCall): number | undefined {
  const { credential } = caller.identity;
  return credential.kind === 'session' ? credential.id : undefined;
}

const listSessions = endpoint({
  method: 'get',
  path: '/sessions',
  tag: TAG,
  summary: 'Your sessions, last used first',
  result: z.object({ items: z.array(SESSION) }).openapi('Sessions'),
  async handle(call) {
    const { id: user } = await call.needOwnAccount();
    const current = sessionOf(call);
    const sessions = await call.parts.sessions.list(user);
    const items = sessions.map((session) => ({
      ...session,
      createdAt: timeOf(session.createdAt),
      seenAt: timeOf(session.seenAt),
      expiresAt: timeOf(session.expiresAt),
      isCurrent: session.id === current,
    }));
    return { items };
  },
});

const endOneSession = endpoint({
  method: 'delete',
  path: '/sessions/{id}',
  tag: TAG,
  summary: 'End one of your sessions',
  params: z.object({ id: ID }),
  async handle(call, { params }) {
    const { id: userId } = await call.needOwnAccount();
    await call.parts.commands.run('endSession', { userId, id: params.id, actor: call.actor });
  },
});

const endOtherSessions = endpoint({
  method: 'delete',
  path: '/sessions',
  tag: TAG,
  summary: 'End all your sessions but the one of the request',
  result: z.object({ ended: z.int() }),
  async handle(call) {
    const { id: userId } = await call.needOwnAccount();
    const end = { userId, but: sessionOf(call) ?? 0, actor: call.actor };
    return { ended: await call.parts.commands.run('endOtherSessions', end) };
  },
});

export const sessionEndpoints = [
  beginSession,
  endSession,
  listSessions,
  endOneSession,
  endOtherSessions,
];
