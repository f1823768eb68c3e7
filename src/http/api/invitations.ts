// Invitations: a link that makes one account.
import { z } from '@hono/zod-openapi';
import { checkNewPassword } from '../../access/sign-in/password-rules.ts';
import { hashSecret, newSecret } from '../../access/tokens/secret.ts';
import { findInvitation, listInvitations } from '../../metadata/invitations.ts';
import { RegistryError } from '../../oci/errors.ts';
import { endpoint } from './endpoint.ts';
import { organisationNamed } from './organisations.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { ID, millisecondsOf, TIME, timeOf, timeOrNull, WANTED_TIME } from './shapes.ts';
import { EMAIL, NEW_PASSWORD } from './users.ts';

const TAG = 'Invitations';
const MAY = 'Administrators.';

/** How long an invitation is good when nobody says. */
const USUAL_LIFE_MS = 7 * 24 * 60 * 60_000;

const INVITATION = z
  .object({
    id: z.int(),
    email: z.string().nullable(),
    organisation: z.string().nullable(),
    createdBy: z.string(),
    createdAt: TIME,
    expiresAt: TIME,
    usedAt: TIME.nullable(),
  })
  .openapi('Invitation');

const list = endpoint({
  method: 'get',
  path: '/invitations',
  tag: TAG,
  summary: 'Invitations, newest first',
  may: MAY,
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('Invitations', INVITATION),
  async handle(call, { query }) {
    await call.needAdministrator();
    return pageOf(query, {
      key: z.int(),
      read: ({ after, limit }) =>
        listInvitations(call.parts.sql, { limit, ...(after !== undefined && { before: after }) }),
      keyOf: ({ id }) => id,
      show: (one) => ({
        ...one,
        createdAt: timeOf(one.createdAt),
        expiresAt: timeOf(one.expiresAt),
        usedAt: timeOrNull(one.usedAt),
      }),
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/invitations',
  tag: TAG,
  summary: 'Invite somebody; the link is shown once',
  may: MAY,
  body: z.strictObject({
    email: EMAIL.default(null).openapi({ description: 'Becomes the e-mail of the user.' }),
    organisation: z.string().max(64).optional().openapi({ description: 'Whom they join.' }),
    expiresAt: WANTED_TIME.optional().openapi({ description: 'Absent: in a week.' }),
  }),
  status: 201,
  result: z
    .object({ id: z.int(), secret: z.string(), link: z.string(), expiresAt: TIME })
    .openapi('NewInvitation'),
  async handle(call, { body }) {
    await call.needAdministrator();
    const { email, organisation: name } = body;
    const organisation = name === undefined ? undefined : await organisationNamed(call, name);
    const expiresAt =
      body.expiresAt === undefined
        ? call.parts.now() + USUAL_LIFE_MS
        : millisecondsOf(body.expiresAt);
    const secret = newSecret('epi');
    const id = await call.parts.commands.run('createInvitation', {
      hash: hashSecret(secret),
      email,
      organisation: organisation?.id ?? null,
      expiresAt,
      actor: call.actor,
    });
    // Behind a #: browsers send that to nobody, so it stands in no log.
    const link = `${call.request.origin()}${call.parts.pathPrefix}/invitation#${secret}`;
    return { id, secret, link, expiresAt: timeOf(expiresAt) };
  },
});

const accept = endpoint({
  method: 'post',
  path: '/invitations/accept',
  tag: TAG,
  summary: 'Make the account that an invitation is for',
  audience: 'public',
  body: z.strictObject({
    secret: z.string().max(100),
    name: z.string().max(64),
    displayName: z.string().max(128).default(''),
    email: EMAIL.default(null).openapi({ description: 'Only when the invitation names none.' }),
    password: NEW_PASSWORD,
  }),
  status: 201,
  result: z.object({ name: z.string() }),
  async handle(call, { body }) {
    const { secret, password, ...user } = body;
    const hash = hashSecret(secret);
    const { parts } = call;
    const invitation = await findInvitation(parts.sql, hash);
    // Before the hash of a password, which is dear. The command looks again.
    if (invitation?.usedAt !== null || invitation.expiresAt <= parts.now()) {
      throw new RegistryError(
        'NOT_FOUND',
        'This invitation was used, taken back, or has expired. Ask for another one.',
      );
    }
    checkNewPassword(password, { name: user.name, email: invitation.email ?? user.email });
    const passwordHash = await parts.signIn.passwords.hash(password);
    const acceptance = { ...user, hash, passwordHash, actor: call.actor };
    await parts.commands.run('acceptInvitation', acceptance);
    return { name: user.name };
  },
});

const drop = endpoint({
  method: 'delete',
  path: '/invitations/{id}',
  tag: TAG,
  summary: 'Take an invitation back',
  may: MAY,
  params: z.object({ id: ID }),
  async handle(call, { params }) {
    await call.needAdministrator();
    await call.parts.commands.run('deleteInvitation', { id: params.id, actor: call.actor });
  },
});

export const invitationEndpoints = [list, create, accept, drop];
