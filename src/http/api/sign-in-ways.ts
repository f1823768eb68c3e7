// Which ways there are to sign in, for a sign-in page; and passkeys in place of a password.
import { z } from '@hono/zod-openapi';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { passkeySite } from '../../access/sign-in/passkey-site.ts';
import type { PasskeyParts } from '../../access/sign-in/passkeys.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { cookieBefore, SIGNED_IN, signedInWith } from './sessions.ts';

const TAG = 'Sign-in';

const WAYS = z
  .object({
    hasPasskeys: z.boolean(),
    hasDirectory: z
      .boolean()
      .openapi({ description: 'Passwords of an LDAP directory are taken as well.' }),
    providers: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        url: z.string().openapi({ description: 'Where the browser goes.' }),
      }),
    ),
  })
  .openapi('SignInWays');

const ways = endpoint({
  method: 'get',
  path: '/sign-in',
  tag: TAG,
  summary: 'Which ways to sign in there are',
  audience: 'public',
  result: WAYS,
  async handle(call) {
    const { external, pathPrefix } = call.parts;
    return {
      hasPasskeys: passkeyParts(call).site !== undefined,
      hasDirectory: external.hasDirectory,
      providers: external.providers.map(({ name, label }) => ({
        name,
        title: label,
        url: `${pathPrefix}/auth/oidc/${name}`,
      })),
    };
  },
});

export function passkeyParts({ parts, request }: ApiCall): PasskeyParts {
  return { ...parts.signIn, site: passkeySite(request.origin()) };
}

/** With the first passkey: most registries do without. */
export function loadPasskeys() {
  return import('../../access/sign-in/passkeys.ts');
}

/** As the browser's own functions give and take it (WebAuthn Level 3, toJSON). */
const BROWSER_JSON = z.record(z.string(), z.unknown());

export const QUESTION = z
  .object({
    options: BROWSER_JSON.openapi({ description: 'For navigator.credentials.' }),
    state: z.string().openapi({ description: 'Comes back with the answer.' }),
  })
  .openapi('PasskeyQuestion');

export const ASSERTION = z
  .strictObject({
    state: z.string().max(4_096),
    response: BROWSER_JSON.transform(
      (json) => json as unknown as AuthenticationResponseJSON,
    ).openapi({ type: 'object' }),
  })
  .openapi('PasskeyAnswer');

/** An object of options as plain JSON. */
export function asJson({ options, state }: { options: object; state: string }) {
  return { options: { ...options }, state };
}

const ask = endpoint({
  method: 'post',
  path: '/session/passkey/options',
  tag: TAG,
  summary: 'Begin to sign in with a passkey',
  audience: 'public',
  result: QUESTION,
  async handle(call) {
    const { askForPasskey } = await loadPasskeys();
    return asJson(await askForPasskey(passkeyParts(call)));
  },
});

const signIn = endpoint({
  method: 'post',
  path: '/session/passkey',
  tag: TAG,
  summary: 'Sign in with a passkey; sets the session cookie',
  audience: 'public',
  body: ASSERTION,
  status: 201,
  result: SIGNED_IN,
  async handle(call, { body }) {
    const { signInWithPasskey } = await loadPasskeys();
    const { context } = call;
    const signedIn = await signInWithPasskey(passkeyParts(call), body, context);
    const before = cookieBefore(call);
    return signedInWith(call, await call.parts.sessions.create(signedIn, { context, before }));
  },
});

export const signInEndpoints = [ways, ask, signIn];
